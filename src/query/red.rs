//! Rate, errors, durations: what the spans of a service, an operation or a kind add up to, step by
//! step.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::model::{SpanKind, StatusCode};
use crate::base::text::Str;
use crate::base::time::{Timestamp, saturating_nanos};
use crate::index::operations::Operation;
use crate::index::sketch::{Sketch, bucket};
use crate::index::statistics::MINUTE;
use crate::query::bounds::Bounds;
use crate::query::figures::{self, Figure, Needs, Sight, Sign, Sum};
use crate::query::search;
use crate::query::source::Row;
use crate::query::typed::Query;
use crate::query::view::View;
use crate::segment::Segment;

/// What tells figures apart beside the step: each is finer than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedGroup {
    /// Nothing: all spans are one group.
    All,
    /// The service.
    Service,
    /// The service and the spans' name.
    Operation,
    /// The service, the spans' name and their kind.
    #[default]
    Kind,
}

/// What the spans of a group that start in one step add up to.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Red {
    /// The service; `None` if their resources name none, or if services are not told apart.
    pub service: Option<Str>,
    /// The spans' name, if names are told apart.
    pub operation: Option<Str>,
    /// The spans' kind, if kinds are told apart.
    pub kind: Option<SpanKind>,
    /// When the step begins: steps are multiples of their width since the epoch.
    pub start: Timestamp,
    /// How many spans start in it, exactly.
    pub spans: u64,
    /// How many of them have the status `error`, exactly.
    pub errors: u64,
    durations: Sketch,
}

impl Red {
    /// The duration that this share of the spans, from 0 to 1, do not exceed: an estimate, within
    /// 4.4 % and a nanosecond. A share is taken to the thousandth.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracekeep::{Options, RedGroup, Store, TimeRange, TraceReader};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("traces"), Options::default())?;
    /// let hour = Duration::from_secs(3600);
    /// for red in store.red(TimeRange::ALL, hour, RedGroup::Service)? {
    ///     let p99 = red.estimated_quantile(0.99);
    ///     println!("{:?}: {} spans, {} errors, {p99:?}", red.service, red.spans, red.errors);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimated_quantile(&self, share: f64) -> Duration {
        let of_thousand = (share.clamp(0.0, 1.0) * 1000.0).round() as u64;
        Duration::from_nanos(self.durations.quantile(of_thousand).unwrap_or_default())
    }
}

/// What tells one figure from another, in their order.
type Group = (Option<Str>, Option<Str>, Option<i32>);

/// What a figure takes, about, beside its names and its durations.
const FIGURE_BYTES: usize = 128;

#[derive(Debug, Default)]
struct Sums {
    spans: u64,
    errors: u64,
    durations: Sketch,
}

/// The figures of the spans that a query finds, by group, then step. Its limit and its cursor are not
/// looked at.
pub fn red(view: &View, query: &Query, step: Duration, group: RedGroup) -> Result<Vec<Red>> {
    let Some(width) = NonZeroU64::new(saturating_nanos(step)) else {
        return Err(Error::invalid("a step of no time: steps are a nanosecond wide at least"));
    };
    let query = &*query.begin(view.clock())?;
    let found = BTreeMap::new();
    let mut table = Table { group, width, found, bytes: 0, bounds: &query.bounds };
    if query.asks_of_spans() {
        figures::sum(view, query, &mut table)?;
    } else {
        search::visit_matching(view, query, &mut |_, row, _| table.row(row, Sign::Plus))?;
    }
    Ok(table.told())
}

struct Table<'a> {
    group: RedGroup,
    width: NonZeroU64,
    found: BTreeMap<Group, BTreeMap<u64, Sums>>,
    bytes: usize,
    bounds: &'a Bounds,
}

