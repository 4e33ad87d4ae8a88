//! Trees as text that parses to the same trees.

use std::fmt::{Display, Formatter, Result, Write};

use crate::base::model::{SpanKind, StatusCode};
use crate::base::number::Number;
use crate::query::ast::Compare;
use crate::query::lang::field::write_quoted;
use crate::query::lang::tree::{
    Aggregate, Arithmetic, FieldExpr, Literal, Mode, Pipeline, Relation, ScalarExpr, ScalarFilter,
    SpansetExpr, Stage, Structural,
};

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.stages.is_empty() {
            return f.write_str("{ }");
        }
        list(f, &self.stages, " | ")
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Spans(spans) => spans.fmt(f),
            Self::Scalar(filter) => filter.fmt(f),
            Self::By(values) => {
                f.write_str("by(")?;
                list(f, values, ", ")?;
                f.write_char(')')
            }
            Self::Coalesce => f.write_str("coalesce()"),
            Self::Select(fields) => {
                f.write_str("select(")?;
                list(f, fields, ", ")?;
                f.write_char(')')
            }
        }
    }
}

fn list(f: &mut Formatter<'_>, items: &[impl Display], between: &str) -> Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// An operand, in parentheses if it binds no tighter than `rank`.
fn operand(f: &mut Formatter<'_>, item: &impl Display, own: u8, rank: u8) -> Result {
    if own > rank { item.fmt(f) } else { write!(f, "({item})") }
}

/// Parts with a token between them, in a whole of this rank.
fn joined<T: Display>(
    f: &mut Formatter<'_>,
    parts: &[T],
    token: &str,
    rank: u8,
    rank_of_part: fn(&T) -> u8,
) -> Result {
    for (index, part) in parts.iter().enumerate() {
        f.write_str(if index > 0 { token } else { "" })?;
        operand(f, part, rank_of_part(part), rank)?;
    }
    Ok(())
}

impl SpansetExpr {
    const fn rank(&self) -> u8 {
        match self {
            Self::Or(_) => 1,
            Self::And(_) => 2,
            Self::Scalar(_) => 0,
            Self::Chain(..) => 3,
            Self::Filter(_) | Self::Pipeline(_) => 9,
        }
    }
}

impl Display for SpansetExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Filter(FieldExpr::Literal(Literal::Bool(true))) => f.write_str("{ }"),
            Self::Filter(condition) => write!(f, "{{ {condition} }}"),
            Self::And(parts) => joined(f, parts, " && ", self.rank(), Self::rank),
            Self::Or(parts) => joined(f, parts, " || ", self.rank(), Self::rank),
            Self::Chain(first, rest) => {
                operand(f, first.as_ref(), first.rank(), self.rank())?;
                for (structural, spans) in rest {
                    write!(f, " {structural} ")?;
                    operand(f, spans, spans.rank(), self.rank())?;
                }
                Ok(())
            }
            Self::Pipeline(pipeline) => write!(f, "({pipeline})"),
            Self::Scalar(filter) => filter.fmt(f),
        }
    }
}

impl Structural {
    /// Every operator and its token; a token stands before those that begin it.
    pub(super) const TOKENS: [(&str, Self); 15] = {
        use {Mode::*, Relation::*};
        const fn of(relation: Relation, mode: Mode) -> Structural {
            Structural { relation, mode }
        }
        [
            ("!>>", of(Descendant, Negated)),
            ("!<<", of(Ancestor, Negated)),
            ("&>>", of(Descendant, Union)),
            ("&<<", of(Ancestor, Union)),
            (">>", of(Descendant, Plain)),
            ("<<", of(Ancestor, Plain)),
            ("!>", of(Child, Negated)),
            ("!<", of(Parent, Negated)),
            ("!~", of(Sibling, Negated)),
            ("&>", of(Child, Union)),
            ("&<", of(Parent, Union)),
            ("&~", of(Sibling, Union)),
            (">", of(Child, Plain)),
            ("<", of(Parent, Plain)),
            ("~", of(Sibling, Plain)),
        ]
    };
}

impl Display for Structural {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let own = Self::TOKENS.iter().find(|(_, structural)| structural == self);
        f.write_str(own.map_or("", |(token, _)| token))
    }
}

impl Display for ScalarFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {} {}", self.left, self.compare, self.right)
    }
}

impl ScalarExpr {
    const fn rank(&self) -> u8 {
        match self {
            Self::Arithmetic(_, rest) => rank_of(rest.as_slice()),
            Self::Negative(_) => 7,
            Self::Literal(literal) if literal.is_negative() => 7,
            _ => 9,
        }
    }
}

