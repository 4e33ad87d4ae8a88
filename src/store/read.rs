//! [`TraceReader`]: the questions that stores, snapshots and readers answer alike.

use std::path::Path;
use std::time::Duration;

use crate::base::effort::Effort;
use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::model::{Trace, TraceSpan, Value};
use crate::base::text::Str;
use crate::base::time::TimeRange;
use crate::query::differences::Comparison;
use crate::query::figures::MetricsExplain;
use crate::query::hit::{Explain, Operation, Page, TagKey, TraceTimes};
use crate::query::metrics::{MetricsQuery, Series};
use crate::query::named::{NamesPage, NamesQuery};
use crate::query::red::{self, Red, RedGroup};
use crate::query::scan::Scan;
use crate::query::shapes::{self, Shape};
use crate::query::typed::Query;
use crate::query::values::{ValuesPage, ValuesQuery};
use crate::query::view::View;
use crate::query::{differences, durations, listing, lookup, metrics, names, search};
use crate::segment::SegmentOptions;
use crate::store::open;
use crate::store::options::Options;
use crate::upkeep::cut::Cut;

/// Reading: of a [`Store`](crate::Store), a [`Snapshot`](crate::Snapshot) and a
/// [`Reader`](crate::Reader) alike.
///
/// Every answer is what a scan over the live spans would give, each identical span counted once,
/// in a defined order. A call sees one consistent moment; it never waits for writers.
///
/// All calls fail with `Corrupt` if what they must read is damaged, and with `Closed` after the
/// store was closed. A segment whose file cannot be opened fails calls for the traces it may hold
/// and for ranges of time in which some of its spans start; all other calls answer as ever.
pub trait TraceReader {
    /// The moment that a call of this trait reads.
    #[doc(hidden)]
    fn view(&self) -> Result<View>;

    /// The whole trace with this id, its spans by start, then id. An id whose upper half is zero
    /// also finds the 128-bit id with that lower half, the smallest, if no trace bears it exactly.
    ///
    /// Cost: a bloom filter a segment, then the rows of the trace.
    fn trace(&self, id: TraceId) -> Result<Option<Trace>> {
        lookup::trace(&self.view()?, id)
    }

    /// Those spans of the trace that start inside `range`; partitions outside are not touched.
    fn trace_in(&self, id: TraceId, range: impl Into<TimeRange>) -> Result<Option<Trace>> {
        lookup::trace_in(&self.view()?, id, range.into())
    }

    /// Each of these traces in turn, `None` where there is none, read as the iterator advances.
    fn traces(
        &self,
        ids: &[TraceId],
    ) -> Result<impl Iterator<Item = Result<Option<Trace>>> + use<Self>> {
        Ok(lookup::traces(&self.view()?, ids.to_vec()))
    }

    /// A trace of any size in the order of [`TraceReader::trace`], some ten thousand spans at a
    /// time, or `None`.
    fn trace_chunks(
        &self,
        id: TraceId,
    ) -> Result<Option<impl Iterator<Item = Result<Vec<TraceSpan>>> + use<Self>>> {
        lookup::chunks(&self.view()?, id)
    }

