//! Group commit: appends that meet share one log write and one fsync.
//!
//! Appenders put their work in a queue. Whoever finds no leader becomes it, takes all that is
//! queued and logs it in one go; those who came meanwhile form the next group. Once a group is
//! logged, the next one's leader is called, and the group is shown to readers and its owners are
//! told while the next is being logged. Groups are shown in the order in which they were logged.
//! There is no commit thread: a waiting appender leads, or for [`Commit`](super::slot::Commit)s
//! that nobody waits on, a job of the executor. No lock is held while a group is logged.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::base::error::{Error, Result};
use crate::ingest::otlp::Appended;
use crate::store::engine::lock;
use crate::store::slot::{Found, Slot};

/// What commits a group.
pub(crate) trait Committer<T>: Send + Sync {
    /// A group that is in the log, or was refused, and has not been shown.
    type Logged;
    /// Logs all of `group`. Called for one group at a time.
    fn log(&self, group: Vec<T>) -> Self::Logged;
    /// Shows a group; its results are as many as the work in it, in its order. Called for one
    /// group at a time, in the order of logging.
    fn show(&self, logged: Self::Logged) -> Vec<Result<Appended>>;
    /// Called after each group was shown and its owners were told; other groups do not wait.
    fn after(&self);
    /// Told if a commit panicked: the store must not write again.
    fn panicked(&self, message: &str);
    /// The most bytes one group should hold.
    fn group_bytes(&self) -> usize;
}

/// The queue of a store.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    /// How many groups have been shown.
    shown: Mutex<u64>,
    next_shown: Condvar,
}

struct State<T> {
    pending: VecDeque<Pending<T>>,
    leading: bool,
    /// How many groups have been taken.
    groups: u64,
}

struct Pending<T> {
    work: T,
    bytes: usize,
    slot: Arc<Slot>,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let state = State { pending: VecDeque::new(), leading: false, groups: 0 };
        Self { state: Mutex::new(state), shown: Mutex::new(0), next_shown: Condvar::new() }
    }

    /// Queues `work`, whose weight is `bytes`.
    pub(crate) fn push(&self, work: T, bytes: usize) -> Arc<Slot> {
        let slot = Arc::new(Slot::default());
        let pending = Pending { work, bytes, slot: Arc::clone(&slot) };
        lock(&self.state).pending.push_back(pending);
        slot
    }

    /// Returns the outcome of `slot`, leading commits until it is there.
    pub(crate) fn wait(&self, slot: &Slot, committer: &impl Committer<T>) -> Result<Appended> {
        loop {
            let state = lock(&self.state);
            match slot.look() {
                Found::Result(result) => return result,
                Found::Queued if !state.leading => self.lead(state, committer),
                Found::Queued | Found::Taken => {
                    // Under the queue's lock, so that the leader sees it when it is done.
                    slot.announce();
                    drop(state);
                    slot.block();
                }
            }
        }
    }

    /// Sees to it that the work of `slot` gets done.
    pub(crate) fn drive(&self, slot: &Slot, committer: &impl Committer<T>) {
        if matches!(slot.look(), Found::Queued) {
            // Whoever asks for the outcome finds it in the slot.
            self.wait(slot, committer).ok();
        }
    }

    /// Leads commits until nothing is queued or somebody else leads.
    pub(crate) fn help(&self, committer: &impl Committer<T>) {
        loop {
            let state = lock(&self.state);
            if state.leading || state.pending.is_empty() {
                return;
            }
            self.lead(state, committer);
        }
    }

    fn lead(&self, mut state: MutexGuard<'_, State<T>>, committer: &impl Committer<T>) {
        let (group, slots) = state.take(committer.group_bytes());
        let number = state.groups;
        state.groups += 1;
        state.leading = true;
        drop(state);
        let logged = guarded(committer, || committer.log(group));
        self.hand_over();
        let mut shown = lock(&self.shown);
        while *shown < number {
            shown = self.next_shown.wait(shown).unwrap_or_else(PoisonError::into_inner);
        }
        drop(shown);
        let results = logged.and_then(|logged| guarded(committer, || committer.show(logged)));
        *lock(&self.shown) += 1;
        self.next_shown.notify_all();
        let mut results = results.into_iter().flatten();
        for slot in slots {
            let unknown = || Err(Error::Poisoned { cause: "a commit ended early".into() });
            slot.fulfil(results.next().unwrap_or_else(unknown));
        }
        guarded(committer, || committer.after());
    }

    /// Lets another lead: one whose work waits. Where nobody waits for any work that is queued,
    /// the job that was spawned to see to it is still to come.
    fn hand_over(&self) {
        let mut state = lock(&self.state);
        state.leading = false;
        state.pending.iter().any(|pending| pending.slot.invite());
    }
}

impl<T> State<T> {
    /// The work that waits longest, up to this weight.
    fn take(&mut self, bytes_max: usize) -> (Vec<T>, Vec<Arc<Slot>>) {
        let (mut group, mut slots, mut sum) = (Vec::new(), Vec::new(), 0);
        while let Some(Pending { work, bytes, slot }) = self.pending.pop_front() {
            slot.take();
            group.push(work);
            slots.push(slot);
            sum += bytes;
            if sum >= bytes_max {
                break;
            }
        }
        (group, slots)
    }
}

