//! The running store behind a [`Store`](crate::Store): its parts, and how a change of state is
//! published.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use crate::base::error::{Error, Result};
use crate::base::observer::{Job, StoreEvent};
use crate::catalog::Catalog;
use crate::disk::clock::Clock;
use crate::disk::executor::Executor;
use crate::disk::{Disk, FileLock};
use crate::ingest::contexts::Contexts;
use crate::ingest::log::Log;
use crate::store::agenda::Agenda;
use crate::store::append::Work;
use crate::store::commit::{Queue, panic_message};
use crate::store::jobs::Jobs;
use crate::store::lazy::Opener;
use crate::store::options::Options;
use crate::store::reserve;
use crate::store::resources::Resources;
use crate::store::state::State;
use crate::store::store::Store;
use crate::store::timers::Timers;
use crate::store::watch::Watch;

/// What a store needs of the world: injected, so that a whole store runs deterministically.
#[derive(Clone)]
pub struct Environment {
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where background work runs.
    pub executor: Arc<dyn Executor>,
}

/// The parts of an open store. Locks are taken in the order of the fields that hold them, and
/// none is held while waiting for another store or for the caller.
pub(crate) struct Engine {
    pub(crate) environment: Environment,
    pub(crate) root: PathBuf,
    pub(crate) options: Options,
    pub(crate) resources: Resources,
    pub(crate) contexts: Arc<Contexts>,
    pub(crate) opener: Arc<Opener>,
    /// Appends waiting for their group commit.
    pub(crate) queue: Queue<Work>,
    pub(crate) jobs: Jobs,
    pub(crate) timers: Timers,
    pub(crate) watch: Watch,
    /// Written by whoever leads a commit, while flushes sync and trim it.
    pub(crate) log: Log,
    pub(crate) catalog: Mutex<Catalog>,
    /// Held while a new state is made from the current one; readers never take it.
    publishing: Mutex<()>,
    /// What is to be done next; follows the state.
    pub(crate) agenda: Mutex<Agenda>,
    state: RwLock<Arc<State>>,
    pub(crate) next_segment_id: AtomicU64,
    /// Where spans outside the window are, once one has come.
    pub(crate) quarantine: Mutex<Option<Store>>,
    /// Spans that start before this, in nanoseconds, lie in what the options' rule has dropped.
    pub(crate) horizon: AtomicU64,
    poison: OnceLock<String>,
    closed: AtomicBool,
    /// Released when the last handle and the last job are gone.
    lock: Mutex<Option<Box<dyn FileLock>>>,
}

/// A panic while a lock is held poisons the store (`Engine::poison`), not the lock: what the lock
/// guards is replaced as a whole and stays readable.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What [`Engine::new`] puts together.
pub(crate) struct Parts {
    pub(crate) environment: Environment,
    pub(crate) root: PathBuf,
    pub(crate) options: Options,
    pub(crate) resources: Resources,
    pub(crate) opener: Arc<Opener>,
    pub(crate) watch: Watch,
    pub(crate) log: Log,
    pub(crate) catalog: Catalog,
    pub(crate) state: State,
    pub(crate) lock: Box<dyn FileLock>,
}

impl Engine {
    pub(crate) fn new(parts: Parts) -> Self {
        let next_segment_id = AtomicU64::new(parts.state.version.next_segment_id);
        let mut agenda = Agenda::new(parts.options.merge_policy());
        for (key, partition) in parts.state.partitions().iter() {
            agenda.note(*key, None, Some(partition));
        }
        parts.resources.budget().change((0, 0), parts.state.buffer_bytes());
        Self {
            environment: parts.environment,
            root: parts.root,
            options: parts.options,
            contexts: Arc::clone(parts.resources.contexts()),
            resources: parts.resources,
            opener: parts.opener,
            queue: Queue::new(),
            jobs: Jobs::default(),
            timers: Timers::default(),
            watch: parts.watch,
            log: parts.log,
            catalog: Mutex::new(parts.catalog),
            publishing: Mutex::new(()),
            agenda: Mutex::new(agenda),
            state: RwLock::new(Arc::new(parts.state)),
            next_segment_id,
            quarantine: Mutex::new(None),
            horizon: AtomicU64::new(0),
            poison: OnceLock::new(),
            closed: AtomicBool::new(false),
            lock: Mutex::new(Some(parts.lock)),
        }
    }

    /// The current state. The lock inside is held for a pointer's clone only.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the state by what `change` makes of it, for all readers at once. Cost: that of what
    /// changes, and a few nanoseconds for some dozens of partitions.
    pub(crate) fn publish<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let _turn = lock(&self.publishing);
        let before = self.state();
        let mut state = before.successor();
        let result = change(&mut state);
        let state = Arc::new(state);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&state);
        self.resources.budget().change(before.buffer_bytes(), state.buffer_bytes());
        let mut agenda = lock(&self.agenda);
        for key in state.touched() {
            let find = |state: &State| state.partitions().get(key).cloned();
            agenda.note(*key, find(&before).as_deref(), find(&state).as_deref());
        }
        result
    }

    /// Refuses all later writes, because of `error`.
    pub(crate) fn poison(&self, cause: impl Into<String>) {
        self.poison.set(cause.into()).ok();
    }

    /// What `work` comes to; a panic in it poisons the store, and is told as that of `what`.
    pub(crate) fn poisoned_by_panics<R>(
        &self,
        what: &str,
        work: impl FnOnce() -> Result<R>,
    ) -> Result<R> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
            let cause = format!("{what} panicked: {}", panic_message(payload.as_ref()));
            self.poison(cause.clone());
            Err(Error::Poisoned { cause })
        })
    }

    /// `error` as the caller sees it, after it made a write's outcome unknown.
    pub(crate) fn poisoned_by(&self, error: &Error) -> Error {
        self.poison(error.to_string());
        Error::Poisoned { cause: error.to_string() }
    }

    /// As [`Engine::poisoned_by`], of a write to the log.
    pub(crate) fn commit_failed(&self, error: &Error) -> Error {
        let poisoned = self.poisoned_by(error);
        self.watch.tell(&StoreEvent::Failed { job: Job::Commit, error });
        poisoned
    }

    /// Keeps the counters.
    pub(crate) fn save_counters(&self) {
        let memory = self.resources.memory();
        self.watch.save(&memory, self.environment.disk.as_ref(), &self.root);
    }

    /// Sees to it that there is something to give up when the disk is full.
    pub(crate) fn keep_reserve(&self) {
        let disk = self.environment.disk.as_ref();
        reserve::keep(disk, &self.root, self.options.min_free_bytes);
    }

    /// Whether the store may be written to.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        match self.poison.get() {
            Some(cause) => Err(Error::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.is_closed() { Err(Error::Closed) } else { Ok(()) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// From now on every call fails with `Closed`; jobs end early.
    pub(crate) fn set_closed(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Lets another process or handle open the store.
    pub(crate) fn release_lock(&self) {
        lock(&self.lock).take();
    }

    pub(crate) fn segment_id(&self) -> u64 {
        self.next_segment_id.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What snapshots keep is theirs from now on.
        self.resources.budget().change(self.state().buffer_bytes(), (0, 0));
    }
}
