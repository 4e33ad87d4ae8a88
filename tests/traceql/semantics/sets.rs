//! Span sets: how the spans of a trace relate, and what pipelines make of them.

use std::cmp::Ordering;

use super::Trace;
use super::exprs::{datum, holds};
use super::values::{Datum, Number, Values, group_order, told_of_equals};
use crate::grammar::{
    Aggregate, Arithmetic, Expr, Fold, Form, Join, Literal, Pipeline, Query, Relation, Scalar,
    ScalarPipes, Spans, Stage,
};

/// A set of spans, by their places in the trace, in that order.
#[derive(Clone, Debug)]
pub struct Set {
    pub spans: Vec<usize>,
    /// What is told of it, in the order of the query: what `by` split it by, and what numbers with
    /// aggregates came to, if they were some.
    pub told: Vec<Option<Datum>>,
}

impl Trace {
    /// The span sets that a query leaves, where only spans of `inside` can match.
    pub fn sets(&self, query: &Query, inside: &[usize]) -> Vec<Set> {
        match query {
            Query::Pipeline(pipeline) => self.run(pipeline, inside),
            Query::Scalars(left, how, right) => {
                let (a, mut spans) = self.scalar_of(left, inside);
                let (b, others) = self.scalar_of(right, inside);
                spans.extend(others);
                let spans = in_order(spans);
                let matches = holds(a, *how, b) && !spans.is_empty();
                matches.then(|| Set::new(spans)).into_iter().collect()
            }
        }
    }

    fn run(&self, pipeline: &Pipeline, inside: &[usize]) -> Vec<Set> {
        let mut sets = vec![Set::new(inside.to_vec())];
        for stage in &pipeline.0 {
            sets = match stage {
                Stage::Spans(spans) => sets
                    .into_iter()
                    .map(|set| Set { spans: self.spans_of(spans, &set.spans), ..set })
                    .collect(),
                Stage::Filter(left, how, right) => {
                    sets.into_iter().filter_map(|set| self.filter(left, *how, right, set)).collect()
                }
                Stage::By(exprs) => {
                    sets.into_iter().flat_map(|set| self.split(exprs, set)).collect()
                }
                Stage::Coalesce => {
                    vec![Set::new(in_order(sets.into_iter().flat_map(|set| set.spans).collect()))]
                }
                Stage::Select(_) => sets,
            };
            sets.retain(|set| !set.spans.is_empty());
        }
        sets
    }

    /// The spans of an expression, each of them and of its operands one of `inside`.
    fn spans_of(&self, spans: &Spans, inside: &[usize]) -> Vec<usize> {
        match spans {
            Spans::Filter(None) => inside.to_vec(),
            Spans::Filter(Some(expr)) => {
                inside.iter().copied().filter(|&span| self.fulfils(expr, span)).collect()
            }
            Spans::Wrapped(pipeline) => {
                let sets = self.run(pipeline, inside);
                in_order(sets.into_iter().flat_map(|set| set.spans).collect())
            }
            Spans::Join(left, join, right) => {
                let (a, b) = (self.spans_of(left, inside), self.spans_of(right, inside));
                match join {
                    Join::And if a.is_empty() || b.is_empty() => Vec::new(),
                    Join::And | Join::Or => in_order([a, b].concat()),
                    Join::Related(form, relation) => self.related(&a, *form, *relation, &b),
                }
            }
        }
    }

    fn related(&self, a: &[usize], form: Form, relation: Relation, b: &[usize]) -> Vec<usize> {
        let is = |left: usize, right: usize| self.is_related(relation, left, right);
        let of_right = |wanted: bool| {
            b.iter().copied().filter(move |&right| a.iter().any(|&left| is(left, right)) == wanted)
        };
        let of_left = a.iter().copied().filter(|&left| b.iter().any(|&right| is(left, right)));
        match form {
            Form::Plain => of_right(true).collect(),
            Form::Not => of_right(false).collect(),
            Form::Union => in_order(of_right(true).chain(of_left).collect()),
        }
    }

    /// Whether `right` is a child of `left`, a descendant, ...
    fn is_related(&self, relation: Relation, left: usize, right: usize) -> bool {
        match relation {
            Relation::Child => self.parents[right].contains(&left),
            Relation::Parent => self.parents[left].contains(&right),
            Relation::Descendant => self.ancestors(right).contains(&left),
            Relation::Ancestor => self.ancestors(left).contains(&right),
            Relation::Sibling => {
                let shared = |parent: &usize| self.parents[right].contains(parent);
                left != right && self.parents[left].iter().any(shared)
            }
        }
    }

    /// All that are reached from parent to parent; in a cycle the span itself.
    fn ancestors(&self, span: usize) -> Vec<usize> {
        let mut found = self.parents[span].clone();
        let mut next = 0;
        while next < found.len() {
            for parent in &self.parents[found[next]] {
                if !found.contains(parent) {
                    found.push(*parent);
                }
            }
            next += 1;
        }
        found
    }

