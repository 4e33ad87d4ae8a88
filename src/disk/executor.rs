//! Who runs background work: the trait, and the executor that has no threads.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// A piece of background work. It should catch and report its own panics: an executor only keeps
/// them from harming other jobs.
pub type Job = Box<dyn FnOnce() + Send>;

/// A part of a job, which may look at what the job has.
pub type Part<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Tells a delayed job from others of its executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub(super) u64);

/// Runs jobs. A job may run before `spawn` returns, so none is spawned while a lock is held that
/// the job takes.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Runs `job` soon.
    fn spawn(&self, job: Job);

    /// Runs `job` once `delay` has passed. It may be dropped unrun when the executor goes first.
    fn spawn_after(&self, delay: Duration, job: Job) -> Ticket;

    /// Drops a delayed job that is not due yet.
    fn cancel(&self, ticket: Ticket);

    /// Runs all of `parts` and returns when they are done: in their order on this thread, or beside it
    /// on threads that have nothing else to do. What they do must not depend on which. A part that
    /// panics makes this panic, perhaps before others have run.
    fn share(&self, parts: Vec<Part<'_>>) {
        parts.into_iter().for_each(|part| part());
    }

    /// Whether jobs run in the thread that spawns them, so that waiting for one to be run by
    /// someone else would wait forever.
    fn is_inline(&self) -> bool;
}

/// Runs every job in the thread that spawns it, for deterministic tests and for programs that
/// want no threads.
///
/// Jobs spawned by a job are queued and run after it, so no chain of jobs grows the stack. Threads
/// run their jobs side by side. Delayed jobs are kept until [`run_delayed`](Self::run_delayed).
#[derive(Default)]
pub struct InlineExecutor(Mutex<Inline>);

#[derive(Default)]
struct Inline {
    /// Jobs of threads that are running others.
    queue: VecDeque<(ThreadId, Job)>,
    running: Vec<ThreadId>,
    delayed: Vec<(Duration, Ticket, Job)>,
    tickets: u64,
}

impl InlineExecutor {
    /// An executor with nothing to do.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs the delayed jobs, shortest delay first, and says how many there were. Those that they
    /// delay in turn are kept for the next call.
    pub fn run_delayed(&self) -> usize {
        let mut due = std::mem::take(&mut self.state().delayed);
        due.sort_by_key(|(delay, ..)| *delay);
        let count = due.len();
        for (.., job) in due {
            self.spawn(job);
        }
        count
    }

    fn state(&self) -> MutexGuard<'_, Inline> {
        // No job runs under this lock, so a panic leaves nothing half done behind it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job of a thread, which is running no longer if there is none.
    fn next(&self, thread: ThreadId) -> Option<Job> {
        let mut state = self.state();
        let at = state.queue.iter().position(|(own, _)| *own == thread);
        let job = at.and_then(|at| state.queue.remove(at));
        if job.is_none() {
            state.running.retain(|running| *running != thread);
        }
        job.map(|(_, job)| job)
    }
}

impl Executor for InlineExecutor {
    fn spawn(&self, job: Job) {
        let thread = thread::current().id();
        {
            let mut state = self.state();
            state.queue.push_back((thread, job));
            if state.running.contains(&thread) {
                return;
            }
            state.running.push(thread);
        }
        let stop = StopOnPanic(self, thread);
        while let Some(job) = self.next(thread) {
            job();
        }
        std::mem::forget(stop);
    }

    fn spawn_after(&self, delay: Duration, job: Job) -> Ticket {
        let mut state = self.state();
        state.tickets += 1;
        let ticket = Ticket(state.tickets);
        state.delayed.push((delay, ticket, job));
        ticket
    }

    fn cancel(&self, ticket: Ticket) {
        let mut state = self.state();
        let at = state.delayed.iter().position(|(_, own, _)| *own == ticket);
        let cancelled = at.map(|at| state.delayed.remove(at));
        // Outside the lock: what a job owns may come back to this executor as it goes.
        drop(state);
        drop(cancelled);
    }

    fn is_inline(&self) -> bool {
        true
    }
}

/// Lets the next `spawn` of a thread go on with its jobs after one has panicked through this one.
struct StopOnPanic<'a>(&'a InlineExecutor, ThreadId);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        self.0.state().running.retain(|running| *running != self.1);
    }
}

impl fmt::Debug for InlineExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("InlineExecutor")
            .field("queued", &state.queue.len())
            .field("delayed", &state.delayed.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Arc, Barrier};

    use super::*;

    fn recorder() -> (Arc<Mutex<Vec<u32>>>, impl Fn(u32) -> Job) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let job = move |number| -> Job {
            let log = Arc::clone(&log);
            Box::new(move || log.lock().unwrap().push(number))
        };
        (seen, job)
    }

    #[test]
    fn jobs_of_jobs_run_after_them_without_recursion() {
        fn chain(executor: Arc<InlineExecutor>, left: u32, seen: Arc<Mutex<u32>>) {
            *seen.lock().unwrap() += 1;
            if left > 0 {
                let next = Arc::clone(&executor);
                executor.spawn(Box::new(move || chain(next, left - 1, seen)));
            }
        }
        let executor = Arc::new(InlineExecutor::new());
        let seen = Arc::new(Mutex::new(0));
        let (next, count) = (Arc::clone(&executor), Arc::clone(&seen));
        executor.spawn(Box::new(move || chain(next, 100_000, count)));
        assert_eq!(*seen.lock().unwrap(), 100_001);
    }

    #[test]
    fn threads_run_their_jobs_side_by_side() {
        let executor = Arc::new(InlineExecutor::new());
        let both = Arc::new(Barrier::new(2));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let both = Arc::clone(&both);
                    executor.spawn(Box::new(move || {
                        both.wait();
                    }));
                });
            }
        });
    }

    #[test]
    fn delayed_jobs_wait_to_be_called_and_come_in_order() {
        let executor = InlineExecutor::new();
        let (seen, job) = recorder();
        executor.spawn_after(Duration::from_secs(2), job(2));
        executor.spawn_after(Duration::from_secs(1), job(1));
        executor.spawn(job(0));
        assert_eq!(*seen.lock().unwrap(), [0]);
        assert_eq!(executor.run_delayed(), 2);
        assert_eq!(*seen.lock().unwrap(), [0, 1, 2]);
        assert_eq!(executor.run_delayed(), 0);
        let ticket = executor.spawn_after(Duration::from_secs(1), job(4));
        executor.spawn_after(Duration::from_secs(1), job(3));
        executor.cancel(ticket);
        assert_eq!(executor.run_delayed(), 1);
        executor.cancel(ticket);
        assert_eq!(*seen.lock().unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_panicking_job_does_not_stop_later_ones() {
        let executor = InlineExecutor::new();
        let (seen, job) = recorder();
        let failed = catch_unwind(AssertUnwindSafe(|| {
            executor.spawn(Box::new(|| unreachable!("a job failed")));
        }));
        assert!(failed.is_err());
        executor.spawn(job(1));
        assert_eq!(*seen.lock().unwrap(), [1]);
    }
}
