//! What a command costs: time, processor time, memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How often memory is looked at: often enough to meet the peaks of merges, at a thousandth of
/// one processor.
const SAMPLE: Duration = Duration::from_millis(20);

/// Measures from its making on.
pub struct Meter {
    started: Instant,
    cpu: Duration,
    peak: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    sampler: Option<JoinHandle<()>>,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Time passed.
    pub elapsed: Duration,
    /// Processor time of all threads, user and system.
    pub cpu: Duration,
    /// The most memory that was taken at once, anonymous and shared; mapped files are not counted.
    pub peak_memory_bytes: u64,
}

impl Meter {
    /// Begins.
    pub fn start() -> Self {
        let peak = Arc::new(AtomicU64::new(memory_bytes()));
        let done = Arc::new(AtomicBool::new(false));
        let (seen, stop) = (Arc::clone(&peak), Arc::clone(&done));
        // Without a sampler the figure is that of the end, which is better than no import.
        let sampler = std::thread::Builder::new().name("memory".into()).spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                seen.fetch_max(memory_bytes(), Ordering::Relaxed);
                std::thread::park_timeout(SAMPLE);
            }
        });
        Self { started: Instant::now(), cpu: cpu_time(), peak, done, sampler: sampler.ok() }
    }

    /// Ends.
    pub fn stop(mut self) -> Measured {
        self.done.store(true, Ordering::Relaxed);
        if let Some(sampler) = self.sampler.take() {
            sampler.thread().unpark();
            // It cannot panic, and if it did, a figure would be low.
            let _ = sampler.join();
        }
        let peak = self.peak.fetch_max(memory_bytes(), Ordering::Relaxed).max(memory_bytes());
        Measured {
            elapsed: self.started.elapsed(),
            cpu: cpu_time().saturating_sub(self.cpu),
            peak_memory_bytes: peak,
        }
    }
}

/// Processor time of the process, user and system.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Anonymous and shared memory of the process now; 0 where the system does not tell.
#[cfg(target_os = "linux")]
fn memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next());
        kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    of("RssAnon:") + of("RssShmem:")
}

/// The most memory that was resident at once, mapped files included: nothing finer is told here.
#[cfg(not(target_os = "linux"))]
fn memory_bytes() -> u64 {
    use nix::sys::resource::{UsageWho, getrusage};
    let peak = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss());
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    u64::try_from(peak).unwrap_or(0) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_processor_time_are_seen() {
        let meter = Meter::start();
        let block = vec![1u8; 32 << 20];
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        std::thread::sleep(SAMPLE * 3);
        let measured = meter.stop();
        assert_eq!(sum, 32 << 20);
        assert!(measured.peak_memory_bytes >= 32 << 20);
        assert!(measured.elapsed >= SAMPLE * 3 && measured.cpu > Duration::ZERO);
    }
}
