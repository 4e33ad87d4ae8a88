//! [`Slot`]: where the outcome of one append is put, and [`Commit`], which waits for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::base::error::Result;
use crate::ingest::otlp::Appended;
use crate::store::engine::lock;

/// Where the outcome of one append is put.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    outcome: Mutex<Outcome>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Outcome {
    result: Option<Result<Appended>>,
    waker: Option<Waker>,
    /// Some leader has the append in its group.
    is_taken: bool,
    /// Threads that wait for the outcome.
    waiting: usize,
    /// One of them should see whether it can lead.
    is_invited: bool,
}

/// What a thread that wants an outcome finds.
pub(crate) enum Found {
    /// It is there.
    Result(Result<Appended>),
    /// A leader is at it.
    Taken,
    /// Nobody is at it yet.
    Queued,
}

impl Slot {
    /// How far the append has come.
    pub(crate) fn look(&self) -> Found {
        let outcome = lock(&self.outcome);
        match (&outcome.result, outcome.is_taken) {
            (Some(result), _) => Found::Result(result.clone()),
            (None, true) => Found::Taken,
            (None, false) => Found::Queued,
        }
    }

    /// A leader has it in its group.
    pub(crate) fn take(&self) {
        lock(&self.outcome).is_taken = true;
    }

    /// Says that a thread will [`block`](Self::block).
    pub(crate) fn announce(&self) {
        lock(&self.outcome).waiting += 1;
    }

    /// Waits, after having said so, until there is a result or an invitation to lead.
    pub(crate) fn block(&self) {
        let mut outcome = lock(&self.outcome);
        while outcome.result.is_none() && !outcome.is_invited {
            outcome = self.changed.wait(outcome).unwrap_or_else(PoisonError::into_inner);
        }
        outcome.is_invited = false;
        outcome.waiting -= 1;
    }

    /// Has a waiting thread look whether it can lead, if there is one.
    pub(crate) fn invite(&self) -> bool {
        let mut outcome = lock(&self.outcome);
        if outcome.waiting == 0 {
            return false;
        }
        outcome.is_invited = true;
        self.changed.notify_all();
        true
    }

    pub(crate) fn fulfil(&self, result: Result<Appended>) {
        let waker = {
            let mut outcome = lock(&self.outcome);
            outcome.result = Some(result);
            self.changed.notify_all();
            outcome.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
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
        let mut outcome = lock(&self.slot.outcome);
        match outcome.result.clone() {
            Some(result) => Poll::Ready(result),
            None => {
                outcome.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