impl Sum for Table<'_> {
    fn begin(&mut self, _: &Segment) -> Result<Needs> {
        let has_whole_minutes = self.width.get().is_multiple_of(MINUTE);
        Ok(if has_whole_minutes { Needs::Durations } else { Needs::Rows })
    }

    fn figure(&mut self, figure: &Figure<'_>) -> Result<()> {
        let Operation { service, name, kind, .. } = figure.operation;
        self.change(
            service.as_ref(),
            || name.clone(),
            *kind,
            figure.minute,
            |sums| {
                sums.spans = sums.spans.saturating_add(figure.spans);
                sums.errors = sums.errors.saturating_add(figure.errors);
                figure.durations.iter().for_each(|sketch| sums.durations.merge(sketch));
            },
        )
    }

    fn columns(&mut self, sight: &Sight<'_>, sign: Sign) -> Result<bool> {
        let Sight { template, resource, .. } = sight;
        let times = &sight.outlined.times;
        let is_error = template.status == Some(StatusCode::ERROR);
        let nanos = times.end.nanos().saturating_sub(times.start.nanos());
        let name = || template.name.clone();
        self.change(resource.service(), name, template.kind, times.start, |sums| {
            sums.count(is_error, nanos, sign);
        })?;
        Ok(true)
    }

    fn row(&mut self, row: &Row<'_>, sign: Sign) -> Result<()> {
        let span = &row.span;
        let is_error = span.status_code() == StatusCode::ERROR;
        let nanos = span.end.nanos().saturating_sub(span.start.nanos());
        let name = || span.name.clone().into_str();
        self.change(row.resource.service(), name, span.kind, span.start, |sums| {
            sums.count(is_error, nanos, sign);
        })
    }
}

impl Table<'_> {
    /// Changes the sums of a group and step.
    fn change(
        &mut self,
        service: Option<&Str>,
        name: impl FnOnce() -> Str,
        kind: SpanKind,
        start: Timestamp,
        change: impl FnOnce(&mut Sums),
    ) -> Result<()> {
        let service = service.filter(|_| self.group != RedGroup::All).cloned();
        let has_name = matches!(self.group, RedGroup::Operation | RedGroup::Kind);
        let name = if has_name { Some(name()) } else { None };
        let group = (service, name, (self.group == RedGroup::Kind).then_some(kind.0));
        let steps = self.found.entry(group).or_insert_with_key(|(service, name, _)| {
            let texts = [service, name].into_iter().flatten().map(|text| text.len());
            self.bytes += FIGURE_BYTES + texts.sum::<usize>();
            BTreeMap::new()
        });
        let sums = steps.entry(start.nanos() / self.width).or_insert_with(|| {
            self.bytes += FIGURE_BYTES;
            Sums::default()
        });
        let before = sums.durations.buckets().len();
        change(sums);
        let buckets = sums.durations.buckets().len().saturating_sub(before);
        self.bytes += buckets * 2 * size_of::<(u16, u64)>();
        self.bounds.check_found(self.bytes)
    }

    fn told(self) -> Vec<Red> {
        let mut told = Vec::new();
        for ((service, operation, kind), steps) in self.found {
            // Where all were doubles, nothing is left.
            for (step, sums) in steps.into_iter().filter(|(_, sums)| sums.spans > 0) {
                told.push(Red {
                    service: service.clone(),
                    operation: operation.clone(),
                    kind: kind.map(SpanKind),
                    start: Timestamp::from_nanos(step.saturating_mul(self.width.get())),
                    spans: sums.spans,
                    errors: sums.errors,
                    durations: sums.durations,
                });
            }
        }
        told
    }
}

impl Sums {
    fn count(&mut self, is_error: bool, nanos: u64, sign: Sign) {
        let errors = u64::from(is_error);
        match sign {
            Sign::Plus => {
                self.spans = self.spans.saturating_add(1);
                self.errors = self.errors.saturating_add(errors);
                self.durations.add(bucket(nanos), 1);
            }
            Sign::Minus => {
                self.spans = self.spans.saturating_sub(1);
                self.errors = self.errors.saturating_sub(errors);
                self.durations.remove(bucket(nanos));
            }
        }
    }
}
