//! What happens by itself after a while: syncing the log, sealing old buffers and quiet partitions,
//! dropping what has expired, unlinking what others had in use.
//!
//! A timer fires once, and is armed by what waits for it: nothing ticks in a store that takes no
//! spans and has sealed what it holds, but what its options' rule asks for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::base::observer::SealReason;
use crate::disk::executor::Ticket;
use crate::store::engine::{Engine, lock};
use crate::store::options::Durability;

/// How soon to look again whether readers in other processes have let go of files: they do not
/// tell. A look locks a file for each version that is pinned.
const SWEEP_AGAIN: Duration = Duration::from_secs(5);

/// How long to wait at least before looking at a partition that is to be sealed: one whose time has
/// come may be held up by a job.
const QUIET_AT_LEAST: Duration = Duration::from_secs(10);

/// Which timers are armed.
#[derive(Default)]
pub(crate) struct Timers {
    sync: Mutex<Option<Ticket>>,
    seal: Mutex<Option<Ticket>>,
    retain: Mutex<Option<Ticket>>,
    sweep: Mutex<Option<Ticket>>,
    quiet: Mutex<Option<Ticket>>,
}

impl Engine {
    /// Arms what the options ask for and is not armed yet.
    pub(crate) fn arm_timers(self: &Arc<Self>) {
        if let Durability::Interval(every) = self.options.durability {
            self.arm(every, |timers| &timers.sync, Self::sync_log);
        }
        self.arm(self.options.seal_age, |timers| &timers.seal, Self::seal_old);
    }

    /// Arms the timer of retention.
    pub(crate) fn arm_retention(self: &Arc<Self>, delay: Duration) {
        self.arm(delay, |timers| &timers.retain, Self::keep_rule);
    }

    /// Arms the timer that unlinks files which readers in other processes had pinned.
    pub(crate) fn arm_sweep(self: &Arc<Self>) {
        self.arm(SWEEP_AGAIN, |timers| &timers.sweep, Self::unlink_obsolete);
    }

    /// Arms the timer that seals the partition that is to be sealed first, if any is.
    pub(crate) fn arm_quiet(self: &Arc<Self>) {
        let first = lock(&self.agenda).quiet().next();
        let Some((due, _)) = first else { return };
        let wait = due.since(self.environment.clock.now());
        self.arm(
            wait.max(QUIET_AT_LEAST),
            |timers| &timers.quiet,
            |engine| {
                engine.wake_jobs();
                engine.arm_quiet();
            },
        );
    }

    fn arm(
        self: &Arc<Self>,
        delay: Duration,
        armed: fn(&Timers) -> &Mutex<Option<Ticket>>,
        fire: fn(&Arc<Self>),
    ) {
        let mut ticket = lock(armed(&self.timers));
        if ticket.is_some() {
            return;
        }
        // A timer must not keep a dropped store alive.
        let engine = Arc::downgrade(self);
        let job = move || {
            if let Some(engine) = engine.upgrade().filter(|engine| !engine.is_closed()) {
                lock(armed(&engine.timers)).take();
                fire(&engine);
            }
        };
        *ticket = Some(self.environment.executor.spawn_after(delay, Box::new(job)));
    }

    /// Gives up the timer that seals, once nothing is left to be sealed: a timer keeps a thread
    /// waiting for it.
    pub(crate) fn disarm_if_idle(&self) {
        if lock(&self.agenda).open() == 0
            && let Some(ticket) = lock(&self.timers.seal).take()
        {
            self.environment.executor.cancel(ticket);
        }
    }

    /// Gives up all timers.
    pub(crate) fn disarm(&self) {
        let Timers { sync, seal, retain, sweep, quiet } = &self.timers;
        for timer in [sync, seal, retain, sweep, quiet] {
            if let Some(ticket) = lock(timer).take() {
                self.environment.executor.cancel(ticket);
            }
        }
    }

    /// Makes durable what the log holds; a failure poisons the store.
    pub(crate) fn sync_log(self: &Arc<Self>) {
        if let Err(error) = self.log.sync() {
            self.commit_failed(&error);
        }
    }

    /// Seals buffers that have been open for `seal_age`, and looks again later while any is open.
    fn seal_old(self: &Arc<Self>) {
        let oldest = self.environment.clock.now().saturating_sub(self.options.seal_age);
        let state = self.state();
        let open = state.partitions().iter().filter(|(_, partition)| !partition.live.is_empty());
        let (old, young): (Vec<_>, Vec<_>) = open
            .map(|(key, partition)| (*key, partition.live.since))
            .partition(|(_, since)| *since <= oldest);
        if !old.is_empty() {
            self.seal(old.into_iter().map(|(key, _)| (key, SealReason::Old)).collect());
            self.wake_jobs();
        }
        if !young.is_empty() {
            self.arm_timers();
        }
    }
}
