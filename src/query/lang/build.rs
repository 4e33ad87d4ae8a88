//! Queries built of parts rather than of text: the same trees, made by calls.
//!
//! Whatever is built is printed and parsed again before it is asked, so that it obeys the same
//! rules as text, and an error shows what was meant.

use std::ops::{Add, Div, Mul, Neg, Not, Rem, Sub};
use std::time::Duration;

use crate::base::limits::MAX_QUERY_DEPTH;
use crate::base::model::{SpanKind, StatusCode};
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::time::saturating_nanos;
use crate::query::ast::{Compare, anchored};
use crate::query::lang::field::Field;
use crate::query::lang::tree::{Arithmetic, FieldExpr, Literal, Pattern};

/// A tree in the making. It grows no deeper than text may nest: what would is left out, and the
/// query that it becomes part of is refused.
#[derive(Clone, Debug)]
pub(crate) struct Made<T> {
    pub tree: T,
    depth: usize,
    pub problem: Option<String>,
}

impl<T> Made<T> {
    pub const fn leaf(tree: T) -> Self {
        Self { tree, depth: 0, problem: None }
    }

    /// A tree of this one.
    pub fn map<U: Default>(self, make: impl FnOnce(T) -> U) -> Made<U> {
        self.join(Made::leaf(()), |tree, ()| make(tree))
    }

    /// A tree of two.
    pub fn join<B, U: Default>(self, other: Made<B>, make: impl FnOnce(T, B) -> U) -> Made<U> {
        let depth = 1 + self.depth.max(other.depth);
        let problem = self.problem.or(other.problem).or_else(|| {
            let deep = format!("a query nests at most {MAX_QUERY_DEPTH} levels");
            (depth > MAX_QUERY_DEPTH).then_some(deep)
        });
        let tree = if problem.is_some() { U::default() } else { make(self.tree, other.tree) };
        Made { tree, depth, problem }
    }
}

/// An expression over a span: a field, a value, or what is computed of them.
///
/// ```
/// use std::time::Duration;
/// use tracekeep::traceql::{Expression, Field};
/// let slow = Expression::from(Field::Duration).greater(Duration::from_secs(1));
/// let large = (Expression::from(Field::span("bytes")) / 1024).greater(100);
/// assert_eq!(slow.and(large).to_string(), "duration > 1s && span.bytes / 1024 > 100");
/// ```
#[derive(Clone, Debug)]
pub struct Expression(pub(crate) Made<FieldExpr>);

impl Expression {
    fn literal(literal: Literal) -> Self {
        Self(Made::leaf(FieldExpr::Literal(literal)))
    }

    fn compare(self, compare: Compare, other: impl Into<Self>) -> Self {
        Self(self.0.join(other.into().0, |left, right| {
            FieldExpr::Compare(Box::new(left), compare, Box::new(right))
        }))
    }

    fn computed(self, operation: Arithmetic, other: Self) -> Self {
        Self(self.0.join(other.0, |left, right| {
            FieldExpr::Arithmetic(Box::new(left), vec![(operation, right)])
        }))
    }

    /// `=`: any value of the one equals any of the other.
    pub fn equals(self, other: impl Into<Self>) -> Self {
        self.compare(Compare::Equal, other)
    }

    /// `!=`: some value differs from some value of the other. False where either has none.
    pub fn differs(self, other: impl Into<Self>) -> Self {
        self.compare(Compare::NotEqual, other)
    }

    /// `<`.
    pub fn less(self, other: impl Into<Self>) -> Self {
        self.compare(Compare::Less, other)
    }

    /// `<=`.
    pub fn at_most(self, other: impl Into<Self>) -> Self {
        self.compare(Compare::LessEqual, other)
    }

    /// `>`.
    pub fn greater(self, other: impl Into<Self>) -> Self {
        self.compare(Compare::Greater, other)
    }

