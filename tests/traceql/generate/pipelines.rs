//! Random span-set expressions, pipelines, queries.

use proptest::prelude::*;
use proptest::sample::select;

use super::Level;
use super::exprs::{grouped, summed, test, truth};
use super::fields::{duration, field, number};
use crate::grammar::{
    Aggregate, Arithmetic, Compare, Fold, Form, Join, Literal, Pipeline, Query, Relation, Scalar,
    ScalarPipes, Spans, Stage, Type,
};

fn filter(level: Level) -> BoxedStrategy<Spans> {
    prop_oneof![
        1 => Just(Spans::Filter(None)),
        6 => truth(level).prop_map(|expr| Spans::Filter(Some(expr))),
    ]
    .boxed()
}

/// Short ones: where several must find spans, long ones would leave few traces.
fn operand(level: Level) -> BoxedStrategy<Spans> {
    prop_oneof![
        2 => Just(Spans::Filter(None)),
        6 => test(level).prop_map(|expr| Spans::Filter(Some(expr))),
        1 => truth(level).prop_map(|expr| Spans::Filter(Some(expr))),
    ]
    .boxed()
}

fn join() -> BoxedStrategy<Join> {
    let form = prop_oneof![3 => Just(Form::Plain), 2 => Just(Form::Not), 2 => Just(Form::Union)];
    let relation = select(vec![
        Relation::Child,
        Relation::Descendant,
        Relation::Parent,
        Relation::Ancestor,
        Relation::Sibling,
    ]);
    prop_oneof![
        1 => Just(Join::And),
        1 => Just(Join::Or),
        4 => (form, relation).prop_map(|(form, relation)| Join::Related(form, relation)),
    ]
    .boxed()
}

fn joined(leaf: impl Strategy<Value = Spans> + 'static, size: u32) -> BoxedStrategy<Spans> {
    leaf.prop_recursive(3, size, 2, |inner| {
        (inner.clone(), join(), inner)
            .prop_map(|(left, join, right)| Spans::Join(left.into(), join, right.into()))
    })
    .boxed()
}

fn aggregate() -> BoxedStrategy<Aggregate> {
    let fold = select(vec![Fold::Avg, Fold::Min, Fold::Max, Fold::Sum]);
    prop_oneof![
        1 => Just(Aggregate::Count),
        1 => (fold, summed()).prop_map(|(fold, expr)| Aggregate::Of(fold, expr)),
    ]
    .boxed()
}

/// Numbers near counts, and others.
fn threshold() -> BoxedStrategy<Literal> {
    prop_oneof![3 => (0..5i64).prop_map(Literal::Int), 1 => number(), 1 => duration()].boxed()
}

fn arithmetic() -> impl Strategy<Value = Arithmetic> {
    use Arithmetic::*;
    select(vec![Add, Subtract, Multiply, Divide, Remainder, Power])
}

fn comparison() -> impl Strategy<Value = Compare> {
    select(&Compare::ALL[..])
}

fn scalar() -> BoxedStrategy<Scalar> {
    let leaf = aggregate().prop_map(Scalar::Aggregate);
    leaf.prop_recursive(2, 3, 2, |inner| {
        let literal = threshold().prop_map(Scalar::Literal).boxed();
        let make = |(a, how, b): (Scalar, _, Scalar)| Scalar::Arithmetic(a.into(), how, b.into());
        prop_oneof![
            (inner.clone(), arithmetic(), literal.clone()).prop_map(make),
            (literal, arithmetic(), inner.clone()).prop_map(make),
            (inner.clone(), arithmetic(), inner).prop_map(make),
        ]
    })
    .boxed()
}

fn scalar_filter() -> BoxedStrategy<Stage> {
    let literal = || threshold().prop_map(Scalar::Literal);
    prop_oneof![
        6 => (scalar(), comparison(), literal()).prop_map(|(a, how, b)| Stage::Filter(a, how, b)),
        1 => (literal(), comparison(), scalar()).prop_map(|(a, how, b)| Stage::Filter(a, how, b)),
        1 => (scalar(), comparison(), scalar()).prop_map(|(a, how, b)| Stage::Filter(a, how, b)),
    ]
    .boxed()
}

