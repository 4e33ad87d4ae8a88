//! Expressions over one span.
//!
//! A comparison is true if any two values of its sides compare so. Missing values, and values of
//! types that do not compare, make it false, `!=` included; of arithmetic they make nothing.

use crate::base::number::Number;
use crate::query::ast::{Check, Compare};
use crate::query::compare::{self, Seen, compare_seen};
use crate::query::eval::datum::Datum;
use crate::query::eval::fields::{Taker, each};
use crate::query::lang::tree::{Arithmetic, FieldExpr, Literal, Pattern, negative};
use crate::query::predicate::{Subject, TraceFacts, joined};

/// What an expression can look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The span.
    pub subject: Option<Subject<'a>>,
    /// Its trace.
    pub facts: Option<&'a TraceFacts<'a>>,
    /// Whether text equals what prints the same.
    pub loose: bool,
}

impl Context<'_> {
    /// Nothing: for what is constant.
    pub const EMPTY: Self = Self { subject: None, facts: None, loose: false };
}

/// Whether a condition holds; `None` where that takes facts which are not given. Recurses as deep
/// as the query nests.
pub fn holds(expr: &FieldExpr, context: &Context<'_>) -> Option<bool> {
    Some(match expr {
        FieldExpr::And(parts) => {
            return joined(false, parts.iter().map(|part| holds(part, context)));
        }
        FieldExpr::Or(parts) => {
            return joined(true, parts.iter().map(|part| holds(part, context)));
        }
        FieldExpr::Not(inner) => match inner.as_ref() {
            FieldExpr::Field(_) => truth(inner, context)? == Some(false),
            inner => !holds(inner, context)?,
        },
        FieldExpr::Compare(left, compare, right) => compared(left, *compare, right, context)?,
        FieldExpr::Match(text, pattern) => matched(text, pattern, context)?,
        other => truth(other, context)? == Some(true),
    })
}

/// What truth value there is; of several, true counts most.
fn truth(expr: &FieldExpr, context: &Context<'_>) -> Option<Option<bool>> {
    let mut found = None;
    elements(expr, context, &mut |seen| {
        let truth = match seen {
            Seen::Bool(truth) => Some(truth),
            Seen::Text("true") if context.loose => Some(true),
            Seen::Text("false") if context.loose => Some(false),
            _ => None,
        };
        found = truth.map(|truth| truth || found == Some(true)).or(found);
    })?;
    Some(found)
}

fn compared(
    left: &FieldExpr,
    compare: Compare,
    right: &FieldExpr,
    context: &Context<'_>,
) -> Option<bool> {
    let is_nil = |side: &FieldExpr| *side == FieldExpr::Literal(Literal::Nil);
    match (is_nil(left), is_nil(right)) {
        (true, true) => return Some(false),
        (true, false) | (false, true) => {
            let mut exists = false;
            let side = if is_nil(left) { right } else { left };
            values(side, context, &mut |_| exists = true)?;
            return Some(exists == (compare == Compare::NotEqual));
        }
        (false, false) => {}
    }
    let mut all: Vec<Datum> = Vec::new();
    values(left, context, &mut |seen| all.push(Datum::of(seen)))?;
    let mut any = false;
    values(right, context, &mut |seen| {
        any = any || all.iter().any(|own| compare_seen(compare, own.seen(), seen, context.loose));
    })?;
    Some(any)
}

fn matched(text: &FieldExpr, pattern: &Pattern, context: &Context<'_>) -> Option<bool> {
    let check = Check::Pattern { regex: pattern.regex.clone(), negated: pattern.negated };
    let mut any = false;
    values(text, context, &mut |seen| {
        any = any || compare::holds(&check, seen, context.loose);
    })?;
    Some(any)
}

/// As [`values`], but the elements of arrays instead of them.
pub fn elements(expr: &FieldExpr, context: &Context<'_>, take: &mut Taker<'_>) -> Option<()> {
    values(expr, context, &mut |seen| seen.each_element(take))
}

/// Hands over each value of an expression.
pub fn values(expr: &FieldExpr, context: &Context<'_>, take: &mut Taker<'_>) -> Option<()> {
    match expr {
        FieldExpr::Literal(literal) => literal.seen().into_iter().for_each(take),
        FieldExpr::Field(field) => return each(field, context.subject?, context.facts, take),
        FieldExpr::Negative(_) | FieldExpr::Arithmetic(..) => {
            number(expr, context)?.into_iter().for_each(|number| take(Seen::Number(number)));
        }
        condition => take(Seen::Bool(holds(condition, context)?)),
    }
    Some(())
}

/// The number that an expression comes to, unless it has none, or several values.
pub fn number(expr: &FieldExpr, context: &Context<'_>) -> Option<Option<Number>> {
    match expr {
        FieldExpr::Negative(inner) => Some(number(inner, context)?.map(negative)),
        FieldExpr::Arithmetic(first, rest) => {
            let first = number(first, context)?;
            let mut is_open = false;
            let result = Arithmetic::chain(first, rest, &mut |operand| {
                number(operand, context).unwrap_or_else(|| {
                    is_open = true;
                    None
                })
            });
            if is_open { None } else { Some(result) }
        }
        single => {
            let (mut count, mut found) = (0, None);
            elements(single, context, &mut |seen| {
                count += 1;
                found = seen.number();
            })?;
            Some(found.filter(|_| count == 1))
        }
    }
}

impl Literal {
    /// The value, if it is not `nil`.
    pub(crate) fn seen(&self) -> Option<Seen<'_>> {
        Some(match self {
            Self::Nil => return None,
            Self::Text(text) => Seen::Text(text),
            Self::Number(number) => Seen::Number(*number),
            Self::Duration(nanos) => Seen::Number(Number::Int(*nanos)),
            Self::Bool(truth) => Seen::Bool(*truth),
            Self::Kind(code) | Self::Status(code) => Seen::Code(*code),
        })
    }
}
