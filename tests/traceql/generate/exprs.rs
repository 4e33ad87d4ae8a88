//! Random expressions: what stands in braces.

use proptest::prelude::*;
use proptest::sample::select;

use super::Level;
use super::fields::{attribute, field, intrinsics, literal_for, literal_of, number, short_id};
use crate::grammar::{Arithmetic, Compare, Expr, Field, Intrinsic, Literal, Type};
use crate::pattern::pattern;
use crate::pool::*;

/// Comparisons that a type knows.
fn comparison(of: Type) -> BoxedStrategy<Compare> {
    use Compare::*;
    select(match of {
        Type::Text | Type::Number | Type::Unknown => {
            vec![Equal, Equal, Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual]
        }
        Type::Bool | Type::Kind | Type::Status => vec![Equal, NotEqual],
    })
    .boxed()
}

fn compare(left: Expr, how: Compare, right: Expr) -> Expr {
    Expr::Compare(left.into(), how, right.into())
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Text(_) => Type::Text,
        Literal::Int(_) | Literal::Real(_) | Literal::Duration(_) => Type::Number,
        Literal::Bool(_) => Type::Bool,
        Literal::Kind(_) => Type::Kind,
        Literal::Status(_) => Type::Status,
    }
}

/// An attribute, or an intrinsic, and a literal.
fn field_and_literal(level: Level) -> BoxedStrategy<Expr> {
    let of_field =
        |field: Field| literal_of(&field).prop_map(move |literal| (field.clone(), literal));
    let attribute = attribute(level).prop_flat_map(of_field).prop_flat_map(|(field, literal)| {
        comparison(literal_type(&literal)).prop_map(move |how| {
            compare(Expr::Field(field.clone()), how, Expr::Literal(literal.clone()))
        })
    });
    let all: Vec<Intrinsic> = [Type::Text, Type::Number, Type::Kind, Type::Status]
        .iter()
        .flat_map(|wanted| intrinsics(level, *wanted))
        .collect();
    let intrinsic = select(all).prop_flat_map(|intrinsic| {
        (comparison(intrinsic.kind()), literal_for(intrinsic)).prop_map(move |(how, literal)| {
            compare(Expr::Field(Field::Intrinsic(intrinsic)), how, Expr::Literal(literal))
        })
    });
    prop_oneof![attribute, intrinsic].boxed()
}

/// A field and what it is compared with, matched with, or whether it is there.
pub fn test(level: Level) -> BoxedStrategy<Expr> {
    let exists = (attribute(level), prop::bool::weighted(0.7))
        .prop_map(|(field, exists)| Expr::Exists(Expr::Field(field).into(), exists));
    let matching = (field(level, Type::Text), pattern(TEXTS), any::<bool>()).prop_map(
        |(field, pattern, negated)| Expr::Match {
            text: Expr::Field(field).into(),
            negated,
            pattern,
        },
    );
    prop_oneof![
        12 => field_and_literal(level),
        2 => exists,
        2 => matching,
        1 => prop::bool::weighted(0.8).prop_map(|truth| Expr::Literal(Literal::Bool(truth))),
    ]
    .boxed()
}

/// Numbers, at least as far as one can tell.
fn numeric(with_field: bool) -> BoxedStrategy<Expr> {
    let field = || field(Level::Filters, Type::Number).prop_map(Expr::Field);
    let leaf = match with_field {
        true => field().boxed(),
        false => prop_oneof![3 => field(), 2 => number().prop_map(Expr::Literal)].boxed(),
    };
    leaf.prop_recursive(2, 5, 2, move |inner| {
        use Arithmetic::*;
        let how = select(vec![Add, Add, Subtract, Multiply, Divide, Remainder, Power]);
        let other = prop_oneof![1 => inner.clone(), 1 => number().prop_map(Expr::Literal)];
        prop_oneof![
            3 => (inner.clone(), how.clone(), other.clone())
                .prop_map(|(a, how, b)| Expr::Arithmetic(a.into(), how, b.into())),
            1 => (other, how, inner.clone())
                .prop_map(|(a, how, b)| Expr::Arithmetic(a.into(), how, b.into())),
            1 => inner.prop_map(|operand| Expr::Negate(operand.into())),
        ]
    })
    .boxed()
}

