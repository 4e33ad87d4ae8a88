//! CPU time, user and system together.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// What this process and its threads have used so far.
pub fn used() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

fn duration(time: Timespec) -> Duration {
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Runs `work` and measures what this thread uses for it.
pub fn of_this_thread<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let now = || duration(clock_gettime(ClockId::ThreadCPUTime));
    let before = now();
    let result = work();
    (result, now() - before)
}

/// Runs `work` and measures what it uses, whatever thread it runs on.
pub fn of<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = used();
    let result = work();
    (result, used() - before)
}

/// What the children that were waited for have used so far, to 10 ms, where the system tells.
pub fn used_by_children() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the program's name, may hold anything but ends at the last bracket.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // Linux reports in hundredths of a second on every architecture.
    Some(Duration::from_millis((user + system) * 10))
}
