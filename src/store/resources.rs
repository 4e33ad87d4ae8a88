//! [`Resources`]: the memory and the threads that stores share.

use std::cmp::Reverse;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::base::error::Error;
use crate::block::cache::Cache;
use crate::disk::executor::{Executor, InlineExecutor};
use crate::disk::pool::ThreadPool;
use crate::ingest::contexts::Contexts;
use crate::store::budget::{Budget, InUse};
use crate::store::engine::{Engine, lock};
use crate::store::options::Options;

/// Parts of the memory budget, in thirty-seconds: buffers and appends, jobs, decoded pages, what
/// the rows of segments are decoded by, and interned resources and scopes.
const BUFFERS: usize = 16;
const JOBS: usize = 8;
const CACHE: usize = 3;
const MODELS: usize = 4;
const CONTEXTS: usize = 1;
const _: () = assert!(BUFFERS + JOBS + CACHE + MODELS + CONTEXTS == 32);

/// The share in thirty-seconds of `bytes`.
const fn share(bytes: usize, of: usize) -> usize {
    bytes / 32 * of
}

/// What the models of segments may take of `bytes`.
pub(crate) const fn models_limit(bytes: usize) -> usize {
    share(bytes, MODELS)
}

/// What decoded pages and blocks may take of `bytes`, unless options say otherwise.
pub(crate) const fn pages_limit(bytes: usize) -> usize {
    share(bytes, CACHE)
}

/// What buffers and appends may take of `bytes`.
pub(crate) const fn buffers_limit(bytes: usize) -> usize {
    share(bytes, BUFFERS)
}

/// What interned resources and scopes may take of `bytes`.
pub(crate) const fn contexts_limit(bytes: usize) -> usize {
    share(bytes, CONTEXTS)
}

/// One memory budget, one cache of decoded pages and one set of threads, for any number of
/// stores; see [`Options::resources`]. Clones share them.
///
/// Appends to any of the stores wait, or fail with `Busy`, once buffers of all of them take half
/// of the budget; the largest buffers are flushed first, whosesoever they are. Flushes and merges
/// wait for each other where they would take more than a quarter together. A single append or
/// job that is larger than its share is let in alone.
///
/// ```
/// use tracekeep::{Options, Resources, Store};
/// # let dir = tempfile::tempdir()?;
/// let shared = Resources::new(256 << 20, 2);
/// let open = |name: &str| {
///     Store::open(dir.path().join(name), Options::default().resources(shared.clone()))
/// };
/// let (first, second) = (open("tenant-1")?, open("tenant-2")?);
/// assert_eq!(shared.memory().budget_bytes, 256 << 20);
/// assert!(shared.memory().used_bytes < 1 << 20);
/// # drop((first, second));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Resources {
    shared: Arc<Shared>,
}

struct Shared {
    memory_bytes: usize,
    live_limit: usize,
    threads: usize,
    executor: Arc<dyn Executor>,
    cache: Cache,
    contexts: Arc<Contexts>,
    budget: Arc<Budget>,
    members: Mutex<Vec<Weak<Engine>>>,
    /// Stores with jobs that found no room.
    starved: Mutex<Vec<Weak<Engine>>>,
}

/// How much memory is allowed, and what takes how much of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUse {
    /// The budget.
    pub budget_bytes: usize,
    /// All that is in use now: the sum of the six below.
    pub used_bytes: usize,
    /// Spans that are in no segment yet.
    pub buffer_bytes: usize,
    /// Appends that are under way.
    pub queued_bytes: usize,
    /// What running flushes and merges may take.
    pub job_bytes: usize,
    /// Decoded pages.
    pub cache_bytes: usize,
    /// What the rows of segments are decoded by: templates, models of columns, dictionaries.
    pub model_bytes: usize,
    /// Resources and scopes that new spans are compared with.
    pub context_bytes: usize,
    /// The most that buffers, appends and jobs took at a time.
    pub peak_bytes: usize,
    /// Appends that were slowed down since the budget was made.
    pub slowed: u64,
    /// Appends that waited for room.
    pub waited: u64,
    /// Appends that failed with `Busy`.
    pub refused: u64,
    /// How long appends were slowed and waited, summed up.
    pub stalled: Duration,
    /// Reads of blocks and pages that found them decoded.
    pub cache_hits: u64,
    /// Those that did not.
    pub cache_misses: u64,
}

impl Resources {
    /// `memory_bytes` for all stores together, and at most so many threads; with 0 threads
    /// appending threads do all the work. No thread is started before there is work, and none is
    /// kept while there is none.
    pub fn new(memory_bytes: usize, threads: usize) -> Self {
        let executor: Arc<dyn Executor> = match threads {
            0 => Arc::new(InlineExecutor::new()),
            threads => Arc::new(ThreadPool::new(threads)),
        };
        let wait_limit = buffers_limit(memory_bytes);
        let cache = pages_limit(memory_bytes);
        Self::of(memory_bytes, (wait_limit, wait_limit / 3 * 2), cache, threads, executor)
    }

