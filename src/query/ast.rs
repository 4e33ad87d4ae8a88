//! The condition of a query on spans: what the typed [`Query`](crate::query::typed::Query) builds
//! and TraceQL text parses to.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use crate::base::limits::MAX_QUERY_DEPTH;
use crate::base::model::{SpanKind, StatusCode};
use crate::base::number::Number;
use crate::base::text::Str;

/// Compiled regular expressions may take this much memory each: room for any sensible pattern,
/// none for `(\w{1000}){1000}`.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A condition that one span fulfils or does not. Nests at most [`MAX_QUERY_DEPTH`] deep.
#[derive(Clone, Debug)]
pub enum Expr {
    /// All hold; true when empty.
    And(Vec<Expr>),
    /// At least one holds; false when empty.
    Or(Vec<Expr>),
    /// One condition on one field.
    Test(Test),
}

/// One condition on one field.
#[derive(Clone, Debug)]
pub struct Test {
    /// What is looked at.
    pub field: Field,
    /// What must hold of it.
    pub check: Check,
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// An attribute.
    Attribute(Scope, Str),
    /// The span's name.
    Name,
    /// The span's kind.
    Kind,
    /// The span's status code.
    Status,
    /// The text that goes with the status.
    StatusMessage,
    /// The span's duration in nanoseconds.
    Duration,
    /// The name of the trace's root span.
    RootName,
    /// The service of the trace's root span.
    RootService,
    /// The trace's duration in nanoseconds.
    TraceDuration,
}

/// Where an attribute is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// On the span or, if it lacks the key, on its resource.
    Any,
    /// On the span.
    Span,
    /// On the resource.
    Resource,
    /// On any event of the span.
    Event,
    /// On any link of the span.
    Link,
    /// On the instrumentation scope.
    Instrumentation,
}

/// What must hold of a field's value. Only values of the literal's own type can fulfil one,
/// unless the query asks for loose matching.
#[derive(Clone, Debug)]
pub enum Check {
    /// There is a value, whichever.
    Exists,
    /// There is none.
    Absent,
    /// It is a number that compares so.
    Number(Compare, Number),
    /// It is a duration that compares so with one past 2^63 nanoseconds.
    Nanos(Compare, u64),
    /// It is text that compares so, bytewise.
    Text(Compare, Str),
    /// It is a truth value: equal to this, or unequal.
    Bool(Compare, bool),
    /// It is a kind or status with this number, or with another.
    Code(Compare, i32),
    /// It is text of which all matches, or does not when `negated`.
    Pattern {
        /// Anchored at both ends.
        regex: Regex,
        /// Whether the text must not match.
        negated: bool,
    },
}

/// How two values must compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Equal.
    Equal,
    /// Unequal.
    NotEqual,
    /// The value is less.
    Less,
    /// It is not greater.
    LessEqual,
    /// It is greater.
    Greater,
    /// It is not less.
    GreaterEqual,
}

impl Compare {
    /// Whether values in this order fulfil the comparison. `None` is NaN's order: unequal only.
    pub fn accepts(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl Expr {
    /// The condition that every span fulfils.
    pub const fn always() -> Self {
        Self::And(Vec::new())
    }

    /// This condition and another on the same span, kept flat.
    pub fn and(self, test: Test) -> Self {
        match self {
            Self::And(mut all) => {
                all.push(Self::Test(test));
                Self::And(all)
            }
            other => Self::And(vec![other, Self::Test(test)]),
        }
    }
}

impl Field {
    /// The number of a kind or status named as TraceQL names it.
    pub fn code_named(&self, name: &str) -> Option<i32> {
        match self {
            Self::Kind => (0..6).find(|&n| SpanKind(n).name() == Some(name)),
            Self::Status => (0..3).find(|&n| StatusCode(n).name() == Some(name)),
            _ => None,
        }
    }
}

impl Scope {
    /// Splits what `span.`, `resource.`, `event.`, `link.`, `instrumentation.` or a bare `.`
    /// says from the key behind it; a name with no such prefix is unscoped as it stands.
    pub fn split(name: &str) -> (Self, &str) {
        const PREFIXES: [(&str, Scope); 6] = [
            ("span.", Scope::Span),
            ("resource.", Scope::Resource),
            ("event.", Scope::Event),
            ("link.", Scope::Link),
            ("instrumentation.", Scope::Instrumentation),
            (".", Scope::Any),
        ];
        let found = PREFIXES
            .iter()
            .find_map(|(prefix, scope)| name.strip_prefix(prefix).map(|key| (*scope, key)));
        found.unwrap_or((Self::Any, name))
    }
}

/// Compiles a pattern so that it must match all of the text; the error says why it cannot be.
pub fn anchored(pattern: &str) -> Result<Regex, String> {
    let compile = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(MAX_REGEX_BYTES)
            .dfa_size_limit(MAX_REGEX_BYTES)
            .nest_limit(MAX_QUERY_DEPTH as u32)
            .build()
            .map_err(|error| error.to_string())
    };
    // Alone first: `a)|(b` would close the group that anchors it.
    compile(pattern)?;
    compile(&format!(r"\A(?:{pattern})\z"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        let regex = anchored("a|bc").unwrap();
        assert!(regex.is_match("a") && regex.is_match("bc"));
        assert!(!regex.is_match("ab") && !regex.is_match("abc") && !regex.is_match("a\n"));
        assert!(anchored("a)|(b").is_err() && anchored("(").is_err());
        assert!(anchored(r"(\w{500}){500}").is_err(), "bounded in memory");
    }

    #[test]
    fn scopes_split_from_keys() {
        assert_eq!(Scope::split("span.http.method"), (Scope::Span, "http.method"));
        assert_eq!(Scope::split(".x"), (Scope::Any, "x"));
        assert_eq!(Scope::split("http.method"), (Scope::Any, "http.method"));
    }
}
