//! [`Store`]: the handle that backends hold.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::model::ResourceSpans;
use crate::ingest::batch::SpanKey;
use crate::ingest::contexts::Contexts;
use crate::ingest::json;
use crate::ingest::otlp::{self, Admission, Appended, Prepared, check_size};
use crate::ingest::request::encode_request;
use crate::query::view::View;
use crate::store::append::Work;
use crate::store::backup::{BackupReport, Original};
use crate::store::engine::{Engine, Environment};
use crate::store::open;
use crate::store::options::Options;
use crate::store::read::TraceReader;
use crate::store::retain::RetentionReport;
use crate::store::slot::{Commit, Slot};
use crate::store::snapshot::Snapshot;
use crate::store::stats::{self, Stats};
use crate::upkeep::retention::Retention;

/// A store of traces in a directory: appends, reads, upkeep.
///
/// Clones share one store; it may be used from any thread. Dropping the last clone stops
/// background work and lets others open the directory; what was not flushed is in the log and
/// comes back on opening. Only one process has a store open for writing; others use a
/// [`Reader`](crate::Reader).
///
/// # Limits
/// A request may have 256 MiB as protobuf, and so may one span or one attribute in it, however small
/// the memory budget; a larger one fails with [`Error::Limit`](crate::Error::Limit). A trace may
/// have as many spans as the disk holds: those longer than memory are read by
/// [`TraceReader::trace_chunks`]. Arrays and maps may nest 64 deep; a request in which they nest
/// deeper fails with `InvalidInput`.
///
/// ```
/// use tracekeep::{KeyValue, Options, Resource, ResourceSpans, ScopeSpans, Span, Store, TraceReader};
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("traces"), Options::default())?;
/// let span = Span { trace_id: 7u128.into(), span_id: 1.into(), name: "GET /".into(), ..Span::default() };
/// let resource = Resource {
///     attributes: vec![KeyValue::new("service.name", "cart")],
///     ..Resource::default()
/// };
/// let done = store.append(&[ResourceSpans {
///     resource: Some(resource),
///     scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }],
///     ..ResourceSpans::default()
/// }])?;
/// assert_eq!(done.accepted, 1);
/// let trace = store.trace(7u128.into())?.expect("it was just appended");
/// assert_eq!(trace.spans[0].span.name, "GET /");
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

/// Ends the store's work when the last clone goes.
struct Handle {
    engine: Arc<Engine>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.set_closed();
        drop(self.engine.take_quarantine());
        self.engine.disarm();
        self.engine.jobs.wait_for_workers();
        self.engine.save_counters();
        self.engine.release_lock();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.engine().root).finish_non_exhaustive()
    }
}

/// Of one byte in so many that a request does not use, its memory is made smaller.
const MOST_SPARE: usize = 8;