/// Sums bind loosest, then products, then signs, then powers.
const fn rank_of<T>(rest: &[(Arithmetic, T)]) -> u8 {
    match rest.first() {
        Some((Arithmetic::Add | Arithmetic::Subtract, _)) => 5,
        Some((Arithmetic::Power, _)) => 8,
        _ => 6,
    }
}

/// Looser than what an operand can be without parentheses. The last exponent can have a sign.
fn rank_behind<T>(rest: &[(Arithmetic, T)], index: usize) -> u8 {
    match rest.get(index) {
        Some((Arithmetic::Power, _)) if index + 1 == rest.len() => 6,
        _ => rank_of(rest),
    }
}

/// A chain of arithmetic.
fn computed<T: Display>(
    f: &mut Formatter<'_>,
    first: &T,
    rest: &[(Arithmetic, T)],
    rank_of_part: fn(&T) -> u8,
) -> Result {
    operand(f, first, rank_of_part(first), rank_of(rest))?;
    for (index, (operation, part)) in rest.iter().enumerate() {
        write!(f, " {operation} ")?;
        operand(f, part, rank_of_part(part), rank_behind(rest, index))?;
    }
    Ok(())
}

impl Display for ScalarExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Count => f.write_str("count()"),
            Self::Aggregate(aggregate, of) => write!(f, "{}({of})", aggregate.name()),
            Self::Piped(pipeline, scalar) => write!(f, "({pipeline} | {scalar})"),
            Self::Negative(inner) => {
                f.write_char('-')?;
                operand(f, inner.as_ref(), inner.rank(), 7)
            }
            Self::Arithmetic(first, rest) => computed(f, first.as_ref(), rest, Self::rank),
        }
    }
}

impl Aggregate {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Avg, Self::Min, Self::Max, Self::Sum];

    /// As the language names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
        }
    }
}

impl FieldExpr {
    const fn rank(&self) -> u8 {
        match self {
            Self::Or(_) => 1,
            Self::And(_) => 2,
            Self::Compare(..) | Self::Match(..) => 3,
            Self::Arithmetic(_, rest) => rank_of(rest.as_slice()),
            Self::Negative(_) | Self::Not(_) => 7,
            Self::Literal(literal) if literal.is_negative() => 7,
            Self::Literal(_) | Self::Field(_) => 9,
        }
    }
}

impl Display for FieldExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Field(field) => field.fmt(f),
            Self::Negative(inner) | Self::Not(inner) => {
                f.write_char(if matches!(self, Self::Not(_)) { '!' } else { '-' })?;
                operand(f, inner.as_ref(), inner.rank(), 7)
            }
            Self::Arithmetic(first, rest) => computed(f, first.as_ref(), rest, Self::rank),
            Self::Compare(left, compare, right) => {
                operand(f, left.as_ref(), left.rank(), 3)?;
                write!(f, " {compare} ")?;
                operand(f, right.as_ref(), right.rank(), 3)
            }
            Self::Match(text, pattern) => {
                operand(f, text.as_ref(), text.rank(), 3)?;
                f.write_str(if pattern.negated { " !~ " } else { " =~ " })?;
                write_quoted(f, &pattern.text)
            }
            Self::And(parts) => joined(f, parts, " && ", self.rank(), Self::rank),
            Self::Or(parts) => joined(f, parts, " || ", self.rank(), Self::rank),
        }
    }
}

impl Literal {
    const fn is_negative(&self) -> bool {
        match self {
            Self::Number(Number::Int(value)) | Self::Duration(value) => *value < 0,
            Self::Number(Number::Double(value)) => value.is_sign_negative(),
            _ => false,
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Text(text) => write_quoted(f, text),
            // Its digits alone are past what 64 bits hold.
            Self::Number(Number::Int(i64::MIN)) => f.write_str("minInt"),
            Self::Number(Number::Int(value)) => write!(f, "{value}"),
            Self::Number(Number::Double(value)) => write!(f, "{value:?}"),
            Self::Duration(nanos) => {
                const UNITS: [(i64, &str); 5] = [
                    (3_600_000_000_000, "h"),
                    (60_000_000_000, "m"),
                    (1_000_000_000, "s"),
                    (1_000_000, "ms"),
                    (1_000, "us"),
                ];
                let whole = UNITS.iter().find(|(unit, _)| *nanos != 0 && nanos % unit == 0);
                let (unit, name) = whole.copied().unwrap_or((1, "ns"));
                write!(f, "{}{name}", nanos / unit)
            }
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Kind(code) => f.write_str(SpanKind(*code).name().unwrap_or("unspecified")),
            Self::Status(code) => f.write_str(StatusCode(*code).name().unwrap_or("unset")),
        }
    }
}

impl Display for Arithmetic {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_char(match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
            Self::Remainder => '%',
            Self::Power => '^',
        })
    }
}

impl Display for Compare {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        })
    }
}
