//! The tree of a query: what text parses to, what prints as text, and what can be built by hand.
//!
//! Chains of operators are lists, not nested pairs: no tree is deeper than the parentheses and
//! signs of its text, at most [`MAX_QUERY_DEPTH`](crate::base::limits::MAX_QUERY_DEPTH) levels.

use regex::Regex;

use crate::base::number::Number;
use crate::base::text::Str;
use crate::query::ast::Compare;
use crate::query::lang::field::{Field, Type};

/// A pipeline: each stage takes the span sets that the one before leaves. The first takes one set,
/// of all spans of a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    pub(crate) stages: Vec<Stage>,
}

/// A step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Of each set the spans that this selects.
    Spans(SpansetExpr),
    /// The sets of which this holds.
    Scalar(ScalarFilter),
    /// Each set split by values.
    By(Vec<FieldExpr>),
    /// All sets made one.
    Coalesce,
    /// These are told of each span.
    Select(Vec<Field>),
}

/// What selects spans of a trace.
#[derive(Clone, Debug, PartialEq)]
pub enum SpansetExpr {
    /// Those of which a condition holds.
    Filter(FieldExpr),
    /// Those of all operands, if each has some.
    And(Vec<SpansetExpr>),
    /// Those of all operands.
    Or(Vec<SpansetExpr>),
    /// Those of the right operand that relate to some of the left, step by step.
    Chain(Box<SpansetExpr>, Vec<(Structural, SpansetExpr)>),
    /// Those of all sets that a pipeline leaves.
    Pipeline(Pipeline),
    /// Those of both sides' pipelines, if the sides compare so.
    Scalar(Box<ScalarFilter>),
}

/// How spans relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structural {
    /// What the right one is to the left one.
    pub relation: Relation,
    /// Which are selected.
    pub mode: Mode,
}

/// What a span is to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Its child.
    Child,
    /// A child, or a descendant of one.
    Descendant,
    /// Its parent.
    Parent,
    /// A parent, or an ancestor of one.
    Ancestor,
    /// Another child of one of its parents.
    Sibling,
}

/// Which spans a structural operator selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Those of the right operand that relate to one of the left.
    Plain,
    /// Those of the right operand that do not.
    Negated,
    /// Those that do, and the spans of the left operand that they relate to.
    Union,
}

/// A comparison of scalars.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarFilter {
    pub(crate) left: ScalarExpr,
    pub(crate) compare: Compare,
    pub(crate) right: ScalarExpr,
}

/// A number for each span set.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarExpr {
    /// The same for each.
    Literal(Literal),
    /// How many spans it has.
    Count,
    /// Taken of the numbers that its spans have.
    Aggregate(Aggregate, FieldExpr),
    /// Of the spans that a pipeline leaves.
    Piped(Pipeline, Box<ScalarExpr>),
    /// With the sign changed.
    Negative(Box<ScalarExpr>),
    /// Computed.
    Arithmetic(Box<ScalarExpr>, Vec<(Arithmetic, ScalarExpr)>),
}

/// What is taken of a set's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// The mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The sum.
    Sum,
}

/// An expression over a span.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldExpr {
    /// The same for each span.
    Literal(Literal),
    /// What the span has there.
    Field(Field),
    /// With the sign changed.
    Negative(Box<FieldExpr>),
    /// Computed: from left to right, powers from right to left.
    Arithmetic(Box<FieldExpr>, Vec<(Arithmetic, FieldExpr)>),
    /// Whether any two values compare so.
    Compare(Box<FieldExpr>, Compare, Box<FieldExpr>),
    /// Whether any text matches.
    Match(Box<FieldExpr>, Pattern),
    /// Whether this is false.
    Not(Box<FieldExpr>),
    /// Whether all hold.
    And(Vec<FieldExpr>),
    /// Whether one holds.
    Or(Vec<FieldExpr>),
}

/// A value in the text of a query.
#[derive(Clone, Debug)]
pub enum Literal {
    /// No value.
    Nil,
    /// Text.
    Text(Str),
    /// A number.
    Number(Number),
    /// A duration in nanoseconds: a number too.
    Duration(i64),
    /// A truth value.
    Bool(bool),
    /// A span kind's number.
    Kind(i32),
    /// A status code's number.
    Status(i32),
}

/// Operations on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient, always a double.
    Divide,
    /// Remainder, with the sign of the dividend.
    Remainder,
    /// Power, always a double.
    Power,
}

/// A regular expression that all of a text matches, or must not match.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As written.
    pub(crate) text: Str,
    /// Anchored at both ends.
    pub(crate) regex: Regex,
    /// Whether texts must not match.
    pub(crate) negated: bool,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.negated) == (&other.text, other.negated)
    }
}