    fn split(&self, exprs: &[Expr], set: Set) -> Vec<Set> {
        let mut groups: Vec<(Vec<Option<Datum>>, Vec<usize>)> = Vec::new();
        let order = |a: &[Option<Datum>], b: &[Option<Datum>]| {
            let orders = a.iter().zip(b).map(|(a, b)| group_order(a, b));
            orders.fold(Ordering::Equal, Ordering::then)
        };
        for &span in &set.spans {
            let first =
                |expr| self.value(expr, span).iter().flat_map(Datum::elements).next().cloned();
            let key: Vec<Option<Datum>> = exprs.iter().map(first).collect();
            match groups.iter_mut().find(|(own, _)| order(own, &key) == Ordering::Equal) {
                Some((own, spans)) => {
                    spans.push(span);
                    for (own, other) in own.iter_mut().zip(key) {
                        *own = told_of_equals(own.take(), other);
                    }
                }
                None => groups.push((key, vec![span])),
            }
        }
        groups.sort_by(|(a, _), (b, _)| order(a, b));
        let group = |(key, spans)| Set { spans, told: [set.told.clone(), key].concat() };
        groups.into_iter().map(group).collect()
    }

    fn filter(
        &self,
        left: &Scalar,
        how: crate::grammar::Compare,
        right: &Scalar,
        mut set: Set,
    ) -> Option<Set> {
        let (a, b) = (self.scalar(left, &set), self.scalar(right, &set));
        for (scalar, value) in [(left, a), (right, b)] {
            if let (Scalar::Aggregate(_) | Scalar::Arithmetic(..), Some(number)) = (scalar, value) {
                set.told.push(Some(Datum::Number(number)));
            }
        }
        holds(a, how, b).then_some(set)
    }

    fn scalar(&self, scalar: &Scalar, set: &Set) -> Option<Number> {
        match scalar {
            Scalar::Literal(literal) => number(literal),
            Scalar::Aggregate(aggregate) => self.aggregate(aggregate, &set.spans),
            Scalar::Arithmetic(left, how, right) => {
                let (left, right) = (self.scalar(left, set), self.scalar(right, set));
                Some(left?.compute(*how, right?))
            }
        }
    }

    fn scalar_of(&self, scalar: &ScalarPipes, inside: &[usize]) -> (Option<Number>, Vec<usize>) {
        match scalar {
            ScalarPipes::Literal(literal) => (number(literal), Vec::new()),
            ScalarPipes::Pipeline(pipeline, aggregate) => {
                let sets = self.run(pipeline, inside);
                let spans = in_order(sets.into_iter().flat_map(|set| set.spans).collect());
                (self.aggregate(aggregate, &spans), spans)
            }
            ScalarPipes::Arithmetic(left, how, right) => {
                let (a, mut spans) = self.scalar_of(left, inside);
                let (b, others) = self.scalar_of(right, inside);
                spans.extend(others);
                (a.zip(b).map(|(a, b)| a.compute(*how, b)), spans)
            }
        }
    }

    fn aggregate(&self, aggregate: &Aggregate, spans: &[usize]) -> Option<Number> {
        let Aggregate::Of(fold, expr) = aggregate else {
            return Some(Number::Whole(spans.len() as i128));
        };
        let values = spans.iter().map(|&span| self.value(expr, span));
        let numbers: Vec<Number> = values.flat_map(|values| numbers(&values)).collect();
        let sum = numbers.iter().copied().reduce(|a, b| a.compute(Arithmetic::Add, b));
        match fold {
            Fold::Sum => sum,
            Fold::Avg => {
                let count = Number::Whole(numbers.len() as i128);
                sum.map(|sum| sum.compute(Arithmetic::Divide, count))
            }
            Fold::Min => extreme(&numbers, Ordering::Less),
            Fold::Max => extreme(&numbers, Ordering::Greater),
        }
    }
}

impl Set {
    fn new(spans: Vec<usize>) -> Self {
        Self { spans, told: Vec::new() }
    }
}

fn in_order(mut spans: Vec<usize>) -> Vec<usize> {
    spans.sort_unstable();
    spans.dedup();
    spans
}

fn numbers(values: &Values) -> Vec<Number> {
    let elements = values.iter().flat_map(Datum::elements);
    elements
        .filter_map(|element| match element {
            Datum::Number(number) => Some(*number),
            _ => None,
        })
        .collect()
}

fn number(literal: &Literal) -> Option<Number> {
    match datum(literal) {
        Datum::Number(number) => Some(number),
        _ => None,
    }
}

/// The least or greatest; NaN only if there is nothing else.
fn extreme(numbers: &[Number], wanted: Ordering) -> Option<Number> {
    let ordered = numbers.iter().copied().filter(|number| !number.real().is_nan());
    let found = ordered.reduce(|a, b| if b.order(a) == Some(wanted) { b } else { a });
    found.or_else(|| numbers.first().copied())
}
