//! Which condition drives a query: what some span of every matching trace fulfils, and fewest
//! traces do.

use crate::base::number::Number;
use crate::query::ast::{Check, Compare, Expr, Field, Test};
use crate::query::eval::program::Program;
use crate::query::source::Estimate;
use crate::query::typed::Query;
use crate::query::view::View;

/// Sources that are asked how many of their traces fulfil a condition: the newest tell enough.
const ASKED: usize = 2;

/// The query with the one condition that all sources are asked for: it must be the same in all of
/// them, since a trace's spans may lie in several.
pub fn driven(program: &Program, view: &View, query: &Query) -> Query {
    let mut cost = |need: &Expr| cost(view, query, need);
    let mut driven = query.clone();
    (driven.filter, driven.pipeline) = (program.need(&mut cost), None);
    driven
}

/// About how many traces a condition leaves over.
fn cost(view: &View, query: &Query, need: &Expr) -> u64 {
    estimate(view, query, need).map_or_else(|| guess(need), |estimate| estimate.traces)
}

/// What the newest sources that have an index say of a condition; none if there is no such source.
pub fn estimate(view: &View, query: &Query, condition: &Expr) -> Option<Estimate> {
    let known = view.sources_in(query.range).filter_map(|source| {
        // What is damaged, the search itself will tell, if it gets there.
        source.estimate(condition, query.loose).ok().flatten()
    });
    known
        .take(ASKED)
        .reduce(|a, b| Estimate { traces: a.traces + b.traces, exact: a.exact && b.exact })
}

/// How many of a hundred thousand traces a condition leaves over, by the looks of it.
fn guess(expr: &Expr) -> u64 {
    match expr {
        Expr::And(parts) => parts.iter().map(guess).min().unwrap_or(100_000),
        Expr::Or(parts) => parts.iter().map(guess).fold(0, u64::saturating_add),
        Expr::Not(_) => 90_000,
        Expr::Computed(computed) => guess(&computed.needs).min(80_000),
        Expr::Test(Test { field, check }) => match (field, check) {
            (Field::TraceId, Check::Text(Compare::Equal, _)) => 1,
            (Field::SpanId | Field::ParentId, Check::Text(Compare::Equal, _)) => 1,
            (Field::Attribute(..), Check::Text(Compare::Equal, _)) => 1_000,
            (Field::Attribute(..), Check::Number(Compare::Equal, _)) => 1_000,
            (Field::Name, Check::Text(Compare::Equal, _)) => 5_000,
            (Field::Status, Check::Code(Compare::Equal, 2)) => 2_000,
            (Field::Duration, Check::Number(Compare::Greater, Number::Int(_))) => 20_000,
            (_, Check::Absent) => 90_000,
            (_, Check::Exists) => 50_000,
            _ => 30_000,
        },
    }
}