fn by() -> BoxedStrategy<Stage> {
    prop::collection::vec(grouped(), 1..3).prop_map(Stage::By).boxed()
}

fn selection() -> BoxedStrategy<Stage> {
    let types = select(vec![Type::Text, Type::Number, Type::Unknown, Type::Kind]);
    let field = types.prop_flat_map(|wanted| field(Level::Filters, wanted));
    prop::collection::vec(field, 1..3).prop_map(Stage::Select).boxed()
}

fn spans() -> BoxedStrategy<Stage> {
    joined(operand(Level::Pipelines), 4).prop_map(Stage::Spans).boxed()
}

fn pipeline() -> BoxedStrategy<Pipeline> {
    let first = prop_oneof![8 => spans(), 1 => scalar_filter(), 1 => by(), 1 => selection()];
    let later = prop_oneof![
        2 => spans(),
        4 => scalar_filter(),
        3 => by(),
        1 => Just(Stage::Coalesce),
        1 => selection(),
    ];
    (first, prop::collection::vec(later, 0..4))
        .prop_map(|(first, later)| Pipeline([first].into_iter().chain(later).collect()))
        .boxed()
}

/// A pipeline in parentheses as an operand: always with a stage, lest it be a mere expression.
fn wrapped() -> BoxedStrategy<Spans> {
    let later = prop_oneof![3 => scalar_filter(), 1 => by(), 1 => spans()];
    (spans(), later).prop_map(|(first, later)| Spans::Wrapped(Pipeline(vec![first, later]))).boxed()
}

fn combined() -> BoxedStrategy<Query> {
    let operand = prop_oneof![wrapped(), operand(Level::Pipelines)];
    let all = (operand, join(), wrapped(), prop::option::of((join(), wrapped()))).prop_map(
        |(left, join, right, more)| {
            let spans = Spans::Join(left.into(), join, right.into());
            match more {
                Some((join, right)) => Spans::Join(spans.into(), join, right.into()),
                None => spans,
            }
        },
    );
    all.prop_map(|spans| Query::Pipeline(Pipeline(vec![Stage::Spans(spans)]))).boxed()
}

fn scalar_pipes() -> BoxedStrategy<ScalarPipes> {
    let stages = prop_oneof![
        2 => spans().prop_map(|first| vec![first]),
        1 => (spans(), scalar_filter()).prop_map(|(first, then)| vec![first, then]),
    ];
    let pipeline = (stages, aggregate())
        .prop_map(|(stages, aggregate)| ScalarPipes::Pipeline(Pipeline(stages), aggregate))
        .boxed();
    let sum = (pipeline.clone(), arithmetic(), pipeline.clone())
        .prop_map(|(a, how, b)| ScalarPipes::Arithmetic(a.into(), how, b.into()));
    prop_oneof![3 => pipeline, 1 => sum].boxed()
}

fn scalars() -> BoxedStrategy<Query> {
    let right = prop_oneof![
        1 => scalar_pipes(),
        1 => threshold().prop_map(ScalarPipes::Literal),
    ];
    (scalar_pipes(), comparison(), right).prop_map(|(a, how, b)| Query::Scalars(a, how, b)).boxed()
}

pub fn query(level: Level) -> BoxedStrategy<Query> {
    let of_spans = |spans| Query::Pipeline(Pipeline(vec![Stage::Spans(spans)]));
    let single = filter(level).prop_map(of_spans);
    if level < Level::Structure {
        return single.boxed();
    }
    let structural = joined(operand(level), 5).prop_map(of_spans);
    if level < Level::Pipelines {
        return prop_oneof![1 => single, 2 => structural].boxed();
    }
    let pipeline = pipeline().prop_map(Query::Pipeline);
    prop_oneof![3 => single, 4 => structural, 6 => pipeline, 2 => combined(), 1 => scalars()]
        .boxed()
}