/// Equal as they are written: 1 and 1.0 are two literals of one value.
impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        let bits = |number: &Number| match number {
            Number::Int(value) => (0, *value as u64),
            Number::Double(value) => (1, value.to_bits()),
        };
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => bits(a) == bits(b),
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Kind(a), Self::Kind(b)) | (Self::Status(a), Self::Status(b)) => a == b,
            _ => false,
        }
    }
}

impl Literal {
    /// The number that it is.
    pub(crate) const fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Duration(nanos) => Some(Number::Int(*nanos)),
            _ => None,
        }
    }

    /// Its type.
    pub(crate) const fn of_type(&self) -> Type {
        match self {
            Self::Nil => Type::Nil,
            Self::Text(_) => Type::Text,
            Self::Number(_) | Self::Duration(_) => Type::Number,
            Self::Bool(_) => Type::Bool,
            Self::Kind(_) => Type::Kind,
            Self::Status(_) => Type::Status,
        }
    }
}

impl FieldExpr {
    /// The type of its values.
    pub(crate) const fn of_type(&self) -> Type {
        match self {
            Self::Literal(literal) => literal.of_type(),
            Self::Field(field) => field.of_type(),
            Self::Negative(_) | Self::Arithmetic(..) => Type::Number,
            Self::Compare(..) | Self::Match(..) | Self::Not(_) | Self::And(_) | Self::Or(_) => {
                Type::Bool
            }
        }
    }

    /// Calls `visit` with every field that it looks at.
    pub(crate) fn fields<'a>(&'a self, visit: &mut dyn FnMut(&'a Field)) {
        match self {
            Self::Literal(_) => {}
            Self::Field(field) => visit(field),
            Self::Negative(inner) | Self::Not(inner) | Self::Match(inner, _) => inner.fields(visit),
            Self::Arithmetic(first, rest) => {
                first.fields(visit);
                rest.iter().for_each(|(_, operand)| operand.fields(visit));
            }
            Self::Compare(left, _, right) => {
                left.fields(visit);
                right.fields(visit);
            }
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.fields(visit)),
        }
    }

    /// Whether it looks at the span at all.
    pub(crate) fn has_fields(&self) -> bool {
        let mut has = false;
        self.fields(&mut |_| has = true);
        has
    }
}

impl Arithmetic {
    /// The operation on two numbers. Integers stay integers as long as they fit 64 bits, but for
    /// quotients and powers; all else is computed in doubles, a division by zero too.
    pub(crate) fn apply(self, left: Number, right: Number) -> Number {
        if let (Number::Int(a), Number::Int(b)) = (left, right) {
            let exact = match self {
                Self::Add => a.checked_add(b),
                Self::Subtract => a.checked_sub(b),
                Self::Multiply => a.checked_mul(b),
                Self::Remainder => a.checked_rem(b),
                Self::Divide | Self::Power => None,
            };
            if let Some(exact) = exact {
                return Number::Int(exact);
            }
        }
        let (a, b) = (left.to_f64(), right.to_f64());
        Number::Double(match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Remainder => a % b,
            Self::Power => a.powf(b),
        })
    }

    /// A chain of operations of one rank: powers from the right, all others from the left.
    /// Nothing, if an operand is.
    pub(crate) fn chain<T>(
        first: Option<Number>,
        rest: &[(Self, T)],
        value: &mut dyn FnMut(&T) -> Option<Number>,
    ) -> Option<Number> {
        if let Some((Self::Power, _)) = rest.first() {
            let (last, before) = rest.split_last()?;
            let mut power = value(&last.1)?;
            for (_, operand) in before.iter().rev() {
                power = Self::Power.apply(value(operand)?, power);
            }
            return Some(Self::Power.apply(first?, power));
        }
        let mut result = first?;
        for (operation, operand) in rest {
            result = operation.apply(result, value(operand)?);
        }
        Some(result)
    }
}

impl ScalarExpr {
    /// Whether a pipeline of its own stands in it.
    pub(crate) fn has_pipeline(&self) -> bool {
        match self {
            Self::Literal(_) | Self::Count | Self::Aggregate(..) => false,
            Self::Piped(..) => true,
            Self::Negative(inner) => inner.has_pipeline(),
            Self::Arithmetic(first, rest) => {
                first.has_pipeline() || rest.iter().any(|(_, operand)| operand.has_pipeline())
            }
        }
    }

    /// Whether it is the same for all sets.
    pub(crate) fn is_constant(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Count | Self::Aggregate(..) | Self::Piped(..) => false,
            Self::Negative(inner) => inner.is_constant(),
            Self::Arithmetic(first, rest) => {
                first.is_constant() && rest.iter().all(|(_, operand)| operand.is_constant())
            }
        }
    }
}

/// The same number with its sign changed.
pub(crate) fn negative(number: Number) -> Number {
    match number {
        Number::Int(value) => {
            value.checked_neg().map_or(Number::Double(-(value as f64)), Number::Int)
        }
        Number::Double(value) => Number::Double(-value),
    }
}
