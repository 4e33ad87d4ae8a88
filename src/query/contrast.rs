//! `compare()` of metrics: how many spans have each value of each attribute, step by step, among
//! those that are selected and among the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroU64;

use crate::base::error::Result;
use crate::base::limits::MAX_COMPARED_VALUES;
use crate::base::model::{KeyValue, Value};
use crate::base::time::{TimeRange, Timestamp};
use crate::query::ast::Expr;
use crate::query::census::{Census, Count, Counted, Counts, Side, Unit};
use crate::query::counted::{Counting, count_all};
use crate::query::lang::metrics::Selection;
use crate::query::listed::Listed;
use crate::query::lower::lower;
use crate::query::metrics::Series;
use crate::query::predicate::matches;
use crate::query::search;
use crate::query::typed::Query;
use crate::query::view::View;

/// What tells the sides apart, in a label of each series, and what says that a tag has more values
/// than are told.
const TYPE: &str = "__meta_type";
const ERROR: &str = "__meta_error";

/// Spans of each side by step.
#[derive(Debug, Default)]
struct Steps(BTreeMap<u64, Counts>);

impl Count for Steps {
    fn add(&mut self, unit: &Unit) -> usize {
        let before = self.0.len();
        self.0.entry(unit.step).or_default().add(unit);
        (self.0.len() - before) * 2 * size_of::<(u64, Counts)>()
    }
}

/// The series of all tags: of each the values of the selected spans, the most common first, then
/// those of the others, how many spans of each side have the tag at all, and whether there are more
/// values than are told.
pub fn contrast(
    view: &View,
    spans: &Query,
    selection: &Selection,
    width: NonZeroU64,
) -> Result<Vec<Series>> {
    let spans = &*spans.begin(view.clock())?;
    let filter = lower(&selection.filter);
    let mut census: Census<Steps> = Census::new(MAX_COMPARED_VALUES, &spans.bounds);
    if spans.asks_of_spans() && !filter.needs_trace() {
        let parts = parts(spans, &filter, selection.range);
        let counting = |(side, query)| Counting { query, side, width: Some(width) };
        let countings: Vec<Counting<'_>> =
            parts.iter().map(|(side, query)| counting((*side, query))).collect();
        count_all(view, &countings, &mut census)?;
    } else {
        search::visit_matching(view, spans, &mut |_, row, facts| {
            let start = row.span.start;
            let is_selected = selection.range.contains(start)
                && matches(&filter, row.subject(), Some(facts), spans.loose) == Some(true);
            let side = if is_selected { Side::A } else { Side::B };
            let unit = Unit { side, step: start.nanos() / width, spans: 1 };
            census.add_row(unit, row)
        })?;
    }
    let (_, mut keys) = census.into_parts();
    keys.sort_unstable_by(|a, b| (a.scope, &a.key).cmp(&(b.scope, &b.key)));
    Ok(keys.iter().flat_map(|counted| series(counted, selection.top, width)).collect())
}

/// The selected spans and the others, as queries.
fn parts(spans: &Query, filter: &Expr, range: TimeRange) -> Vec<(Side, Query)> {
    let part = |side, range: TimeRange, filter: Option<Expr>| {
        let mut own = spans.clone().between(spans.range.intersect(&range));
        own.filter = filter.into_iter().fold(own.filter, Expr::and);
        (side, own)
    };
    let mut parts = vec![
        part(Side::A, range, Some(filter.clone())),
        part(Side::B, range, Some(Expr::Not(Box::new(filter.clone())))),
    ];
    if range == TimeRange::ALL {
        return parts;
    }
    if let (Some(first), Some(last)) = (range.first(), range.last()) {
        parts.push(part(Side::B, TimeRange::from(..first), None));
        let behind = last.nanos().checked_add(1).map(Timestamp::from_nanos);
        parts.extend(behind.map(|behind| part(Side::B, TimeRange::from(behind..), None)));
    }
    parts
}

/// Which spans are meant.
type OfSide = fn(&Counts) -> u64;

/// Steps, and how many spans start in each.
type Samples = Vec<(u64, u64)>;

/// The series of one tag.
fn series(counted: &Counted<Steps>, top: usize, width: NonZeroU64) -> Vec<Series> {
    let tag = counted.tag().to_string();
    let one = |kind: (&str, &str), value: Value, steps: &[(u64, u64)]| {
        let start = |step: u64| Timestamp::from_nanos(step.saturating_mul(width.get()));
        Series {
            labels: vec![KeyValue::new(kind.0, kind.1), KeyValue::new(tag.as_str(), value)],
            samples: steps.iter().map(|(step, spans)| (start(*step), *spans as f64)).collect(),
        }
    };
    let sides: [(&str, &str, OfSide); 2] = [
        ("selection", "selection_total", |counts| counts.a),
        ("baseline", "baseline_total", |counts| counts.b),
    ];
    let mut series = Vec::new();
    let mut is_cut = counted.values.is_none();
    for (name, _, of_side) in sides {
        let values = counted.values.iter().flatten();
        let mut values: Vec<(u64, &Listed, Samples)> = values
            .map(|(value, steps)| {
                let steps = samples(steps, of_side);
                (steps.iter().map(|(_, spans)| spans).sum(), value, steps)
            })
            .filter(|(spans, ..)| *spans > 0)
            .collect();
        values.sort_unstable_by_key(|(spans, value, _)| (Reverse(*spans), *value));
        is_cut |= values.len() > top;
        let told = values.into_iter().take(top);
        series.extend(
            told.map(|(_, value, steps)| one((TYPE, name), value.clone().into_value(), &steps)),
        );
    }
    for (_, total, of_side) in sides {
        let steps = samples(&counted.bearing, of_side);
        series.extend((!steps.is_empty()).then(|| one((TYPE, total), Value::Empty, &steps)));
    }
    series.extend(is_cut.then(|| one((ERROR, "__too_many_values__"), Value::Empty, &[])));
    series
}

/// The steps with spans of one side.
fn samples(steps: &Steps, of_side: OfSide) -> Samples {
    let all = steps.0.iter().map(|(step, counts)| (*step, of_side(counts)));
    all.filter(|(_, spans)| *spans > 0).collect()
}
