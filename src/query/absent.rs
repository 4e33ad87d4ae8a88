//! What the partitions of a view are known to lack. Whoever waits for a text to turn up asks for it
//! again and again: only what has changed since is looked through each time.

use crate::base::recent::Recent;
use crate::base::text::Str;
use crate::query::ast::{Check, Compare, Expr, Field};
use crate::query::typed::Query;

/// Texts kept at hand for each partition.
const MOST: usize = 4;

/// Longer texts are not kept: all of them take some kilobytes a partition.
const MOST_BYTES: usize = 512;

/// Texts that no span of a partition has in some field.
#[derive(Debug)]
pub struct Absent(Recent<(Field, Str)>);

/// A text, and the field that is to have it.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'q> {
    field: &'q Field,
    text: &'q Str,
}

impl<'q> Sought<'q> {
    /// What a query looks for, if all it asks of a span is to have one text.
    pub fn by(query: &'q Query) -> Option<Self> {
        let test = match &query.filter {
            Expr::Test(test) => test,
            Expr::And(parts) => match parts.as_slice() {
                [Expr::Test(test)] => test,
                _ => return None,
            },
            _ => return None,
        };
        match &test.check {
            Check::Text(Compare::Equal, text)
                if !query.loose && !test.field.needs_trace() && text.len() <= MOST_BYTES =>
            {
                Some(Self { field: &test.field, text })
            }
            _ => None,
        }
    }
}

impl Default for Absent {
    fn default() -> Self {
        Self(Recent::new(MOST))
    }
}

impl Absent {
    /// Whether no span has it; no, if that is not known.
    pub fn has(&self, sought: Sought<'_>) -> bool {
        let is_it = |(field, text): &(Field, Str)| {
            (text == sought.text && field == sought.field).then_some(())
        };
        self.0.find(is_it).is_some()
    }

    /// Remembers that no span has it.
    pub fn keep(&self, sought: Sought<'_>) {
        self.0.keep((sought.field.clone(), sought.text.clone()));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_kept_is_known_to_be_absent() {
        let absent = Absent::default();
        let query = |text: &str| Query::parse(text).unwrap();
        let kept = query("{ span.a = \"x\" }");
        absent.keep(Sought::by(&kept).unwrap());
        for (text, is_known) in [
            ("{ span.a = \"x\" }", true),
            ("{ span.a = \"y\" }", false),
            ("{ span.b = \"x\" }", false),
            ("{ .a = \"x\" }", false),
            ("{ name = \"x\" }", false),
        ] {
            assert_eq!(absent.has(Sought::by(&query(text)).unwrap()), is_known, "{text}");
        }
        let others = ["{ }", "{ span.a != \"x\" }", "{ span.a = 1 }", "{ rootName = \"x\" }"];
        for text in others.into_iter().chain(["{ span.a = \"x\" && span.b = \"x\" }"]) {
            assert!(Sought::by(&query(text)).is_none(), "{text}");
        }
    }
}
