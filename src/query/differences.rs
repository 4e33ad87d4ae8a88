//! What tells two sets of spans apart: the values whose share in one differs most from that in the
//! other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use crate::base::error::Result;
use crate::base::limits::MAX_COMPARED_VALUES;
use crate::base::model::Value;
use crate::base::text::Str;
use crate::query::census::{Census, Counted, Counts, Side};
use crate::query::counted::{Counting, count_all};
use crate::query::hit::TagScope;
use crate::query::listed::Listed;
use crate::query::search;
use crate::query::typed::Query;
use crate::query::view::View;

/// What tells two sets of spans apart: see [`TraceReader::compare`](crate::TraceReader::compare).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// How many spans the first query finds.
    pub spans_a: u64,
    /// How many the second finds.
    pub spans_b: u64,
    /// The values whose shares differ, those that differ most first; of equal differences in the
    /// order of tags and values.
    pub differences: Vec<Difference>,
    /// The tags of which nothing is told: they have more than 65,536 values in the two sets together,
    /// as ids of requests do. Sorted.
    pub left_out: Vec<ComparedTag>,
}

/// A value, and how common it is in two sets of spans.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The tag.
    pub tag: ComparedTag,
    /// The value: text, a number or a truth value.
    pub value: Value,
    /// How many spans of the first set have it, each counted once however often it bears it.
    pub spans_a: u64,
    /// How many of the second.
    pub spans_b: u64,
    /// The same against all spans of the first set, from 0 to 1; 0 if it has none.
    pub share_a: f64,
    /// The same against all of the second.
    pub share_b: f64,
}

/// A tag as queries name it, which is also how it prints: `span.http.route`, `name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct ComparedTag {
    /// On what the attribute stands; `None` of what spans say themselves: `name`, `kind`, `status` and
    /// `statusMessage`.
    pub scope: Option<TagScope>,
    /// The key, or which of these it is.
    pub key: Str,
}

impl fmt::Display for ComparedTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Some(scope) => write!(f, "{}.{}", scope.name(), self.key),
            None => f.write_str(&self.key),
        }
    }
}

/// The values whose shares differ most in the spans that two queries find.
pub fn compare(view: &View, a: &Query, b: &Query) -> Result<Comparison> {
    compare_most(view, a, b, MAX_COMPARED_VALUES)
}

/// The same, of tags with at most so many values.
pub fn compare_most(view: &View, a: &Query, b: &Query, most: usize) -> Result<Comparison> {
    let a = &*a.begin(view.clock())?;
    b.check()?;
    let mut b = b.clone();
    b.bounds = a.bounds.clone();
    let mut census = Census::new(most, &a.bounds);
    let sets = [(Side::A, a), (Side::B, &b)];
    let countings = sets.map(|(side, query)| Counting { query, side, width: None });
    let (plain, rest): (Vec<_>, Vec<_>) =
        countings.into_iter().partition(|own| own.query.asks_of_spans());
    count_all(view, &plain, &mut census)?;
    for counting in rest {
        search::visit_matching(view, counting.query, &mut |_, row, _| {
            census.add_row(counting.unit(0, 1), row)
        })?;
    }
    let (spans, keys) = census.into_parts();
    Ok(told(spans, keys, a.limit))
}

/// The first differences.
fn told(spans: Counts, keys: Vec<Counted<Counts>>, limit: usize) -> Comparison {
    let mut comparison = Comparison { spans_a: spans.a, spans_b: spans.b, ..Comparison::default() };
    // Shares of an empty set are 0 of 1.
    let (all_a, all_b) = (u128::from(spans.a.max(1)), u128::from(spans.b.max(1)));
    let mut first = BinaryHeap::new();
    for counted in &keys {
        let Some(values) = &counted.values else {
            comparison.left_out.push(counted.tag());
            continue;
        };
        for (value, counts) in values {
            // Both shares over the product of the sets.
            let share_a = u128::from(counts.a) * all_b;
            let share_b = u128::from(counts.b) * all_a;
            let difference = share_a.abs_diff(share_b);
            if difference > 0 {
                let order = (Reverse(difference), counted.scope, &counted.key, value);
                first.push((order, (counts.a, counts.b)));
            }
            if first.len() > limit {
                first.pop();
            }
        }
    }
    comparison.left_out.sort_unstable();
    let share = |spans: u64, all: u128| spans as f64 / all as f64;
    let differences = first.into_sorted_vec().into_iter();
    comparison.differences = differences
        .map(|((_, scope, key, value), (a, b))| Difference {
            tag: ComparedTag { scope, key: key.clone() },
            value: Listed::clone(value).into_value(),
            spans_a: a,
            spans_b: b,
            share_a: share(a, all_a),
            share_b: share(b, all_b),
        })
        .collect();
    comparison
}

impl<T> Counted<T> {
    /// Its tag.
    pub fn tag(&self) -> ComparedTag {
        ComparedTag { scope: self.scope, key: self.key.clone() }
    }
}
