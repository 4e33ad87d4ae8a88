//! [`TracingObserver`]: events as spans and events of the `tracing` facade.

use std::cell::RefCell;

use tracing::span::EnteredSpan;
use tracing::{debug, error, info, info_span, trace, warn};

use crate::base::observer::{Observer, Stall, StoreEvent};

/// Tells what happens in a store through the facade of the `tracing` crate; needs the feature
/// `tracing`.
///
/// Flushes, merges and drops are spans, called `job`; all else is events, under the target
/// `tracekeep`: failures as errors, appends that are held up as warnings, flushes, merges and
/// recovery as information, commits and searches to debug with, syncs and reads of the cache as
/// traces. Do not send these spans into the very store that they are about: each would cause more.
///
/// ```
/// use std::sync::Arc;
/// use tracekeep::{Options, TracingObserver};
/// let options = Options::default().observer(Arc::new(TracingObserver));
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

thread_local! {
    /// The spans of jobs under way in this thread: with an inline executor one may begin in
    /// another.
    static JOBS: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
}

/// Ends the span of the job that ends in this thread, after `tell` has told of it.
fn end_job(tell: impl FnOnce()) {
    tell();
    drop(JOBS.with_borrow_mut(Vec::pop));
}

impl Observer for TracingObserver {
    fn observe(&self, event: &StoreEvent<'_>) {
        match *event {
            StoreEvent::Began { job, partition } => {
                let span = info_span!(target: "tracekeep", "job", job = job.name(), %partition);
                JOBS.with_borrow_mut(|jobs| jobs.push(span.entered()));
            }
            StoreEvent::Flushed { partitions, spans, bytes, took } => end_job(
                || info!(target: "tracekeep", partitions, spans, bytes, ?took, "flushed buffers"),
            ),
            StoreEvent::Merged { inputs, outputs, bytes_read, bytes_written, took, .. } => {
                end_job(|| {
                    info!(
                        target: "tracekeep", inputs, outputs, bytes_read, bytes_written, ?took,
                        "merged segments"
                    );
                });
            }
            StoreEvent::Dropped { partitions, spans, bytes, took } => end_job(
                || info!(target: "tracekeep", partitions, spans, bytes, ?took, "dropped partitions"),
            ),
            StoreEvent::Failed { job, error } => {
                let tell = || error!(target: "tracekeep", job = job.name(), %error, "failed");
                // A commit is no job of its own.
                if job.is_background() { end_job(tell) } else { tell() }
            }
            StoreEvent::Cancelled { job } => {
                end_job(|| debug!(target: "tracekeep", job = job.name(), "cancelled"));
            }
            StoreEvent::Recovering { frames, spans, bytes, bytes_max, done } => {
                info!(target: "tracekeep", frames, spans, bytes, bytes_max, done, "recovering");
            }
            StoreEvent::Stalled { stall: Stall::Slowed, took } => {
                debug!(target: "tracekeep", ?took, "slowed an append");
            }
            StoreEvent::Stalled { stall, took } => {
                warn!(target: "tracekeep", stall = stall.name(), ?took, "held up an append");
            }
            StoreEvent::OutsideWindow { spans, decision } => {
                debug!(target: "tracekeep", spans, decision, "spans outside the window");
            }
            StoreEvent::BehindHorizon { spans } => {
                debug!(target: "tracekeep", spans, "refused spans that have expired");
            }
            StoreEvent::Rejected { spans } => debug!(target: "tracekeep", spans, "rejected spans"),
            StoreEvent::Sealed { partition, reason, bytes } => {
                debug!(target: "tracekeep", %partition, reason = reason.name(), bytes, "sealed");
            }
            StoreEvent::Committed { appends, spans, bytes, took } => {
                debug!(target: "tracekeep", appends, spans, bytes, ?took, "committed");
            }
            StoreEvent::Lookup { segments, pruned } => {
                trace!(target: "tracekeep", segments, pruned, "looked a trace up");
            }
            StoreEvent::Search { segments, pruned } => {
                debug!(target: "tracekeep", segments, pruned, "searched");
            }
            StoreEvent::Synced { file, took } => {
                trace!(target: "tracekeep", file = file.name(), ?took, "synced");
            }
            StoreEvent::Cache { hit } => trace!(target: "tracekeep", hit, "read the cache"),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tracing::Level;

    use super::*;
    use crate::base::error::Error;
    use crate::base::observer::Job;
    use crate::base::time::Timestamp;

    /// Where a subscriber of the test writes.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn jobs_are_spans_and_failures_are_errors() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::INFO)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let (observer, partition) = (TracingObserver, Timestamp::ZERO);
            observer.observe(&StoreEvent::Began { job: Job::Merge, partition });
            observer.observe(&StoreEvent::Began { job: Job::Flush, partition });
            let took = Duration::from_millis(1);
            observer.observe(&StoreEvent::Flushed { partitions: 1, spans: 7, bytes: 9, took });
            observer.observe(&StoreEvent::Failed { job: Job::Commit, error: &Error::Busy });
            observer.observe(&StoreEvent::Failed { job: Job::Merge, error: &Error::Busy });
            observer.observe(&StoreEvent::Cache { hit: true });
            observer.observe(&StoreEvent::Recovering {
                frames: 1,
                spans: 2,
                bytes: 3,
                bytes_max: 4,
                done: true,
            });
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        let jobs = |line: &str| line.matches("job{job=").count();
        let depth: Vec<usize> = lines.iter().map(|line| jobs(line)).collect();
        assert_eq!(depth, [2, 1, 1, 0], "{text}");
        assert!(lines.iter().skip(1).take(2).all(|line| line.contains("ERROR")), "{text}");
    }
}
