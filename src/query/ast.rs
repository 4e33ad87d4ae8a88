//! A condition on single spans in the form that indexes and columns answer: tests of one field
//! against one literal, joined. The typed [`Query`](crate::query::typed::Query) builds one, and
//! [`lower`](crate::query::lower) makes one of what TraceQL's filters say.

use std::cmp::Ordering;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::base::limits::MAX_QUERY_DEPTH;
use crate::base::number::Number;
use crate::base::text::Str;
pub use crate::query::lang::field::{Field, Scope};
use crate::query::lang::tree::FieldExpr;

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
    /// It does not hold.
    Not(Box<Expr>),
    /// One condition on one field.
    Test(Test),
    /// What takes more than tests.
    Computed(Arc<Computed>),
}

/// A condition that is computed from all of a span, or from its trace.
#[derive(Clone, Debug)]
pub struct Computed {
    /// What must be true.
    pub expr: FieldExpr,
    /// What holds wherever it is true, so that there is something to look for.
    pub needs: Expr,
}

/// One condition on one field.
#[derive(Clone, Debug)]
pub struct Test {
    /// What is looked at.
    pub field: Field,
    /// What must hold of it.
    pub check: Check,
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

impl Check {
    /// Whether it is `!=` or `!~`: of an array it holds only if its opposite holds of no element.
    pub const fn is_denial(&self) -> bool {
        matches!(
            self,
            Self::Number(Compare::NotEqual, _)
                | Self::Nanos(Compare::NotEqual, _)
                | Self::Text(Compare::NotEqual, _)
                | Self::Bool(Compare::NotEqual, _)
                | Self::Code(Compare::NotEqual, _)
                | Self::Pattern { negated: true, .. }
        )
    }
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
    /// The comparison with its sides exchanged.
    pub const fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            same => same,
        }
    }

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

    /// The condition that no span fulfils.
    pub const fn never() -> Self {
        Self::Or(Vec::new())
    }

    /// Whether it asks of more than the span. Recurses as deep as the query nests.
    pub fn needs_trace(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::needs_trace),
            Self::Not(inner) => inner.needs_trace(),
            Self::Test(test) => test.field.needs_trace(),
            Self::Computed(computed) => {
                let mut needs_trace = false;
                computed.expr.fields(&mut |field| needs_trace |= field.needs_trace());
                needs_trace
            }
        }
    }

    /// Calls `visit` with every field that it looks at. Recurses as deep as the query nests.
    pub fn fields<'a>(&'a self, visit: &mut dyn FnMut(&'a Field)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.fields(visit)),
            Self::Not(inner) => inner.fields(visit),
            Self::Test(test) => visit(&test.field),
            Self::Computed(computed) => computed.expr.fields(&mut |field| visit(field)),
        }
    }

    /// Whether every span fulfils it.
    pub fn is_always(&self) -> bool {
        matches!(self, Self::And(parts) if parts.is_empty())
    }

    /// This condition and another on the same span, kept flat.
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::And(mut all) => {
                all.push(other);
                Self::And(all)
            }
            own => Self::And(vec![own, other]),
        }
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
}