impl Store {
    /// Opens the store in the directory `path`, making it if need be, and recovers what was
    /// acknowledged before a crash.
    ///
    /// # Errors
    /// `Locked` if another process writes to it, `NotFound` if it is missing and must not be made,
    /// `Corrupt` or `Version` if manifest or log cannot be read.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let environment = open::real_environment(&options);
        Self::open_in(path, options, environment)
    }

    /// [`Store::open`] in a world of the caller's making: a simulated disk, clock and executor.
    #[doc(hidden)]
    pub fn open_in(
        path: impl AsRef<Path>,
        options: Options,
        environment: Environment,
    ) -> Result<Self> {
        let engine = open::engine(path.as_ref(), options, environment)?;
        Ok(Self { handle: Arc::new(Handle { engine }) })
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.handle.engine
    }

    /// Stores the spans of an OTLP `ExportTraceServiceRequest` in protobuf. On return they are
    /// durable, as [`Options::durability`] defines it, and visible.
    ///
    /// # Errors
    /// `InvalidInput` if the bytes cannot be decoded; nothing is stored then. Spans that are
    /// invalid one by one are counted in the answer instead. `Limit` beyond 256 MiB, `Busy` and
    /// `NoSpace` as [`Options::on_full`] and [`Options::min_free_bytes`] say.
    pub fn append_otlp(&self, request: &[u8]) -> Result<Appended> {
        self.append_work(request.len(), |contexts, admit| otlp::prepare(request, contexts, admit))
    }

    /// Stores the spans of an OTLP/JSON `ExportTraceServiceRequest`; like [`Store::append_otlp`].
    pub fn append_otlp_json(&self, request: &[u8]) -> Result<Appended> {
        self.append_work(request.len(), |contexts, admit| {
            json::prepare_json(request, contexts, admit)
        })
    }

    /// Stores spans of the owned model; like [`Store::append_otlp`].
    pub fn append(&self, spans: &[ResourceSpans]) -> Result<Appended> {
        let request = Arc::new(encode_request(spans)?);
        self.append_work(request.len(), |contexts, admit| {
            otlp::prepare_shared(&request, contexts, admit)
        })
    }

    /// Queues a request and returns at once; the [`Commit`] tells when it is stored. Blocks, or
    /// fails with `Busy`, only while the store's memory budget is used up.
    pub fn submit_otlp(&self, mut request: Vec<u8>) -> Result<Commit> {
        // It stays until it is flushed, and only its bytes are counted.
        if request.capacity() > request.len() + request.len() / MOST_SPARE {
            request.shrink_to_fit();
        }
        let request = Arc::new(request);
        self.submit_work(request.len(), |contexts, admit| {
            otlp::prepare_shared(&request, contexts, admit)
        })
    }

    /// Queues an OTLP/JSON request; like [`Store::submit_otlp`].
    pub fn submit_otlp_json(&self, request: &[u8]) -> Result<Commit> {
        self.submit_work(request.len(), |contexts, admit| {
            json::prepare_json(request, contexts, admit)
        })
    }

    /// Queues spans of the owned model; like [`Store::submit_otlp`].
    pub fn submit(&self, spans: &[ResourceSpans]) -> Result<Commit> {
        self.submit_otlp(encode_request(spans)?)
    }

    fn submit_work(
        &self,
        expected_bytes: usize,
        prepare: impl Fn(&Contexts, Admit<'_>) -> Result<Prepared>,
    ) -> Result<Commit> {
        let engine = self.engine();
        let work = make(engine, expected_bytes, prepare)?;
        let bytes = work.bytes();
        let slot = engine.queue.push(work, bytes);
        let (driver, waiter) = (Arc::clone(engine), Arc::clone(engine));
        let driven = Arc::clone(&slot);
        let drive = move || driver.queue.drive(&driven, &driver);
        engine.environment.executor.spawn(Box::new(drive));
        let wait = move |slot: &Slot| waiter.queue.wait(slot, &waiter);
        Ok(Commit::new(slot, Box::new(wait)))
    }

    fn append_work(
        &self,
        expected_bytes: usize,
        prepare: impl Fn(&Contexts, Admit<'_>) -> Result<Prepared>,
    ) -> Result<Appended> {
        let engine = self.engine();
        let work = make(engine, expected_bytes, prepare)?;
        let bytes = work.bytes();
        let slot = engine.queue.push(work, bytes);
        engine.queue.wait(&slot, engine)
    }

    /// Writes all buffered spans to segments. Cost: that of the buffered data.
    pub fn flush(&self) -> Result<()> {
        let engine = self.engine();
        engine.check_writable()?;
        engine.seal_all();
        let flushed = engine.flush_sealed();
        engine.disarm_if_idle();
        engine.save_counters();
        flushed
    }

    /// Flushes, then merges each partition into as few segments as the memory budget allows.
    /// Cost: reads and rewrites every partition that has more than one segment.
    pub fn merge(&self) -> Result<()> {
        self.flush()?;
        self.engine().merge_all()
    }

    /// Flushes, then does the merges that are due: those that background work would do.
    pub fn merge_due(&self) -> Result<()> {
        self.flush()?;
        self.engine().merge_due()
    }

    /// Drops the partitions that have expired by `rule`, and tells what that was. They are gone for
    /// new readers at once; snapshots keep them, and their files go when the last reader is done.
    /// A store that is to do so by itself is told by [`Options::retention`].
    ///
    /// Cost: an edit of the manifest and unlinking; after that, a lookup for each trace that went,
    /// to tell how many were cut.
    ///
    /// ```
    /// use tracekeep::{Options, Retention, Store};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("traces"), Options::default())?;
    /// let report = store.retain(&Retention::days(7).max_bytes(50 << 30))?;
    /// assert_eq!(report.spans(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(&self, rule: &Retention) -> Result<RetentionReport> {
        let engine = self.engine();
        let report = engine.retain(rule);
        engine.save_counters();
        report
    }

    /// Copies the store as it is now to the directory `to`, which must be empty, or not there. The
    /// copy is a store: to restore it, put it in the place of the lost one. Appends, flushes and
    /// merges go on meanwhile, here or in another process, and do not show in it.
    ///
    /// Segments are not copied where the directory lies on the same file system: their files get a
    /// second name. What is deleted or expires later stays in backups made before. A copy that
    /// fails leaves a directory behind that no store opens.
    ///
    /// Cost: the log's bytes, and a name, or a copy, for each segment.
    ///
    /// ```
    /// use tracekeep::{Options, Store};
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("traces"), Options::default())?;
    /// store.backup(dir.path().join("copy"))?;
    /// let copy = Store::open(dir.path().join("copy"), Options::default())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<BackupReport> {
        let engine = self.engine();
        engine.check_open()?;
        let disk = &engine.environment.disk;
        Original::new(disk, &engine.root, &engine.options).backup(to.as_ref())
    }

    /// What [`Store::retain`] would drop now.
    pub fn expired(&self, rule: &Retention) -> Result<RetentionReport> {
        let engine = self.engine();
        engine.check_open()?;
        RetentionReport::of(&engine.state(), rule, engine.environment.clock.now())
    }

    /// The store of spans outside the window, which [`OutOfWindow::Quarantine`] keeps apart; `None`
    /// if there never was one. It shares this store's memory and threads, and ends with it.
    ///
    /// [`OutOfWindow::Quarantine`]: crate::OutOfWindow::Quarantine
    pub fn quarantine(&self) -> Result<Option<Store>> {
        self.engine().known_quarantine()
    }

    /// A view that stays as it is while the store goes on.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let engine = self.engine();
        let clock = Arc::clone(&engine.environment.clock);
        Ok(Snapshot::new(engine.state(), engine.watch.observer().cloned(), clock))
    }

    /// Counts and sizes, exact at this moment. Cost: reads every segment's trace ids.
    pub fn stats(&self) -> Result<Stats> {
        let engine = self.engine();
        engine.check_open()?;
        let mut stats = stats::collect(&engine.state())?;
        stats.last_error = engine.jobs.last_error().map(|error| error.to_string());
        let memory = engine.resources.memory();
        stats.counters = Some(engine.watch.counters(&memory));
        stats.memory = Some(memory);
        Ok(stats)
    }

    /// Flushes and ends the store, also for its other clones, whose calls fail with `Closed`.
    pub fn close(self) -> Result<()> {
        let engine = self.engine();
        let flushed = self.flush();
        let apart = engine.take_quarantine().map_or(Ok(()), Store::close);
        engine.set_closed();
        engine.disarm();
        engine.jobs.wait_for_workers();
        engine.save_counters();
        engine.release_lock();
        flushed.and(apart)
    }
}

