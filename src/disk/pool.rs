//! The executor with threads.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::disk::executor::{Executor, Job, Part, Ticket};

/// How long a thread without work waits for some before it ends: longer than the pauses of a
/// steady stream of flushes, short enough that an idle store soon owns no thread.
const LINGER: Duration = Duration::from_secs(2);

/// A delay so long that it never ends, for those whose end no clock can tell.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Runs jobs on threads that are started on demand and end when idle.
///
/// While a delayed job waits, one thread waits for it. A job that panics harms no other. When the
/// pool is dropped, jobs already due are finished by its threads; those still delayed are dropped.
pub struct ThreadPool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    threads_max: usize,
    linger: Duration,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Job>,
    /// Earliest on top.
    delayed: BinaryHeap<Reverse<Delayed>>,
    /// Orders jobs that are due at the same instant.
    sequence: u64,
    threads: usize,
    /// Threads that wait or have just been started, and so will look at the queues.
    idle: usize,
    /// Threads that help others with parts of their jobs.
    helping: usize,
    closing: bool,
}

struct Delayed {
    due: Instant,
    sequence: u64,
    job: Job,
}

impl ThreadPool {
    /// A pool of at most `threads_max` threads, at least one; none is started yet.
    pub fn new(threads_max: usize) -> Self {
        Self::lingering(threads_max, LINGER)
    }

    fn lingering(threads_max: usize, linger: Duration) -> Self {
        let threads_max = threads_max.max(1);
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { state, changed, threads_max, linger }) }
    }

    /// How many threads there are at this moment.
    #[cfg(test)]
    pub fn threads(&self) -> usize {
        self.shared.state().threads
    }
}

impl Executor for ThreadPool {
    fn spawn(&self, job: Job) {
        let mut state = self.shared.state();
        state.ready.push_back(job);
        self.shared.staff(&mut state);
        if state.threads > 0 {
            return;
        }
        // The system gives us no thread at all: better here than never.
        let job = state.ready.pop_front();
        drop(state);
        if let Some(job) = job {
            run(job);
        }
    }

    fn spawn_after(&self, delay: Duration, job: Job) -> Ticket {
        let now = Instant::now();
        let due = now.checked_add(delay).or_else(|| now.checked_add(NEVER)).unwrap_or(now);
        let mut state = self.shared.state();
        state.sequence += 1;
        let sequence = state.sequence;
        state.delayed.push(Reverse(Delayed { due, sequence, job }));
        self.shared.staff(&mut state);
        Ticket(sequence)
    }

    fn cancel(&self, ticket: Ticket) {
        let mut state = self.shared.state();
        let delayed = std::mem::take(&mut state.delayed).into_vec();
        let (cancelled, kept): (Vec<_>, Vec<_>) =
            delayed.into_iter().partition(|Reverse(own)| own.sequence == ticket.0);
        state.delayed = kept.into();
        self.shared.changed.notify_all();
        // Outside the lock: what a job owns may come back to this pool as it goes.
        drop(state);
        drop(cancelled);
    }

    fn share(&self, parts: Vec<Part<'_>>) {
        let helpers = self.shared.lend(parts.len().saturating_sub(1));
        let parts = Mutex::new(parts.into_iter());
        let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
        let panicked = Mutex::new(None);
        let work = || {
            while let Some(part) = next() {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(part)) {
                    *panicked.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                }
            }
        };
        // Threads that wait for jobs can run none that borrows. One for a while costs some
        // microseconds.
        let _returned = Returned(&self.shared, helpers);
        thread::scope(|scope| {
            for _ in 0..helpers {
                // Without a thread, the parts are done by those that there are.
                thread::Builder::new().name("tracekeep".to_owned()).spawn_scoped(scope, work).ok();
            }
            work();
        });
        if let Some(panic) = panicked.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(panic);
        }
    }

    fn is_inline(&self) -> bool {
        false
    }
}

/// Gives threads back that were lent.
struct Returned<'a>(&'a Shared, usize);

impl Drop for Returned<'_> {
    fn drop(&mut self) {
        self.0.state().helping -= self.1;
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        let delayed = {
            let mut state = self.shared.state();
            state.closing = true;
            std::mem::take(&mut state.delayed)
        };
        self.shared.changed.notify_all();
        // Outside the lock: what a job owns may come back to this pool as it goes.
        drop(delayed);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No job runs or is dropped under this lock, so no panic leaves it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends up to `wanted` threads, as far as no job needs them.
    fn lend(&self, wanted: usize) -> usize {
        let mut state = self.state();
        let busy = state.threads - state.idle + state.ready.len() + state.helping;
        let lent = wanted.min(self.threads_max.saturating_sub(busy));
        state.helping += lent;
        lent
    }

    /// Sees that there is a thread for each job that is due, and one for those that are not.
    fn staff(self: &Arc<Self>, state: &mut State) {
        let wanted = state.ready.len() + usize::from(!state.delayed.is_empty());
        while state.idle < wanted && state.threads < self.threads_max {
            let shared = Arc::clone(self);
            let builder = thread::Builder::new().name("tracekeep".to_owned());
            if builder.spawn(move || shared.work()).is_err() {
                break;
            }
            state.threads += 1;
            state.idle += 1;
        }
        self.changed.notify_all();
    }

    /// A thread's life.
    fn work(self: Arc<Self>) {
        let mut state = self.state();
        state.idle -= 1;
        let mut idle_since = Instant::now();
        loop {
            let now = Instant::now();
            state.make_ready(now);
            if let Some(job) = state.ready.pop_front() {
                // This thread may have been the one that waited for the delayed jobs.
                self.staff(&mut state);
                drop(state);
                run(job);
                state = self.state();
                idle_since = Instant::now();
                continue;
            }
            let leave = self.linger.saturating_sub(now.saturating_duration_since(idle_since));
            let wait = match state.delayed.peek().map(|Reverse(next)| next.due - now) {
                // The last one waits for the delayed jobs, however long.
                Some(due) if state.idle == 0 => due,
                Some(due) => due.min(leave),
                None => leave,
            };
            if state.closing || wait.is_zero() {
                break;
            }
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        state.threads -= 1;
    }
}

impl State {
    fn make_ready(&mut self, now: Instant) {
        while self.delayed.peek().is_some_and(|Reverse(next)| next.due <= now) {
            if let Some(Reverse(next)) = self.delayed.pop() {
                self.ready.push_back(next.job);
            }
        }
    }
}

/// A job reports its own panics; here they only must not take the thread along.
fn run(job: Job) {
    let _ = catch_unwind(AssertUnwindSafe(job));
}

impl Delayed {
    fn rank(&self) -> (Instant, u64) {
        (self.due, self.sequence)
    }
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Delayed {}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        f.debug_struct("ThreadPool")
            .field("threads", &state.threads)
            .field("threads_max", &self.shared.threads_max)
            .field("ready", &state.ready.len())
            .field("delayed", &state.delayed.len())
            .finish()
    }
}
