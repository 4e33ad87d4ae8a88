//! What the statistics of segments tell of a query, so that the rows behind them need no look.
//!
//! Statistics count spans by operation and minute. They suffice for whole minutes, and for
//! conditions that hold of all spans of an operation or of none, or of those with errors alone.

use crate::base::error::Result;
use crate::base::model::{StatusCode, Value};
use crate::base::time::{TimeRange, Timestamp};
use crate::index::operations::Operation;
use crate::index::statistics::MINUTE;
use crate::query::ast::{Check, Compare, Expr, Field, Scope, Test};
use crate::query::compare::{Seen, holds};
use crate::query::interrupt::Interrupt;
use crate::query::predicate::joined;
use crate::query::typed::Query;
use crate::segment::{SERVICE_NAME, Segment, Statistics};

/// Which spans of an operation fulfil a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// None of them.
    None,
    /// All of them.
    All,
    /// Those whose status is an error.
    Errors,
    /// The others.
    Others,
}

/// The statistics of a segment, and which of its spans a query finds.
#[derive(Debug)]
pub struct Cells {
    /// The statistics.
    pub statistics: Statistics,
    /// By the operations' places.
    pub shares: Vec<Share>,
}

impl Cells {
    /// Those of a segment; none if they do not tell which spans a query finds.
    pub fn of(segment: &Segment, query: &Query) -> Result<Option<Self>> {
        let interrupt = &query.bounds.interrupt;
        if names_services(&query.filter) && !has_plain_services(segment, interrupt)? {
            return Ok(None);
        }
        let Some(statistics) = segment.statistics()? else { return Ok(None) };
        let share = |operation| share(&query.filter, operation, query.loose);
        let shares: Option<Vec<Share>> = statistics.operations().iter().map(share).collect();
        Ok(shares.map(|shares| Self { statistics, shares }))
    }

    /// Whether each operation counts as a whole.
    pub fn are_whole(&self) -> bool {
        self.shares.iter().all(|share| matches!(share, Share::None | Share::All))
    }
}

/// Whether all of a minute lies inside a range.
pub fn is_whole(range: TimeRange, minute: Timestamp) -> bool {
    let last = minute.nanos().saturating_add(MINUTE - 1);
    range.covers(minute, Timestamp::from_nanos(last))
}

/// The minute of a time.
pub const fn minute_of(time: Timestamp) -> Timestamp {
    Timestamp::from_nanos(time.nanos() / MINUTE * MINUTE)
}

/// The parts of a range that are no whole minutes: its edges.
pub fn edges(range: TimeRange) -> Vec<TimeRange> {
    let (Some(first), Some(last)) = (range.first(), range.last()) else { return Vec::new() };
    let of_minute = |time: Timestamp| {
        let minute = minute_of(time);
        let next = minute.nanos().checked_add(MINUTE).map(Timestamp::from_nanos);
        let whole = next.map_or(TimeRange::from(minute..), |next| TimeRange::from(minute..next));
        (!is_whole(range, minute)).then(|| whole.intersect(&range))
    };
    let (left, right) = (of_minute(first), of_minute(last));
    left.into_iter().chain(right.filter(|right| Some(*right) != left)).collect()
}

/// Which spans of an operation fulfil a condition; `None` where more must be known of them.
pub fn share(filter: &Expr, operation: &Operation, loose: bool) -> Option<Share> {
    let verdict = |is_error| verdict(filter, operation, is_error, loose);
    Some(match (verdict(true)?, verdict(false)?) {
        (true, true) => Share::All,
        (true, false) => Share::Errors,
        (false, true) => Share::Others,
        (false, false) => Share::None,
    })
}

fn verdict(expr: &Expr, operation: &Operation, is_error: bool, loose: bool) -> Option<bool> {
    let each = |part| verdict(part, operation, is_error, loose);
    match expr {
        Expr::And(parts) => joined(false, parts.iter().map(each)),
        Expr::Or(parts) => joined(true, parts.iter().map(each)),
        Expr::Not(inner) => each(inner).map(|verdict| !verdict),
        Expr::Computed(_) => None,
        Expr::Test(Test { field, check }) => match field {
            Field::Name => Some(holds(check, Seen::Text(&operation.name), loose)),
            Field::Kind => Some(holds(check, Seen::Code(operation.kind.0), loose)),
            Field::Status if is_error => Some(holds(check, Seen::Code(StatusCode::ERROR.0), loose)),
            Field::Status => match check {
                // Of the others only that their code is another is known.
                Check::Code(Compare::Equal, code) if *code == StatusCode::ERROR.0 => Some(false),
                Check::Code(Compare::NotEqual, code) if *code == StatusCode::ERROR.0 => Some(true),
                Check::Exists => Some(true),
                Check::Absent => Some(false),
                _ => None,
            },
            field if is_service(field) => Some(match &operation.service {
                Some(service) => holds(check, Seen::Text(service), loose),
                None => matches!(check, Check::Absent),
            }),
            _ => None,
        },
    }
}

/// Whether a field is the service's name.
pub fn is_service(field: &Field) -> bool {
    matches!(field, Field::Attribute(Scope::Resource, key) if *key == SERVICE_NAME)
}

fn names_services(expr: &Expr) -> bool {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(names_services),
        Expr::Not(inner) => names_services(inner),
        Expr::Test(test) => is_service(&test.field),
        Expr::Computed(_) => false,
    }
}

/// Whether the service of each resource is all that its `service.name` says: a single text, or none.
pub fn has_plain_services(segment: &Segment, interrupt: &Interrupt) -> Result<bool> {
    let (resources, _) = segment.context_counts()?;
    for code in 0..resources as u32 {
        interrupt.tick()?;
        let context = segment.resource(code)?;
        let attributes = context.resource.as_ref().map_or(&[][..], |own| &own.attributes);
        let mut names = attributes.iter().filter(|own| own.key == SERVICE_NAME);
        let is_text = names.next().is_none_or(|own| matches!(own.value, Value::String(_)));
        if !is_text || names.next().is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn edges_and_whole_minutes_make_up_a_range(
            first in 0..5 * MINUTE, length in 0..5 * MINUTE, is_endless: bool, at in 0..12 * MINUTE,
        ) {
            let time = Timestamp::from_nanos;
            // Ends of minutes, too.
            let first = if first % 3 == 0 { first / MINUTE * MINUTE } else { first };
            let end = first + if length % 3 == 0 { length / MINUTE * MINUTE } else { length };
            let range = match is_endless {
                true => TimeRange::from(time(first)..),
                false => TimeRange::from(time(first)..time(end)),
            };
            for at in [at, first, end, end.saturating_sub(1), u64::MAX] {
                let at = time(at);
                let in_edges = edges(range).iter().filter(|edge| edge.contains(at)).count();
                let is_inside = usize::from(range.contains(at));
                prop_assert_eq!(in_edges + usize::from(is_whole(range, minute_of(at))), is_inside);
            }
        }
    }
}