/// Tells whether a span is let in.
type Admit<'a> = &'a dyn Fn(&SpanKey) -> Admission;

/// What `prepare` makes of a request of so many bytes, once there is room for it, as the window
/// lets its spans in then.
fn make(
    engine: &Arc<Engine>,
    bytes: usize,
    prepare: impl Fn(&Contexts, Admit<'_>) -> Result<Prepared>,
) -> Result<Work> {
    check_size(bytes)?;
    let mut room = engine.admit(bytes)?;
    let gate = engine.gate();
    let mut prepared = prepare(&engine.contexts, &|span| gate.judge(span))?;
    if gate.quarantined() > 0 {
        // The quarantine has to find room in the same budget.
        drop(room);
        let outside = prepare(&engine.contexts, &|span| gate.judge_outside(span))?;
        engine.quarantine()?.append_otlp(outside.batch.payload())?;
        prepared.appended.quarantined = gate.quarantined();
        room = engine.admit(bytes)?;
    }
    engine.tell_outside(&gate);
    Ok(Work::new(prepared, room))
}

impl TraceReader for Store {
    fn view(&self) -> Result<View> {
        let engine = self.engine();
        engine.check_open()?;
        let view = engine.state().view().clone().timed(&engine.environment.clock);
        Ok(view.observed(engine.watch.observer().cloned()))
    }
}
