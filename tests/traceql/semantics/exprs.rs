//! What an expression comes to on a span.

use super::Trace;
use super::values::{self, Datum, Number, Values};
use crate::grammar::{Arithmetic, Compare, Expr, Field, Intrinsic, Literal};
use crate::pattern::Pattern;

impl Trace {
    /// Whether a span fulfils what stands in braces.
    pub fn fulfils(&self, expr: &Expr, span: usize) -> bool {
        self.is_true(&self.value(expr, span))
    }

    pub(super) fn value(&self, expr: &Expr, span: usize) -> Values {
        let of = |expr: &Expr| self.value(expr, span);
        let truth = |truth: bool| vec![Datum::Bool(truth)];
        match expr {
            Expr::Literal(literal) => vec![datum(literal)],
            Expr::Field(field) => self.field(field, span),
            Expr::Exists(field, exists) => truth(of(field).is_empty() != *exists),
            Expr::Compare(left, how, right) => {
                let (a, b) = (of(&padded(left, *how, right)), of(&padded(right, *how, left)));
                truth(values::compare(&a, *how, &b, self.loose))
            }
            Expr::Match { text, negated, pattern } => {
                let values = of(text);
                truth(values.iter().any(|value| self.matches(value, pattern, *negated)))
            }
            Expr::Arithmetic(left, how, right) => {
                let operands = (values::operand(&of(left)), values::operand(&of(right)));
                let (Some(left), Some(right)) = operands else { return Vec::new() };
                vec![Datum::Number(left.compute(*how, right))]
            }
            Expr::Negate(operand) => {
                let operand = values::operand(&of(operand));
                let negated = operand.map(|number| match number {
                    Number::Whole(_) => Number::Whole(0).compute(Arithmetic::Subtract, number),
                    Number::Real(real) => Number::Real(-real),
                });
                negated.map(Datum::Number).into_iter().collect()
            }
            Expr::And(left, right) => truth(self.is_true(&of(left)) && self.is_true(&of(right))),
            Expr::Or(left, right) => truth(self.is_true(&of(left)) || self.is_true(&of(right))),
            Expr::Not(operand) => {
                let values = of(operand);
                truth(self.has_bool(&values, false) && !self.is_true(&values))
            }
        }
    }

    fn is_true(&self, values: &Values) -> bool {
        self.has_bool(values, true)
    }

    /// Whether some element is this truth value, or loosely the text of it.
    fn has_bool(&self, values: &Values, wanted: bool) -> bool {
        let is = |element: &&Datum| match element {
            Datum::Bool(truth) => *truth == wanted,
            Datum::Text(text) => self.loose && *text == wanted.to_string(),
            _ => false,
        };
        values.iter().any(|value| value.elements().iter().any(is))
    }

    /// Whether one value, perhaps an array, matches.
    fn matches(&self, value: &Datum, pattern: &Pattern, negated: bool) -> bool {
        let texts = value.elements().into_iter().filter_map(|element| match element {
            Datum::Text(text) => Some(text.clone()),
            other => other.printed().filter(|_| self.loose),
        });
        let verdicts: Vec<bool> = texts.map(|text| pattern.matches(&text)).collect();
        match negated {
            true => !verdicts.is_empty() && !verdicts.contains(&true),
            false => verdicts.contains(&true),
        }
    }
}

pub fn datum(literal: &Literal) -> Datum {
    match literal {
        Literal::Text(text) => Datum::text(text),
        Literal::Int(number) | Literal::Duration(number) => Datum::whole(*number),
        Literal::Real(number) => Datum::Number(Number::Real(*number)),
        Literal::Bool(truth) => Datum::Bool(*truth),
        Literal::Kind(code) => Datum::Kind(*code),
        Literal::Status(code) => Datum::Status(*code),
    }
}

/// A text that is to equal a trace's id, as that is written in full.
fn padded(expr: &Expr, how: Compare, other: &Expr) -> Expr {
    let is_id = matches!(other, Expr::Field(Field::Intrinsic(Intrinsic::TraceId)));
    let is_equality = matches!(how, Compare::Equal | Compare::NotEqual);
    match expr {
        Expr::Literal(Literal::Text(text)) if is_id && is_equality => {
            Expr::Literal(Literal::Text(format!("{:0>32}", text.to_lowercase())))
        }
        _ => expr.clone(),
    }
}

/// The comparison's operators are the same between scalars of span sets.
pub fn holds(left: Option<Number>, how: Compare, right: Option<Number>) -> bool {
    let values = |number: Option<Number>| number.map(Datum::Number).into_iter().collect();
    values::compare(&values(left), how, &values(right), false)
}