    /// `>=`.
    pub fn at_least(self, other: impl Into<Self>) -> Self {
        self.compare(Compare::GreaterEqual, other)
    }

    /// `=~`, or `!~` if `negated`: a regular expression that all of some text matches, or does not.
    pub fn matches(self, pattern: &str, negated: bool) -> Self {
        match anchored(pattern) {
            Ok(regex) => {
                let pattern = Pattern { text: pattern.into(), regex, negated };
                Self(self.0.map(|text| FieldExpr::Match(Box::new(text), pattern)))
            }
            Err(why) => {
                let mut made = Made::leaf(FieldExpr::default());
                made.problem = Some(format!("{pattern:?} is no regular expression: {why}"));
                Self(made)
            }
        }
    }

    /// `!= nil`: there is a value.
    pub fn exists(self) -> Self {
        self.compare(Compare::NotEqual, Self::literal(Literal::Nil))
    }

    /// `= nil`: there is none.
    pub fn is_missing(self) -> Self {
        self.compare(Compare::Equal, Self::literal(Literal::Nil))
    }

    /// `&&`: both hold of the same span.
    pub fn and(self, other: impl Into<Self>) -> Self {
        Self(self.0.join(other.into().0, |left, right| match left {
            FieldExpr::And(mut parts) => {
                parts.push(right);
                FieldExpr::And(parts)
            }
            left => FieldExpr::And(vec![left, right]),
        }))
    }

    /// `||`: one of both holds.
    pub fn or(self, other: impl Into<Self>) -> Self {
        Self(self.0.join(other.into().0, |left, right| match left {
            FieldExpr::Or(mut parts) => {
                parts.push(right);
                FieldExpr::Or(parts)
            }
            left => FieldExpr::Or(vec![left, right]),
        }))
    }

    /// `^`: a power.
    pub fn power(self, exponent: impl Into<Self>) -> Self {
        self.computed(Arithmetic::Power, exponent.into())
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident $operation:ident,)*) => {$(
        impl<T: Into<Expression>> $operator<T> for Expression {
            type Output = Self;

            fn $method(self, other: T) -> Self {
                self.computed(Arithmetic::$operation, other.into())
            }
        }
    )*};
}

operators! {
    Add add Add,
    Sub sub Subtract,
    Mul mul Multiply,
    Div div Divide,
    Rem rem Remainder,
}

impl Neg for Expression {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.map(|inner| FieldExpr::Negative(Box::new(inner))))
    }
}

/// `!`: the condition does not hold; of an attribute, that it is false.
impl Not for Expression {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0.map(|inner| FieldExpr::Not(Box::new(inner))))
    }
}

macro_rules! literals {
    ($($of:ty => |$value:ident| $literal:expr,)*) => {$(
        impl From<$of> for Expression {
            fn from($value: $of) -> Self {
                Self::literal($literal)
            }
        }
    )*};
}

literals! {
    &str => |text| Literal::Text(text.into()),
    String => |text| Literal::Text(text.into()),
    Str => |text| Literal::Text(text),
    i32 => |number| Literal::Number(Number::Int(number.into())),
    i64 => |number| Literal::Number(Number::Int(number)),
    f64 => |number| Literal::Number(Number::Double(number)),
    bool => |truth| Literal::Bool(truth),
    SpanKind => |kind| Literal::Kind(kind.0),
    StatusCode => |status| Literal::Status(status.0),
    Duration => |duration| match i64::try_from(saturating_nanos(duration)) {
        Ok(nanos) => Literal::Duration(nanos),
        Err(_) => Literal::Number(Number::Double(duration.as_nanos() as f64)),
    },
}

impl From<Field> for Expression {
    fn from(field: Field) -> Self {
        Self(Made::leaf(FieldExpr::Field(field)))
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.tree.fmt(f)
    }
}

/// The condition that nothing fulfils.
impl Default for FieldExpr {
    fn default() -> Self {
        Self::Literal(Literal::Bool(false))
    }
}