    /// Every span that starts inside `range`, each once, in bulk: batches of some ten thousand
    /// spans, read as the iterator advances.
    ///
    /// Order: by partition, the oldest first; within one by trace, that which starts there first,
    /// then id; within a trace as in [`TraceReader::trace`]. A trace with spans in several
    /// partitions comes in each. Cost: linear in what it reads.
    ///
    /// ```
    /// use tracekeep::{Options, Store, TimeRange, TraceReader};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("traces"), Options::default())?;
    /// let mut errors = 0;
    /// for batch in store.scan(TimeRange::ALL)? {
    ///     errors += batch?.iter().filter(|span| span.span.status.is_some()).count();
    /// }
    /// assert_eq!(errors, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn scan(&self, range: impl Into<TimeRange>) -> Result<Scan> {
        Ok(Scan::new(&self.view()?, range.into()))
    }

    /// Hands over how long the spans that start inside `range` lasted, each identical span once, in
    /// nanoseconds from start to end, 0 where a span ends before it starts: the same durations that
    /// [`TraceReader::scan`] finds, but in no order, and any number of them at a time.
    ///
    /// Cost: a few nanoseconds a span, for segments keep durations apart from all else. Rows are
    /// read instead, some hundreds of nanoseconds each, in blocks that start partly outside of
    /// `range`, and in those with spans of a trace of which another segment or the live buffer of
    /// the same partition holds more. Memory: the durations of a block or a live buffer; besides,
    /// in a partition of several segments, a few dozen bytes for each trace, and for each span of
    /// one trace at a time.
    ///
    /// # Errors
    /// The first failure ends it; what was handed over before is true. Damage to other columns
    /// than durations is not seen.
    ///
    /// ```
    /// use tracekeep::{Options, Store, TimeRange, TraceReader};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("traces"), Options::default())?;
    /// let (mut spans, mut nanos) = (0, 0u128);
    /// store.scan_durations(TimeRange::ALL, |durations| {
    ///     spans += durations.len();
    ///     nanos += durations.iter().map(|&own| u128::from(own)).sum::<u128>();
    /// })?;
    /// assert_eq!((spans, nanos), (0, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn scan_durations(
        &self,
        range: impl Into<TimeRange>,
        mut visit: impl FnMut(&[u64]),
    ) -> Result<()> {
        durations::durations(&self.view()?, range.into(), &mut visit)
    }

    /// As [`TraceReader::scan`], of the spans that match; however many, for the query's limit and
    /// cursor do not count here.
    fn scan_matching(&self, query: &Query) -> Result<Scan> {
        Scan::matching(&self.view()?, query)
    }

    /// Writes the matching spans, however many the query's limit names, into a segment file of
    /// their own, which [`Reader::open_files`](crate::Reader::open_files) reads. Returns how many
    /// there are. Cost: memory for all of them at once, a kilobyte a span.
    ///
    /// # Errors
    /// `InvalidInput` if the file exists or nothing matches; `Limit` if more match than one file
    /// takes, some million. Nothing is written then.
    fn write_file(&self, query: &Query, path: impl AsRef<Path>) -> Result<u64> {
        let mut cut =
            Cut::new(SegmentOptions { effort: Effort::Thorough, ..SegmentOptions::default() });
        for batch in self.scan_matching(query)? {
            batch?.iter().try_for_each(|span| cut.add(span))?;
        }
        cut.write(open::real_environment(&Options::default()).disk.as_ref(), path.as_ref())
    }

    /// Traces in which some span matches, newest start first, ties by id.
    fn search(&self, query: &Query) -> Result<Page> {
        search::search(&self.view()?, query)
    }

    /// Ids and times of the traces that [`TraceReader::search`] finds, without reading their spans
    /// where the indexes suffice.
    fn search_ids(&self, query: &Query) -> Result<Vec<TraceTimes>> {
        search::search_ids(&self.view()?, query)
    }

    /// The matching spans of the traces that [`TraceReader::search`] finds, trace by trace.
    fn search_spans(&self, query: &Query) -> Result<Vec<TraceSpan>> {
        search::search_spans(&self.view()?, query)
    }

    /// A search, and how it was answered: what was read and what could be left out.
    fn explain(&self, query: &Query) -> Result<(Page, Explain)> {
        search::explained(&self.view()?, query)
    }

    /// The shapes of all traces in which some span matches, the rarest first, as many as the
    /// query's limit; equally rare ones by their exemplars, the newest first, then the lowest id.
    /// So the first page of the last hour shows what happened only once in it.
    ///
    /// Cost: every trace that matches is looked at as a whole, some tens of microseconds each.
    /// Memory: a few bytes for each span of each shape.
    ///
    /// # Errors
    /// `Limit` if there are so many shapes that they would take more than 64 MiB.
    ///
    /// ```
    /// use tracekeep::{Options, Query, Store, TraceReader};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("traces"), Options::default())?;
    /// for shape in store.shapes(&Query::spans().service("cart").limit(10))? {
    ///     println!("{} traces of {} spans: {}", shape.traces, shape.spans.len(), shape.exemplar);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn shapes(&self, query: &Query) -> Result<Vec<Shape>> {
        shapes::shapes(&self.view()?, query)
    }

    /// What tells the spans that `a` finds from those that `b` finds: the values of attributes, names,
    /// kinds and statuses whose share among the one differs most from that among the other. So `a`
    /// may be the slow spans of an operation, and `b` all of them; or `a` this hour, and `b` the
    /// one before.
    ///
    /// Spans are counted, not traces: a share is the spans of a set with that value by all spans of
    /// the set, and each span counts once for a value, which stands on it, its resource, its scope,
    /// its events or links, perhaps several times or as an element of an array. As many values are
    /// told as `a`'s limit, 20 unless set; its deadline, its token and its memory are those of the
    /// call, and `b`'s do not count. The ranges of both do.
    ///
    /// Cost: each span that either query finds is looked at, a microsecond or two in segments, where
    /// whole spans are read only for conditions on traces and structure. The index cannot tell:
    /// it knows of traces, not of spans. Memory: a hundred bytes for each value. Tags with more than
    /// 65,536 values are [left out](Comparison::left_out).
    ///
    /// # Errors
    /// `Limit` if values take more than half of the query's memory.
    ///
    /// ```
    /// use tracekeep::{Options, Query, Store, TraceReader};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("traces"), Options::default())?;
    /// let cart = r#"resource.service.name = "cart""#;
    /// let slow = Query::parse(&format!("{{ {cart} && duration > 1s }}"))?.limit(5);
    /// let all = Query::parse(&format!("{{ {cart} }}"))?;
    /// for found in store.compare(&slow, &all)?.differences {
    ///     let (slow, all) = (100.0 * found.share_a, 100.0 * found.share_b);
    ///     println!("{} = {:?}: {slow:.1} % against {all:.1} %", found.tag, found.value);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn compare(&self, a: &Query, b: &Query) -> Result<Comparison> {
        differences::compare(&self.view()?, a, b)
    }

    /// What is counted or measured of spans, step by step: a series for each combination of values
    /// of `by()`, in the order of these.
    ///
    /// Cost: `rate()` and `count_over_time()` by `name`, `kind` and `resource.service.name`, in steps of
    /// whole minutes and of spans that conditions on these find, or on `status = error`, are summed up
    /// from the statistics of segments, a microsecond for each operation and minute. Otherwise
    /// columns are looked at, half a microsecond a span; whole spans are read of live buffers, and
    /// whole traces where the query asks for more than a filter, some microseconds a span.
    /// [`TraceReader::explain_metrics`] tells. Every number that is measured is kept, sixteen bytes
    /// each: beyond half of the query's memory it fails with `Limit`.
    ///
    /// ```
    /// use tracekeep::{MetricsQuery, Options, Store, TraceReader};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("traces"), Options::default())?;
    /// let query = MetricsQuery::parse("{ } | quantile_over_time(duration, 0.5, 0.99) by (name)")?;
    /// assert!(store.metrics(&query)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn metrics(&self, query: &MetricsQuery) -> Result<Vec<Series>> {
        Ok(metrics::metrics(&self.view()?, query)?.0)
    }

    /// The series of a metrics query, and what was looked at for them.
    fn explain_metrics(&self, query: &MetricsQuery) -> Result<(Vec<Series>, MetricsExplain)> {
        metrics::metrics(&self.view()?, query)
    }

    /// Rate, errors and durations: how many spans start inside `range`, how many of them have the
    /// status `error`, and how long they last, by service, operation and kind as far as `group` tells
    /// them apart, and by step; sorted so, groups without spans left out. Steps begin at multiples of
    /// their width since the epoch.
    ///
    /// Counts are exact, each identical span counted once, late ones included; durations are
    /// [estimated](Red::estimated_quantile). Cost: where steps are whole minutes, a microsecond for
    /// each operation and minute in which it occurs, for segments keep statistics of these; rows are
    /// looked at, half a microsecond each, of minutes that lie only partly inside `range`, of
    /// live buffers, and of other steps. Where the segments of a partition may hold identical spans,
    /// traces that lie in several of them are looked at, too. Memory: some hundred bytes for each
    /// step of each group.
    ///
    /// # Errors
    /// `Limit` if figures take more than half of a query's memory: [`TraceReader::red_matching`]
    /// takes a query that states it, and its deadline.
    fn red(
        &self,
        range: impl Into<TimeRange>,
        step: Duration,
        group: RedGroup,
    ) -> Result<Vec<Red>> {
        red::red(&self.view()?, &Query::spans().between(range), step, group)
    }

    /// As [`TraceReader::red`], of the spans that match, whatever the query's limit and cursor.
    /// Statistics suffice for conditions on service, name and kind.
    fn red_matching(&self, query: &Query, step: Duration, group: RedGroup) -> Result<Vec<Red>> {
        red::red(&self.view()?, query, step, group)
    }

    /// The services with spans that start inside `range`, sorted. Fails with `Limit` if their names
    /// take more than half of a query's memory: [`TraceReader::list_services`] has pages.
    fn services(&self, range: impl Into<TimeRange>) -> Result<Vec<Str>> {
        let all = every_name(range.into());
        names::all(self.list_services(&all)?, &all)
    }

    /// The services a page at a time, of the spans that a query finds.
    fn list_services(&self, query: &NamesQuery) -> Result<NamesPage<Str>> {
        names::services(&self.view()?, query)
    }

    /// The operations of a service, sorted. Fails with `Limit` as [`TraceReader::services`] does.
    fn operations(&self, service: &str) -> Result<Vec<Operation>> {
        let all = every_name(TimeRange::ALL);
        names::all(self.list_operations(service, &all)?, &all)
    }

    /// The operations of a service a page at a time, of the spans that a query finds.
    fn list_operations(&self, service: &str, query: &NamesQuery) -> Result<NamesPage<Operation>> {
        names::operations(&self.view()?, service, query)
    }

    /// The attribute keys on spans that start inside `range`, sorted by scope, then key. Fails with
    /// `Limit` as [`TraceReader::services`] does.
    fn tag_keys(&self, range: impl Into<TimeRange>) -> Result<Vec<TagKey>> {
        let all = every_name(range.into());
        names::all(self.list_tag_keys(&all)?, &all)
    }

    /// The attribute keys a page at a time, of the spans that a query finds.
    fn list_tag_keys(&self, query: &NamesQuery) -> Result<NamesPage<TagKey>> {
        names::tag_keys(&self.view()?, query)
    }

    /// The values of a tag, named as in a query (`span.http.method`, `.region`, `name`), on spans
    /// that start inside `range`, sorted. Fails with `Limit` if they take more than a query's memory:
    /// [`TraceReader::values`] has pages.
    fn tag_values(&self, tag: &str, range: impl Into<TimeRange>) -> Result<Vec<Value>> {
        listing::all_values(&self.view()?, tag, Query::spans().between(range))
    }

    /// The values of a tag a page at a time, by prefix and type, on spans that a query names, and in
    /// how many traces they are.
    ///
    /// Cost: without a condition, the values of the page in each segment that lies wholly inside the
    /// range and lists them in a dictionary; a tenth of a microsecond a span in others. With a
    /// condition, about that for each span of traces that may fulfil it, a microsecond for
    /// each that does.
    fn values(&self, query: &ValuesQuery) -> Result<ValuesPage> {
        listing::values(&self.view()?, query)
    }
}

fn every_name(range: TimeRange) -> NamesQuery {
    NamesQuery::of(Query::spans().between(range)).limit(usize::MAX)
}