/// What `sum` and its like take: numbers that depend on the span.
pub fn summed() -> BoxedStrategy<Expr> {
    let field = field(Level::Filters, Type::Number).prop_map(Expr::Field);
    prop_oneof![4 => field, 1 => numeric(true)].boxed()
}

/// What `by` takes: values that depend on the span.
pub fn grouped() -> BoxedStrategy<Expr> {
    let types = select(vec![Type::Text, Type::Text, Type::Number, Type::Kind, Type::Status]);
    let field = types.prop_flat_map(|wanted| field(Level::Filters, wanted)).prop_map(Expr::Field);
    prop_oneof![6 => field, 1 => numeric(true)].boxed()
}

/// Comparisons that today's parser does not know.
fn free_test() -> BoxedStrategy<Expr> {
    let level = Level::Filters;
    let numbers = (numeric(false), comparison(Type::Number), numeric(false))
        .prop_map(|(a, how, b)| compare(a, how, b));
    let fields = select(vec![Type::Text, Type::Number, Type::Unknown, Type::Kind, Type::Status])
        .prop_flat_map(move |wanted| {
            (field(level, wanted), comparison(wanted), field(level, wanted))
                .prop_map(|(a, how, b)| compare(Expr::Field(a), how, Expr::Field(b)))
        });
    let turned = field_and_literal(level).prop_map(|test| match test {
        Expr::Compare(field, how, literal) => Expr::Compare(literal, how, field),
        other => other,
    });
    let bare = field(level, Type::Bool).prop_map(Expr::Field);
    let root = select(vec![
        (Compare::Less, 0),
        (Compare::Equal, -1),
        (Compare::GreaterEqual, 0),
        (Compare::Greater, 0),
    ])
    .prop_map(|(how, number)| {
        let field = Expr::Field(Field::Intrinsic(Intrinsic::NestedSetParent));
        compare(field, how, Expr::Literal(Literal::Int(number)))
    });
    let codes = prop_oneof![(0..6i32).prop_map(Literal::Kind), (0..3i32).prop_map(Literal::Status)];
    let code = (attribute(level), comparison(Type::Kind), codes)
        .prop_map(|(field, how, code)| compare(Expr::Field(field), how, Expr::Literal(code)));
    let id = (comparison(Type::Kind), short_id())
        .prop_map(|(how, id)| compare(Expr::Field(Field::Intrinsic(Intrinsic::TraceId)), how, id));
    let exists = (numeric(true), any::<bool>())
        .prop_map(|(computed, exists)| Expr::Exists(computed.into(), exists));
    let truths = (field_and_literal(level), comparison(Type::Bool), any::<bool>())
        .prop_map(|(test, how, truth)| compare(test, how, Expr::Literal(Literal::Bool(truth))));
    prop_oneof![6 => numbers, 4 => fields, 2 => turned, 3 => bare, 1 => root, 1 => code, 1 => id,
        1 => exists, 1 => truths]
    .boxed()
}

/// Anything that is true or false.
pub fn truth(level: Level) -> BoxedStrategy<Expr> {
    let leaf = match level {
        Level::Tests => test(level).boxed(),
        _ => prop_oneof![2 => test(level), 1 => free_test()].boxed(),
    };
    leaf.prop_recursive(3, 6, 2, move |inner| {
        let pair = || (inner.clone(), inner.clone());
        let and = pair().prop_map(|(a, b)| Expr::And(a.into(), b.into()));
        let or = pair().prop_map(|(a, b)| Expr::Or(a.into(), b.into()));
        match level {
            Level::Tests => prop_oneof![and, or].boxed(),
            _ => {
                let not = inner.clone().prop_map(|operand| Expr::Not(operand.into()));
                prop_oneof![2 => and, 2 => or, 1 => not].boxed()
            }
        }
    })
    .boxed()
}