    /// What a store with these options has for itself.
    pub(crate) fn own(options: &Options, executor: Arc<dyn Executor>) -> Self {
        let limits = (options.wait_limit(), options.live_limit());
        let cache = options.cache_limit();
        Self::of(options.memory_bytes, limits, cache, options.threads, executor)
    }

    fn of(
        memory_bytes: usize,
        (wait_limit, live_limit): (usize, usize),
        cache_bytes: usize,
        threads: usize,
        executor: Arc<dyn Executor>,
    ) -> Self {
        let shared = Shared {
            memory_bytes,
            live_limit,
            threads,
            executor,
            cache: Cache::with_models(cache_bytes as u64, models_limit(memory_bytes)),
            contexts: Arc::new(Contexts::new(contexts_limit(memory_bytes))),
            budget: Arc::new(Budget::new(wait_limit, share(memory_bytes, JOBS))),
            members: Mutex::default(),
            starved: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// What is in use at this moment.
    pub fn memory(&self) -> MemoryUse {
        let InUse { buffers, queued, jobs, peak } = self.budget().in_use();
        let cache = usize::try_from(self.shared.cache.memory_bytes()).unwrap_or(usize::MAX);
        let (cache_hits, cache_misses) = self.shared.cache.counts();
        let models = self.shared.cache.models().memory_bytes();
        let contexts = self.contexts().memory_bytes();
        let ([slowed, waited, refused], stalled) = self.budget().stalls();
        MemoryUse {
            budget_bytes: self.shared.memory_bytes,
            used_bytes: buffers + queued + jobs + cache + models + contexts,
            buffer_bytes: buffers,
            queued_bytes: queued,
            job_bytes: jobs,
            cache_bytes: cache,
            model_bytes: models,
            context_bytes: contexts,
            peak_bytes: peak,
            slowed,
            waited,
            refused,
            stalled,
            cache_hits,
            cache_misses,
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.shared.memory_bytes
    }

    pub(crate) fn threads(&self) -> usize {
        self.shared.threads
    }

    pub(crate) fn executor(&self) -> &Arc<dyn Executor> {
        &self.shared.executor
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.shared.cache
    }

    pub(crate) fn contexts(&self) -> &Arc<Contexts> {
        &self.shared.contexts
    }

    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.shared.budget
    }

    /// A store shares these resources from now on.
    pub(crate) fn join(&self, engine: &Arc<Engine>) {
        let mut members = lock(&self.shared.members);
        members.retain(|member| member.strong_count() > 0);
        members.push(Arc::downgrade(engine));
    }

    /// What live buffers may take before the largest is sealed.
    pub(crate) fn live_limit(&self) -> usize {
        self.shared.live_limit
    }

    /// Seals live buffers so that an append of `bytes` has room once they are flushed. Answers
    /// with the error of a store that cannot flush for want of space.
    pub(crate) fn make_room(&self, bytes: usize) -> Option<Error> {
        let room = self.budget().wait_limit().saturating_sub(bytes);
        self.relieve(room.min(self.shared.live_limit / 2))
    }

    /// Seals the largest live buffers of all stores until those left take no more than `target`,
    /// and has them flushed. Answers as [`Resources::make_room`].
    pub(crate) fn relieve(&self, target: usize) -> Option<Error> {
        let mut excess = self.budget().live().saturating_sub(target);
        let members: Vec<_> = lock(&self.shared.members).iter().filter_map(Weak::upgrade).collect();
        let mut members: Vec<_> = members
            .into_iter()
            .map(|engine| (Reverse(engine.state().buffer_bytes().0), engine))
            .collect();
        members.sort_by_key(|(live, _)| *live);
        let mut blocked = None;
        for (Reverse(live), engine) in members {
            if excess > 0 && live > 0 {
                excess = excess.saturating_sub(engine.seal_largest(excess.min(live)));
            }
            // What was sealed before may still wait for a thread.
            engine.wake_jobs();
            let error = engine.jobs.last_error();
            blocked = blocked.or(error.filter(|error| matches!(error, Error::NoSpace { .. })));
        }
        blocked
    }

    /// A job of this store found no room.
    pub(crate) fn starve(&self, engine: &Arc<Engine>) {
        let mut starved = lock(&self.shared.starved);
        let own = Arc::downgrade(engine);
        if !starved.iter().any(|other| other.ptr_eq(&own)) {
            starved.push(own);
        }
    }

    /// A job has ended: those that found no room look again.
    pub(crate) fn feed(&self) {
        let starved = std::mem::take(&mut *lock(&self.shared.starved));
        starved.iter().filter_map(Weak::upgrade).for_each(|engine| engine.wake_jobs());
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources").field("memory", &self.memory()).finish_non_exhaustive()
    }
}
