//! Makes conditions that indexes and columns answer of what filters say.
//!
//! A field against a literal becomes a test. What is left, arithmetic and fields against fields,
//! is computed from whole spans; but no comparison is true of values that are missing, so that
//! the fields on both sides exist is a condition that can be looked for.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::number::Number;
use crate::query::ast::{Check, Compare, Computed, Expr, Field, Test};
use crate::query::eval::expr::{Context, holds, number};
use crate::query::lang::tree::{FieldExpr, Literal};

/// The condition. Recurses as deep as the query nests.
pub fn lower(expr: &FieldExpr) -> Expr {
    match expr {
        FieldExpr::And(parts) => Expr::And(parts.iter().map(lower).collect()),
        FieldExpr::Or(parts) => Expr::Or(parts.iter().map(lower).collect()),
        FieldExpr::Literal(Literal::Bool(true)) => Expr::always(),
        FieldExpr::Field(field) => truth(field, true),
        FieldExpr::Not(inner) => match inner.as_ref() {
            // Missing or no truth value: neither true nor false.
            FieldExpr::Field(field) => truth(field, false),
            inner => Expr::Not(Box::new(lower(inner))),
        },
        FieldExpr::Match(text, pattern) => match text.as_ref() {
            FieldExpr::Field(field) => {
                let (regex, negated) = (pattern.regex.clone(), pattern.negated);
                test(field, Check::Pattern { regex, negated })
            }
            _ => constant(expr).unwrap_or_else(|| computed(expr)),
        },
        FieldExpr::Compare(left, compare, right) => match (&*folded(left), &*folded(right)) {
            (FieldExpr::Field(field), FieldExpr::Literal(literal)) => {
                check(field, *compare, literal).map_or_else(Expr::never, |c| test(field, c))
            }
            (FieldExpr::Literal(literal), FieldExpr::Field(field)) => {
                let check = check(field, compare.flipped(), literal);
                check.map_or_else(Expr::never, |check| test(field, check))
            }
            _ => constant(expr).unwrap_or_else(|| computed(expr)),
        },
        // No conditions.
        FieldExpr::Literal(_) | FieldExpr::Negative(_) | FieldExpr::Arithmetic(..) => Expr::never(),
    }
}

/// The number that arithmetic over literals comes to.
fn folded(expr: &FieldExpr) -> Cow<'_, FieldExpr> {
    if !matches!(expr, FieldExpr::Negative(_) | FieldExpr::Arithmetic(..)) || expr.has_fields() {
        return Cow::Borrowed(expr);
    }
    // What NaN compares with, no index is asked.
    let folded = number(expr, &Context::EMPTY).flatten().filter(|number| !number.is_nan());
    let literal = folded.map(|number| FieldExpr::Literal(Literal::Number(number)));
    literal.map_or(Cow::Borrowed(expr), Cow::Owned)
}

fn test(field: &Field, check: Check) -> Expr {
    Expr::Test(Test { field: field.clone(), check })
}

/// Whether an attribute is this truth value. Of several values true counts most.
fn truth(field: &Field, wanted: bool) -> Expr {
    let is = |truth| test(field, Check::Bool(Compare::Equal, truth));
    match wanted {
        true => is(true),
        false => Expr::And(vec![is(false), Expr::Not(Box::new(is(true)))]),
    }
}

/// What a comparison of a field with a literal asks; none if it is true of nothing.
fn check(field: &Field, compare: Compare, literal: &Literal) -> Option<Check> {
    Some(match literal {
        Literal::Nil if compare == Compare::Equal => Check::Absent,
        Literal::Nil if compare == Compare::NotEqual => Check::Exists,
        Literal::Nil => return None,
        Literal::Text(text) => Check::Text(compare, text.clone()),
        Literal::Number(number) => Check::Number(compare, *number),
        Literal::Duration(nanos) => Check::Number(compare, Number::Int(*nanos)),
        Literal::Bool(truth) => Check::Bool(compare, *truth),
        Literal::Kind(code) if *field == Field::Kind => Check::Code(compare, *code),
        Literal::Status(code) if *field == Field::Status => Check::Code(compare, *code),
        Literal::Kind(_) | Literal::Status(_) => return None,
    })
}

/// What the same is true of all spans is known at once.
fn constant(expr: &FieldExpr) -> Option<Expr> {
    if expr.has_fields() {
        return None;
    }
    Some(if holds(expr, &Context::EMPTY)? { Expr::always() } else { Expr::never() })
}

fn computed(expr: &FieldExpr) -> Expr {
    Expr::Computed(Arc::new(Computed { expr: expr.clone(), needs: Expr::And(needs(expr)) }))
}

/// What holds of a span of which a comparison does.
fn needs(expr: &FieldExpr) -> Vec<Expr> {
    let mut all = Vec::new();
    if let FieldExpr::Compare(left, _, right) = expr
        && ![left, right].iter().any(|side| ***side == FieldExpr::Literal(Literal::Nil))
    {
        strict(left, &mut all);
        strict(right, &mut all);
    }
    all
}

/// The fields without which an expression has no value.
fn strict(expr: &FieldExpr, all: &mut Vec<Expr>) {
    match expr {
        FieldExpr::Field(field @ Field::Attribute(..)) => all.push(test(field, Check::Exists)),
        FieldExpr::Negative(inner) => strict(inner, all),
        FieldExpr::Arithmetic(first, rest) => {
            strict(first, all);
            rest.iter().for_each(|(_, operand)| strict(operand, all));
        }
        _ => {}
    }
}
