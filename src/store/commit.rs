//! Group commit: appends that meet share one log write and one fsync.
//!
//! Appenders put their work in a queue. Whoever finds no leader becomes it, takes all that is
//! queued, commits it in one go and tells every owner; those who came meanwhile form the next
//! group. There is no commit thread: a waiting appender leads, or for [`Commit`]s that nobody
//! waits on, a job of the executor.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::base::error::{Error, Result};
use crate::ingest::otlp::Appended;

/// What commits a group: results come back in the order of the work given.
pub(crate) trait Committer<T>: Send + Sync {
    /// Commits all of `group`; its results are as many, in its order.
    fn commit(&self, group: Vec<T>) -> Vec<Result<Appended>>;
    /// Told once if a commit panicked: the store must not write again.
    fn panicked(&self, message: &str);
    /// The most bytes one group should hold.
    fn group_bytes(&self) -> usize;
}

/// The queue of a store.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    turn: Condvar,
}

struct State<T> {
    pending: VecDeque<(T, usize, Arc<Slot>)>,
    pending_bytes: usize,
    leading: bool,
}

/// Where the outcome of one append is put.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Outcome>);

#[derive(Debug, Default)]
struct Outcome {
    result: Option<Result<Appended>>,
    waker: Option<Waker>,
}

/// A panic elsewhere leaves these small states consistent: every update is one assignment.
fn lock<S>(mutex: &Mutex<S>) -> MutexGuard<'_, S> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    fn result(&self) -> Option<Result<Appended>> {
        lock(&self.0).result.clone()
    }

    fn fulfil(&self, result: Result<Appended>) {
        let waker = {
            let mut outcome = lock(&self.0);
            outcome.result = Some(result);
            outcome.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let state = State { pending: VecDeque::new(), pending_bytes: 0, leading: false };
        Self { state: Mutex::new(state), turn: Condvar::new() }
    }

    /// Queues `work`, whose weight is `bytes`.
    pub(crate) fn push(&self, work: T, bytes: usize) -> Arc<Slot> {
        let slot = Arc::new(Slot::default());
        let mut state = lock(&self.state);
        state.pending.push_back((work, bytes, Arc::clone(&slot)));
        state.pending_bytes += bytes;
        slot
    }

    /// The weight of what is queued.
    #[cfg(test)]
    pub(crate) fn pending_bytes(&self) -> usize {
        lock(&self.state).pending_bytes
    }

    /// Returns the outcome of `slot`, leading commits until it is there.
    pub(crate) fn wait(&self, slot: &Slot, committer: &dyn Committer<T>) -> Result<Appended> {
        let mut state = lock(&self.state);
        loop {
            if let Some(result) = slot.result() {
                return result;
            }
            state = if state.leading {
                self.turn.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.lead(state, committer)
            };
        }
    }

    /// Leads commits until nothing is queued or somebody else leads.
    pub(crate) fn drive(&self, committer: &dyn Committer<T>) {
        let mut state = lock(&self.state);
        while !state.leading && !state.pending.is_empty() {
            state = self.lead(state, committer);
        }
    }

    fn lead<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T>>,
        committer: &dyn Committer<T>,
    ) -> MutexGuard<'a, State<T>> {
        let (mut group, mut slots, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some((work, weight, slot)) = state.pending.pop_front() {
            bytes += weight;
            group.push(work);
            slots.push(slot);
            if bytes >= committer.group_bytes() {
                break;
            }
        }
        state.leading = true;
        state.pending_bytes -= bytes;
        drop(state);
        let mut results = catch_unwind(AssertUnwindSafe(|| committer.commit(group)))
            .unwrap_or_else(|payload| {
                committer.panicked(&panic_message(payload.as_ref()));
                Vec::new()
            })
            .into_iter();
        for slot in slots {
            let unknown = || Err(Error::Poisoned { cause: "a commit ended early".into() });
            slot.fulfil(results.next().unwrap_or_else(unknown));
        }
        let mut state = lock(&self.state);
        state.leading = false;
        self.turn.notify_all();
        state
    }
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}

/// An append that was queued: await it, on any runtime or none, or call [`Commit::wait`].
///
/// Dropping it does not withdraw the append.
#[must_use = "the append is acknowledged only by the commit's outcome"]
pub struct Commit {
    slot: Arc<Slot>,
    lead: Box<Lead>,
}

/// Waits for a slot's outcome, leading commits meanwhile.
type Lead = dyn FnOnce(&Slot) -> Result<Appended> + Send + Sync;

impl Commit {
    pub(crate) fn new(slot: Arc<Slot>, lead: Box<Lead>) -> Self {
        Self { slot, lead }
    }

    /// Blocks until the append is durable, as the store's durability defines it, and visible.
    pub fn wait(self) -> Result<Appended> {
        (self.lead)(&self.slot)
    }
}

impl std::fmt::Debug for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Commit").field(&self.slot).finish()
    }
}

impl Future for Commit {
    type Output = Result<Appended>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut outcome = lock(&self.slot.0);
        match outcome.result.clone() {
            Some(result) => Poll::Ready(result),
            None => {
                outcome.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting {
        groups: AtomicU64,
        poisoned: AtomicU64,
    }

    impl Committer<u64> for Counting {
        fn commit(&self, group: Vec<u64>) -> Vec<Result<Appended>> {
            self.groups.fetch_add(1, Ordering::Relaxed);
            assert!(!group.contains(&666), "the number of the beast");
            let done = |accepted| Ok(Appended { accepted, ..Appended::default() });
            group.into_iter().map(done).collect()
        }

        fn panicked(&self, message: &str) {
            assert!(message.contains("beast"));
            self.poisoned.fetch_add(1, Ordering::Relaxed);
        }

        fn group_bytes(&self) -> usize {
            1000
        }
    }

    #[test]
    fn every_waiter_gets_its_own_outcome() {
        let (queue, committer) = (Queue::new(), Counting::default());
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (queue, committer) = (&queue, &committer);
                scope.spawn(move || {
                    for i in 0..200 {
                        let work = thread * 1000 + i;
                        let slot = queue.push(work, 1);
                        assert_eq!(queue.wait(&slot, committer).unwrap().accepted, work);
                    }
                });
            }
        });
        assert!(committer.groups.load(Ordering::Relaxed) <= 1600);
        assert_eq!(queue.pending_bytes(), 0);
    }

    #[test]
    fn queued_work_shares_a_commit_up_to_the_group_size() {
        let (queue, committer) = (Queue::new(), Counting::default());
        let slots: Vec<_> = (0..10).map(|work| queue.push(work, 250)).collect();
        queue.drive(&committer);
        assert_eq!(committer.groups.load(Ordering::Relaxed), 3);
        for (slot, work) in slots.iter().zip(0..) {
            assert_eq!(slot.result().unwrap().unwrap().accepted, work);
        }
    }

    #[test]
    fn a_panic_while_committing_fails_the_group_and_poisons() {
        let (queue, committer) = (Queue::new(), Counting::default());
        let slot = queue.push(666, 1);
        assert!(matches!(queue.wait(&slot, &committer), Err(Error::Poisoned { .. })));
        assert_eq!(committer.poisoned.load(Ordering::Relaxed), 1);
        let slot = queue.push(1, 1);
        assert!(queue.wait(&slot, &committer).is_ok());
    }
}
