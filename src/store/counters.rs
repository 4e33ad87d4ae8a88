//! [`Counters`]: what a store has done, summed up from its events.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::base::observer::{SealReason, Stall, StoreEvent};
use crate::base::time::{Timestamp, saturating_nanos};
use crate::store::options::OutOfWindow;

/// Defines the counters once: as fields, and as the names under which they are kept and shown.
macro_rules! counters {
    ($($(#[$doc:meta])+ $field:ident $name:literal;)*) => {
        /// What a store has done since it was made, or since its counters were lost.
        ///
        /// They are written beside the data when the store is closed, dropped or flushed and when
        /// background work is done, and not synced: a crash costs what was counted since. They
        /// are for people; nothing depends on them.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[$doc])+ pub $field: u64,)*
            /// Since when this is counted; the epoch if nothing is known.
            pub since: Timestamp,
            /// The last failure of a background job or of the log, however long ago.
            pub last_failure: Option<Failure>,
        }

        impl Counters {
            /// The names of all counts, in camel case, and their values.
            pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($name, self.$field)),*].into_iter()
            }

            fn count_mut(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $($name => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

counters! {
    /// Appends that were stored.
    appends "appends";
    /// Group commits, which concurrent appends share.
    commits "commits";
    /// Spans stored, identical ones counted again.
    spans_accepted "spansAccepted";
    /// Spans refused one by one.
    spans_rejected "spansRejected";
    /// Spans that started outside the window of `max_age` and `max_ahead`, whatever became of them.
    spans_outside_window "spansOutsideWindow";
    /// Those of them that are in quarantine.
    spans_quarantined "spansQuarantined";
    /// Spans refused because they started before what `Options::retention` keeps.
    spans_behind_horizon "spansBehindHorizon";
    /// Bytes of appends in the log.
    bytes_logged "bytesLogged";
    /// Flush jobs, each of one or several partitions' buffers.
    flushes "flushes";
    /// Spans written by flushes.
    spans_flushed "spansFlushed";
    /// Bytes of the segments that flushes wrote.
    bytes_flushed "bytesFlushed";
    /// Merges.
    merges "merges";
    /// Segments that merges replaced.
    segments_merged "segmentsMerged";
    /// Bytes of the segments that merges read.
    merge_bytes_read "mergeBytesRead";
    /// Bytes of the segments that merges wrote.
    merge_bytes_written "mergeBytesWritten";
    /// Partitions dropped.
    partitions_dropped "partitionsDropped";
    /// Their spans.
    spans_dropped "spansDropped";
    /// Bytes of their files.
    bytes_dropped "bytesDropped";
    /// Buffers flushed because they were full.
    seals_full "sealsFull";
    /// Buffers flushed because the memory budget asked for it.
    seals_memory "sealsMemory";
    /// Buffers flushed because they were old.
    seals_old "sealsOld";
    /// Buffers flushed because too many partitions were open.
    seals_spread "sealsSpread";
    /// Buffers flushed because the log had become long.
    seals_log "sealsLog";
    /// Buffers flushed because the caller asked for it.
    seals_asked "sealsAsked";
    /// Appends that were slowed down.
    appends_slowed "appendsSlowed";
    /// Appends that waited for room.
    appends_waited "appendsWaited";
    /// Appends that were slowed or waited because merges were behind.
    appends_behind_merges "appendsBehindMerges";
    /// Nanoseconds that appends were slowed or waited.
    nanos_stalled "nanosStalled";
    /// Appends that failed with `Busy`.
    appends_refused "appendsRefused";
    /// Times that opening found something in the log.
    recoveries "recoveries";
    /// Spans that opening put back from the log.
    spans_recovered "spansRecovered";
    /// Bytes of the memory budget when this was written down, of all stores that share it.
    memory_budget_bytes "memoryBudgetBytes";
    /// The most of it that buffers, appends and jobs had taken at a time by then.
    memory_peak_bytes "memoryPeakBytes";
    /// Failures of background jobs and of the log.
    failures "failures";
}

/// A failure that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// When.
    pub time: Timestamp,
    /// What was tried: `commit`, `flush`, `merge`, `retain`.
    pub job: String,
    /// What went wrong.
    pub message: String,
}

impl Counters {
    /// Takes in what happened at `now`; whether that changed anything.
    pub(crate) fn count(
        &mut self,
        event: &StoreEvent<'_>,
        now: impl FnOnce() -> Timestamp,
    ) -> bool {
        match *event {
            StoreEvent::Committed { appends, spans, bytes, .. } => {
                self.commits += 1;
                self.appends += appends;
                self.spans_accepted += spans;
                self.bytes_logged += bytes;
            }
            StoreEvent::Rejected { spans } => self.spans_rejected += spans,
            StoreEvent::OutsideWindow { spans, decision } => {
                self.spans_outside_window += spans;
                if decision == OutOfWindow::Quarantine.name() {
                    self.spans_quarantined += spans;
                }
            }
            StoreEvent::Stalled { stall: Stall::Slowed, took } => {
                self.stalled(took).appends_slowed += 1
            }
            StoreEvent::Stalled { stall: Stall::Waited, took } => {
                self.stalled(took).appends_waited += 1
            }
            StoreEvent::Stalled { stall: Stall::Merging, took } => {
                self.stalled(took).appends_behind_merges += 1
            }
            StoreEvent::Stalled { stall: Stall::Refused, .. } => self.appends_refused += 1,
            StoreEvent::Sealed { reason, .. } => *self.seals(reason) += 1,
            StoreEvent::Flushed { spans, bytes, .. } => {
                self.flushes += 1;
                self.spans_flushed += spans;
                self.bytes_flushed += bytes;
            }
            StoreEvent::Merged { inputs, bytes_read, bytes_written, .. } => {
                self.merges += 1;
                self.segments_merged += inputs;
                self.merge_bytes_read += bytes_read;
                self.merge_bytes_written += bytes_written;
            }
            StoreEvent::BehindHorizon { spans } => self.spans_behind_horizon += spans,
            StoreEvent::Dropped { partitions, spans, bytes, .. } => {
                self.partitions_dropped += partitions;
                self.spans_dropped += spans;
                self.bytes_dropped += bytes;
            }
            StoreEvent::Recovering { frames: 1.., spans, done: true, .. } => {
                self.recoveries += 1;
                self.spans_recovered += spans;
            }
            StoreEvent::Failed { job, error } => {
                self.failures += 1;
                let (job, message) = (job.name().to_owned(), error.to_string());
                self.last_failure = Some(Failure { time: now(), job, message });
            }
            _ => return false,
        }
        true
    }

    fn stalled(&mut self, took: Duration) -> &mut Self {
        self.nanos_stalled = self.nanos_stalled.saturating_add(saturating_nanos(took));
        self
    }

    fn seals(&mut self, reason: SealReason) -> &mut u64 {
        match reason {
            SealReason::Full => &mut self.seals_full,
            SealReason::Memory => &mut self.seals_memory,
            SealReason::Old => &mut self.seals_old,
            SealReason::Spread => &mut self.seals_spread,
            SealReason::Log => &mut self.seals_log,
            SealReason::Asked => &mut self.seals_asked,
        }
    }

    /// The counters as the text of a file.
    pub(crate) fn to_text(&self) -> String {
        let mut object: Map<String, Value> =
            self.counts().map(|(name, count)| (name.to_owned(), count.into())).collect();
        object.insert("since".into(), self.since.to_string().into());
        if let Some(Failure { time, job, message }) = &self.last_failure {
            let failure = json!({ "time": time.to_string(), "job": job, "message": message });
            object.insert("lastFailure".into(), failure);
        }
        format!("{:#}\n", Value::Object(object))
    }

    /// Reads such a text. What it does not say, or says otherwise, is left at nothing: a build of
    /// another age may have written it, or a crash may have torn it.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_str(text).ok()?;
        let mut counters = Self::default();
        for (name, value) in &object {
            if let (Some(count), Some(value)) = (counters.count_mut(name), value.as_u64()) {
                *count = value;
            }
        }
        counters.since = time(object.get("since")).unwrap_or_default();
        counters.last_failure = object.get("lastFailure").and_then(|failure| {
            let text = |name| failure.get(name).and_then(Value::as_str).map(str::to_owned);
            let time = time(failure.get("time"))?;
            Some(Failure { time, job: text("job")?, message: text("message")? })
        });
        Some(counters)
    }
}

fn time(value: Option<&Value>) -> Option<Timestamp> {
    value?.as_str()?.parse().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::error::Error;
    use crate::base::observer::Job;

    #[test]
    fn what_is_counted_reads_back() {
        let mut counters = Counters { since: Timestamp::from_nanos(7), ..Counters::default() };
        let error = Error::Busy;
        let took = Duration::from_nanos(9);
        let events = [
            StoreEvent::Committed { appends: 2, spans: 30, bytes: 400, took },
            StoreEvent::Rejected { spans: 3 },
            StoreEvent::Stalled { stall: Stall::Waited, took },
            StoreEvent::Stalled { stall: Stall::Slowed, took },
            StoreEvent::Stalled { stall: Stall::Merging, took },
            StoreEvent::Failed { job: Job::Merge, error: &error },
        ];
        let now = || Timestamp::from_nanos(5);
        assert!(events.iter().all(|event| counters.count(event, now)));
        assert!(!counters.count(&StoreEvent::Cache { hit: true }, now));
        assert_eq!((counters.spans_accepted, counters.nanos_stalled), (30, 27));
        assert_eq!(counters.last_failure.as_ref().unwrap().job, "merge");
        assert_eq!(Counters::from_text(&counters.to_text()), Some(counters));
    }

    #[test]
    fn every_count_has_a_name_of_its_own() {
        let mut names: Vec<_> = Counters::default().counts().map(|(name, _)| name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    proptest! {
        #[test]
        fn p6_any_text_is_counters_or_none(text in ".*", number: f64) {
            let _ = Counters::from_text(&text);
            let odd = format!("{{\"appends\": {number:?}, \"since\": [], \"lastFailure\": 1}}");
            if let Some(counters) = Counters::from_text(&odd) {
                prop_assert_eq!(counters.last_failure, None);
            }
        }
    }
}
