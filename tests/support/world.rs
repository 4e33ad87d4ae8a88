//! A computer in memory: its disk may crash, its clock is set by hand, and it has one thread.

use std::sync::Arc;
use std::time::Duration;

use tracekeep::simulation::{Environment, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{Options, Result, Store, Timestamp};

/// Where its store lies.
pub const ROOT: &str = "/store";

pub struct World {
    pub disk: MemDisk,
    pub clock: Arc<ManualClock>,
    pub executor: Arc<InlineExecutor>,
}

impl World {
    pub fn new(disk: MemDisk, now: Timestamp) -> Self {
        let (clock, executor) = (ManualClock::new(now), InlineExecutor::new());
        Self { disk, clock: Arc::new(clock), executor: Arc::new(executor) }
    }

    pub fn environment(&self) -> Environment {
        Environment {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::clone(&self.clock) as _,
            executor: Arc::clone(&self.executor) as _,
        }
    }

    /// Opens its store, which uses the disk to its end.
    pub fn open(&self, options: Options) -> Result<Store> {
        let options = options.threads(0).min_free_bytes(0);
        Store::open_in(ROOT, options, self.environment())
    }

    /// Lets time pass, and what was waiting for it happen; how much that was.
    pub fn pass(&self, time: Duration) -> usize {
        self.clock.advance(time);
        self.executor.run_delayed()
    }
}
