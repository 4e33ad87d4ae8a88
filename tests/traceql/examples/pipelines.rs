//! Pipelines: aggregates, groups, selection.

use tracekeep::{StatusCode, TraceSpan};

use super::Example;
use super::build::*;
use super::check;
use crate::generate::Level;
use crate::grammar::*;

fn calls() -> Vec<TraceSpan> {
    let call = |id, name: &str, service: &str, length| {
        span(id, 1, name, (id, id + length)).of("service.name", service)
    };
    vec![
        span(1, 0, "root", (0, 200)).of("service.name", "gate").with("code", 200i64),
        call(2, "a", "cart", 10).with("bytes", 600i64).with("code", 200i64),
        call(3, "b", "cart", 20).with("bytes", 500.5).status(StatusCode::ERROR),
        call(4, "c", "cart", 30).with("bytes", "many").status(StatusCode::ERROR),
        call(5, "d", "shop", 40).with("code", 200i64).status(StatusCode::ERROR),
    ]
}

fn count() -> Scalar {
    Scalar::Aggregate(Aggregate::Count)
}

fn fold(fold: Fold, expr: Expr) -> Scalar {
    Scalar::Aggregate(Aggregate::Of(fold, expr))
}

fn more(left: Scalar, right: Literal) -> Stage {
    Stage::Filter(left, Compare::Greater, Scalar::Literal(right))
}

fn coded() -> Stage {
    Stage::Spans(braces(is(attribute("span.code"), int(200))))
}

fn errors() -> Stage {
    Stage::Spans(braces(is_error()))
}

#[test]
fn aggregates_choose_traces() {
    let all = || Stage::Spans(Spans::Filter(None));
    let bytes = || attribute("span.bytes");
    let duration = || intrinsic(Intrinsic::Duration);
    let milliseconds = |millis: i64| Literal::Duration(millis * 1_000_000);
    let everything: &[&[&str]] = &[&["root", "a", "b", "c", "d"]];
    let three: &[&[&str]] = &[&["root", "a", "d"]];
    let two_of_three = Scalar::Arithmetic(
        count().into(),
        Arithmetic::Divide,
        Scalar::Literal(Literal::Int(2)).into(),
    );
    check(
        &calls(),
        vec![
            pipeline(
                "{ span.code = 200 } | count() > 2",
                vec![coded(), more(count(), Literal::Int(2))],
                three,
            ),
            pipeline(
                "{ span.code = 200 } | count() > 3",
                vec![coded(), more(count(), Literal::Int(3))],
                &[],
            ),
            // Three halves are no whole number.
            pipeline(
                "{ span.code = 200 } | count() / 2 > 1",
                vec![coded(), more(two_of_three, Literal::Int(1))],
                three,
            ),
            // A pipeline may begin with a condition on all spans.
            pipeline("count() > 4", vec![more(count(), Literal::Int(4))], everything),
            pipeline(
                "avg(span:duration) > 20ms",
                vec![more(fold(Fold::Avg, duration()), milliseconds(20))],
                everything,
            ),
            pipeline(
                "avg(span:duration) > 60ms",
                vec![more(fold(Fold::Avg, duration()), milliseconds(60))],
                &[],
            ),
            // What is no number is passed over.
            pipeline(
                "{ } | sum(span.bytes) > 1100",
                vec![all(), more(fold(Fold::Sum, bytes()), Literal::Int(1100))],
                everything,
            ),
            pipeline(
                "{ } | max(span.bytes) > 600",
                vec![all(), more(fold(Fold::Max, bytes()), Literal::Int(600))],
                &[],
            ),
            pipeline(
                "{ } | min(span.bytes) > 500",
                vec![all(), more(fold(Fold::Min, bytes()), Literal::Int(500))],
                everything,
            ),
        ],
    );
}

#[test]
fn groups_are_sets_of_their_own() {
    let by = || Stage::By(vec![attribute("resource.service.name")]);
    let name =
        Field::Attribute { parent: false, scope: Scope::Resource, key: "service.name".into() };
    check(
        &calls(),
        vec![
            pipeline(
                "{ span:status = error } | by(resource.service.name)",
                vec![errors(), by()],
                &[&["b", "c"], &["d"]],
            ),
            pipeline(
                "{ span:status = error } | by(resource.service.name) | count() > 1",
                vec![errors(), by(), more(count(), Literal::Int(1))],
                &[&["b", "c"]],
            ),
            pipeline(
                "{ span:status = error } | by(resource.service.name) | coalesce()",
                vec![errors(), by(), Stage::Coalesce],
                &[&["b", "c", "d"]],
            ),
            pipeline(
                "{ span.code = 200 } | select(resource.service.name)",
                vec![coded(), Stage::Select(vec![name])],
                &[&["root", "a", "d"]],
            ),
        ],
    );
}

#[test]
fn pipelines_are_operands() {
    let errors = Pipeline(vec![errors(), more(count(), Literal::Int(2))]);
    let coded = || Pipeline(vec![coded(), more(count(), Literal::Int(2))]);
    let together = join(Spans::Wrapped(errors), Join::And, Spans::Wrapped(coded()));
    let scalars = Query::Scalars(
        ScalarPipes::Pipeline(coded(), Aggregate::Count),
        Compare::Greater,
        ScalarPipes::Literal(Literal::Int(2)),
    );
    check(
        &calls(),
        vec![
            pipeline(
                "({ span:status = error } | count() > 2) && ({ span.code = 200 } | count() > 2)",
                vec![Stage::Spans(together)],
                &[&["root", "a", "b", "c", "d"]],
            ),
            Example {
                level: Level::Pipelines,
                text: "({ span.code = 200 } | count() > 2 | count()) > 2",
                query: scalars,
                sets: &[&["root", "a", "d"]],
            },
        ],
    );
}
