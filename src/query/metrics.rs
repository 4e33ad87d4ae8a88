//! Metrics: what is counted or measured of spans, step by step of time.
//!
//! Spans fall to a series by the values of fields and to a step by their start; steps are multiples of
//! their width since the epoch. Where single spans tell all that is asked for, they are added up by
//! [`crate::query::figures`]: from statistics, columns or rows. Where the query asks for traces, each
//! trace of which spans are left is read once.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::model::{KeyValue, Value};
use crate::base::time::{TimeRange, Timestamp, saturating_nanos};
use crate::query::contrast::contrast;
use crate::query::figures::{self, MetricsExplain};
use crate::query::lang::field::Field;
use crate::query::lang::metrics::{Function, Metrics, Second, parse};
use crate::query::lang::tree::Stage;
use crate::query::measured::Table;
use crate::query::search;
use crate::query::typed::Query;
use crate::query::view::View;

/// What is counted or measured of spans, in TraceQL.
///
/// ```
/// use std::time::Duration;
/// use tracekeep::MetricsQuery;
/// let query = MetricsQuery::parse("{ status = error } | rate() by (resource.service.name)")?;
/// let query = query.step(Duration::from_secs(10));
/// # let _ = query;
/// # Ok::<(), tracekeep::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MetricsQuery {
    metrics: Metrics,
    spans: Query,
    step: Duration,
}

/// A series of values.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Series {
    /// What tells it from others: the fields of `by()`, `p` of a quantile, `le` of a histogram.
    pub labels: Vec<KeyValue>,
    /// The start of each step in which there is a value, and the value. Steps without spans have
    /// none.
    pub samples: Vec<(Timestamp, f64)>,
}

impl MetricsQuery {
    /// A pipeline that ends in `rate()`, `count_over_time()`, `min_over_time(field)` or the like.
    ///
    /// Durations are nanoseconds, here as everywhere. Fails with [`Error::Query`].
    pub fn parse(text: &str) -> Result<Self> {
        let metrics = parse(text)?;
        let mut pipeline = metrics.pipeline.clone();
        // What is asked of parents must be known beforehand, as that of selected fields is.
        let mut asked: Vec<&Field> = metrics.by.iter().chain(metrics.function.field()).collect();
        if let Function::Compare(selection) = &metrics.function {
            selection.filter.fields(&mut |field| asked.push(field));
        }
        if asked.iter().any(|field| matches!(field, Field::Parent(..))) {
            pipeline.stages.push(Stage::Select(asked.into_iter().cloned().collect()));
        }
        let spans = Query::parse(&pipeline.to_string())?;
        Ok(Self { metrics, spans, step: Duration::from_secs(60) })
    }

    /// Of spans that start in this range, its end excluded. All of time unless set.
    pub fn between(mut self, range: impl Into<TimeRange>) -> Self {
        self.spans = self.spans.between(range);
        self
    }

    /// How wide a step is; a minute unless set. Steps start at multiples of this since the epoch.
    pub const fn step(mut self, step: Duration) -> Self {
        self.step = step;
        self
    }

    /// Lets the query of the spans be altered: its [timeout](Query::timeout), its
    /// [memory](Query::memory_bytes) and the like.
    pub fn with(mut self, alter: impl FnOnce(Query) -> Query) -> Self {
        self.spans = alter(self.spans);
        self
    }
}

/// The series of a query, by their labels, and what was looked at for them; the latter is not told of
/// `compare()`.
pub fn metrics(view: &View, query: &MetricsQuery) -> Result<(Vec<Series>, MetricsExplain)> {
    let Some(width) = NonZeroU64::new(saturating_nanos(query.step)) else {
        return Err(Error::invalid("a step of no time: steps are a nanosecond wide at least"));
    };
    let Metrics { function, by, then, .. } = &query.metrics;
    if let Function::Compare(selection) = function {
        let series = contrast(view, &query.spans, selection, width)?;
        return Ok((series, MetricsExplain::default()));
    }
    let spans = &*query.spans.begin(view.clock())?;
    let mut table = Table::new(by, function, width, &spans.bounds);
    let mut explain = MetricsExplain::default();
    if spans.asks_of_spans() && table.asks_of_spans() {
        explain = figures::sum(view, spans, &mut table)?;
    } else {
        search::visit_matching(view, spans, &mut |_, row, facts| {
            explain.spans_read += 1;
            table.add_row(row, Some(&facts))
        })?;
    }
    let mut series = BTreeMap::new();
    for (labels, steps) in table.into_series() {
        let told = by.iter().zip(&labels).map(|(field, datum)| KeyValue {
            key: field.to_string().into(),
            value: datum.as_ref().map_or(Value::Empty, |datum| datum.told(field.of_type())),
        });
        let told: Vec<KeyValue> = told.collect();
        for (step, mut taken) in steps.into_iter().filter(|(_, taken)| !taken.is_empty()) {
            let start = Timestamp::from_nanos(step.saturating_mul(width.get()));
            for (part, value) in taken.values(function, query.step) {
                let series = series.entry((labels.clone(), part)).or_insert_with(|| Series {
                    labels: told.iter().cloned().chain(part.label()).collect(),
                    samples: Vec::new(),
                });
                series.samples.push((start, value));
            }
        }
    }
    let mut series: Vec<Series> = series.into_values().collect();
    for second in then {
        second.apply(&mut series);
    }
    series.retain(|series| !series.samples.is_empty());
    Ok((series, explain))
}

impl Second {
    /// Drops samples, step by step.
    fn apply(self, series: &mut [Series]) {
        let (count, is_top) = match self {
            Self::Filter(compare, bound) => {
                for series in series {
                    series.samples.retain(|(_, value)| compare.accepts(value.partial_cmp(&bound)));
                }
                return;
            }
            Self::Top(count) => (count, true),
            Self::Bottom(count) => (count, false),
        };
        let mut steps: BTreeMap<Timestamp, Vec<(f64, usize)>> = BTreeMap::new();
        for (number, series) in series.iter().enumerate() {
            for (start, value) in &series.samples {
                steps.entry(*start).or_default().push((*value, number));
            }
        }
        for values in steps.values_mut() {
            // Of equal values those of the first series.
            values.sort_by(|a, b| {
                let order = if is_top { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) };
                order.then(a.1.cmp(&b.1))
            });
            values.truncate(count);
        }
        for (number, series) in series.iter_mut().enumerate() {
            series.samples.retain(|(start, _)| {
                let kept = steps.get(start).map_or(&[][..], Vec::as_slice);
                kept.iter().any(|(_, own)| *own == number)
            });
        }
    }
}