/// The value of `step`, unless it panics, of which the committer is told.
fn guarded<T, R>(committer: &impl Committer<T>, step: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(step))
        .map_err(|payload| committer.panicked(&panic_message(payload.as_ref())))
        .ok()
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting {
        groups: AtomicU64,
        poisoned: AtomicU64,
        /// Groups that are being logged, and that are being shown.
        logging: AtomicU64,
        showing: AtomicU64,
        /// The numbers of groups as they were shown.
        shown: Mutex<Vec<u64>>,
        /// Whoever logs `SLOW` waits here, at its beginning and at its end.
        slow: Option<Arc<Barrier>>,
    }

    const SLOW: u64 = 1 << 40;

    impl Committer<u64> for Counting {
        type Logged = (u64, Vec<u64>);

        fn log(&self, group: Vec<u64>) -> Self::Logged {
            assert_eq!(self.logging.fetch_add(1, Ordering::SeqCst), 0);
            let number = self.groups.fetch_add(1, Ordering::SeqCst);
            if let Some(slow) = self.slow.as_ref().filter(|_| group.contains(&SLOW)) {
                slow.wait();
                slow.wait();
            }
            self.logging.fetch_sub(1, Ordering::SeqCst);
            assert!(!group.contains(&666), "the number of the beast");
            (number, group)
        }

        fn show(&self, (number, group): Self::Logged) -> Vec<Result<Appended>> {
            assert_eq!(self.showing.fetch_add(1, Ordering::SeqCst), 0);
            lock(&self.shown).push(number);
            self.showing.fetch_sub(1, Ordering::SeqCst);
            assert!(!group.contains(&667), "the neighbour of the beast");
            let done = |accepted| Ok(Appended { accepted, ..Appended::default() });
            group.into_iter().map(done).collect()
        }

        fn after(&self) {}

        fn panicked(&self, message: &str) {
            assert!(message.contains("beast"), "{message}");
            self.poisoned.fetch_add(1, Ordering::SeqCst);
        }

        fn group_bytes(&self) -> usize {
            1000
        }
    }

    fn accepted(slot: &Slot) -> Option<u64> {
        match slot.look() {
            Found::Result(result) => Some(result.unwrap().accepted),
            Found::Taken | Found::Queued => None,
        }
    }

    #[test]
    fn p2_every_waiter_gets_its_own_outcome_and_groups_are_shown_in_order() {
        let (queue, committer) = (Queue::new(), Counting::default());
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (queue, committer) = (&queue, &committer);
                scope.spawn(move || {
                    for i in 0..200 {
                        let work = thread * 1000 + i;
                        let slot = queue.push(work, 1);
                        if i % 3 == 0 {
                            queue.drive(&slot, committer);
                        }
                        assert_eq!(queue.wait(&slot, committer).unwrap().accepted, work);
                    }
                });
            }
        });
        let shown = lock(&committer.shown).clone();
        let groups = committer.groups.load(Ordering::SeqCst);
        assert!(groups <= 1600 && shown == (0..groups).collect::<Vec<_>>(), "{shown:?}");
        assert!(lock(&queue.state).pending.is_empty());
    }

    #[test]
    fn queued_work_shares_a_commit_up_to_the_group_size() {
        let (queue, committer) = (Queue::new(), Counting::default());
        let slots: Vec<_> = (0..10).map(|work| queue.push(work, 250)).collect();
        queue.help(&committer);
        assert_eq!(committer.groups.load(Ordering::SeqCst), 3);
        for (slot, work) in slots.iter().zip(0..) {
            assert_eq!(accepted(slot), Some(work));
        }
    }

    #[test]
    fn work_that_comes_while_a_group_is_logged_is_done_though_nobody_waits_for_it() {
        let slow = Arc::new(Barrier::new(2));
        let committer = Counting { slow: Some(Arc::clone(&slow)), ..Counting::default() };
        let queue = Queue::new();
        std::thread::scope(|scope| {
            let first = queue.push(SLOW, 1);
            let (queue, committer) = (&queue, &committer);
            scope.spawn(move || queue.wait(&first, committer).unwrap());
            slow.wait();
            let slot = queue.push(7, 1);
            let driver = {
                let slot = Arc::clone(&slot);
                scope.spawn(move || queue.drive(&slot, committer))
            };
            assert_eq!(accepted(&slot), None);
            slow.wait();
            driver.join().unwrap();
            assert_eq!(accepted(&slot), Some(7));
        });
    }

    #[test]
    fn a_panic_while_committing_fails_the_group_and_poisons() {
        let (queue, committer) = (Queue::new(), Counting::default());
        for (beast, poisoned) in [(666, 1), (667, 2)] {
            let slot = queue.push(beast, 1);
            assert!(matches!(queue.wait(&slot, &committer), Err(Error::Poisoned { .. })));
            assert_eq!(committer.poisoned.load(Ordering::SeqCst), poisoned);
            committer.logging.store(0, Ordering::SeqCst);
        }
        let slot = queue.push(1, 1);
        assert!(queue.wait(&slot, &committer).is_ok());
    }
}
