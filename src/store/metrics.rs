//! [`MetricsObserver`]: events as metrics of the `metrics` facade, named as Prometheus wants them.

use std::time::Duration;

use metrics::{Counter, Label, SharedString, counter, gauge, histogram};

use crate::base::observer::{Observer, StoreEvent};

/// Records what happens in a store through the facade of the `metrics` crate; needs the feature
/// `metrics`. Install the program's recorder first.
///
/// Counters end in `_total`, times are histograms in seconds, sizes are in bytes:
///
/// | metric | labels |
/// |---|---|
/// | `tracekeep_appends_total`, `tracekeep_commits_total`, `tracekeep_commit_seconds` | |
/// | `tracekeep_spans_accepted_total`, `tracekeep_spans_rejected_total`, `tracekeep_logged_bytes_total` | |
/// | `tracekeep_spans_outside_window_total` | `decision` |
/// | `tracekeep_stall_seconds`, `tracekeep_stalls_total` | `stall`: `slowed`, `waited`, `refused`, `merging` |
/// | `tracekeep_seals_total`, `tracekeep_sealed_bytes_total` | `reason` |
/// | `tracekeep_flush_seconds`, `tracekeep_flushed_spans_total`, `tracekeep_flushed_bytes_total` | |
/// | `tracekeep_merge_seconds`, `tracekeep_merged_segments_total` | |
/// | `tracekeep_merge_read_bytes_total`, `tracekeep_merge_written_bytes_total` | |
/// | `tracekeep_spans_behind_horizon_total`, `tracekeep_dropped_partitions_total` | |
/// | `tracekeep_dropped_spans_total`, `tracekeep_dropped_bytes_total`, `tracekeep_drop_seconds` | |
/// | `tracekeep_failures_total` | `job`: `commit`, `flush`, `merge`, `retain` |
/// | `tracekeep_fsync_seconds` | `file`: `log`, `segment`, `manifest`, `folder` |
/// | `tracekeep_cache_hits_total`, `tracekeep_cache_misses_total` | |
/// | `tracekeep_segments_considered_total`, `tracekeep_segments_pruned_total` | `by`: `lookup`, `search` |
/// | `tracekeep_recovered_spans`, `tracekeep_recovered_bytes`, `tracekeep_recovery_bytes_max` (gauges) | |
///
/// ```
/// use std::sync::Arc;
/// use tracekeep::{MetricsObserver, Options};
/// let options = Options::default().observer(Arc::new(MetricsObserver::labelled("store", "traces")));
/// # let _ = options;
/// ```
pub struct MetricsObserver {
    labels: Vec<Label>,
    /// Reads count these too often to look them up.
    hits: Counter,
    misses: Counter,
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl MetricsObserver {
    /// Metrics that all bear a label, so that several stores are told apart.
    pub fn labelled(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::of(vec![Label::new(name.into(), value.into())])
    }

    fn of(labels: Vec<Label>) -> Self {
        let hits = counter!("tracekeep_cache_hits_total", labels.clone());
        let misses = counter!("tracekeep_cache_misses_total", labels.clone());
        Self { labels, hits, misses }
    }

    fn count(&self, name: &'static str, by: u64) {
        counter!(name, self.labels.clone()).increment(by);
    }

    fn count_as(&self, name: &'static str, label: (&'static str, &'static str), by: u64) {
        counter!(name, self.with(label)).increment(by);
    }

    fn time(&self, name: &'static str, took: Duration) {
        histogram!(name, self.labels.clone()).record(took);
    }

    fn time_as(&self, name: &'static str, label: (&'static str, &'static str), took: Duration) {
        histogram!(name, self.with(label)).record(took);
    }

    fn set(&self, name: &'static str, value: u64) {
        gauge!(name, self.labels.clone()).set(value as f64);
    }

    fn with(&self, (name, value): (&'static str, &'static str)) -> Vec<Label> {
        let own = Label::new(SharedString::const_str(name), SharedString::const_str(value));
        self.labels.iter().cloned().chain([own]).collect()
    }

    fn pruned(&self, by: &'static str, segments: u64, pruned: u64) {
        self.count_as("tracekeep_segments_considered_total", ("by", by), segments);
        self.count_as("tracekeep_segments_pruned_total", ("by", by), pruned);
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, event: &StoreEvent<'_>) {
        match *event {
            StoreEvent::Cache { hit: true } => self.hits.increment(1),
            StoreEvent::Cache { hit: false } => self.misses.increment(1),
            StoreEvent::Committed { appends, spans, bytes, took } => {
                self.count("tracekeep_appends_total", appends);
                self.count("tracekeep_commits_total", 1);
                self.count("tracekeep_spans_accepted_total", spans);
                self.count("tracekeep_logged_bytes_total", bytes);
                self.time("tracekeep_commit_seconds", took);
            }
            StoreEvent::Rejected { spans } => self.count("tracekeep_spans_rejected_total", spans),
            StoreEvent::OutsideWindow { spans, decision } => {
                let label = ("decision", decision);
                self.count_as("tracekeep_spans_outside_window_total", label, spans);
            }
            StoreEvent::Stalled { stall, took } => {
                self.count_as("tracekeep_stalls_total", ("stall", stall.name()), 1);
                self.time_as("tracekeep_stall_seconds", ("stall", stall.name()), took);
            }
            StoreEvent::Sealed { reason, bytes, .. } => {
                self.count_as("tracekeep_seals_total", ("reason", reason.name()), 1);
                self.count_as("tracekeep_sealed_bytes_total", ("reason", reason.name()), bytes);
            }
            StoreEvent::Began { .. } | StoreEvent::Cancelled { .. } => {}
            StoreEvent::Flushed { spans, bytes, took, .. } => {
                self.count("tracekeep_flushed_spans_total", spans);
                self.count("tracekeep_flushed_bytes_total", bytes);
                self.time("tracekeep_flush_seconds", took);
            }
            StoreEvent::Merged { inputs, bytes_read, bytes_written, took, .. } => {
                self.count("tracekeep_merged_segments_total", inputs);
                self.count("tracekeep_merge_read_bytes_total", bytes_read);
                self.count("tracekeep_merge_written_bytes_total", bytes_written);
                self.time("tracekeep_merge_seconds", took);
            }
            StoreEvent::BehindHorizon { spans } => {
                self.count("tracekeep_spans_behind_horizon_total", spans);
            }
            StoreEvent::Dropped { partitions, spans, bytes, took } => {
                self.count("tracekeep_dropped_partitions_total", partitions);
                self.count("tracekeep_dropped_spans_total", spans);
                self.count("tracekeep_dropped_bytes_total", bytes);
                self.time("tracekeep_drop_seconds", took);
            }
            StoreEvent::Failed { job, .. } => {
                self.count_as("tracekeep_failures_total", ("job", job.name()), 1);
            }
            StoreEvent::Synced { file, took } => {
                self.time_as("tracekeep_fsync_seconds", ("file", file.name()), took);
            }
            StoreEvent::Lookup { segments, pruned } => self.pruned("lookup", segments, pruned),
            StoreEvent::Search { segments, pruned } => self.pruned("search", segments, pruned),
            StoreEvent::Recovering { spans, bytes, bytes_max, .. } => {
                self.set("tracekeep_recovered_spans", spans);
                self.set("tracekeep_recovered_bytes", bytes);
                self.set("tracekeep_recovery_bytes_max", bytes_max);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeMap;

    use metrics_util::MetricKind;
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;
    use crate::base::error::Error;
    use crate::base::observer::{FileKind, Job};

    #[test]
    fn events_are_metrics_under_the_names_that_prometheus_wants() {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, || {
            let observer = MetricsObserver::labelled("store", "a");
            let took = Duration::from_millis(3);
            observer.observe(&StoreEvent::Synced { file: FileKind::Log, took });
            observer.observe(&StoreEvent::Committed { appends: 2, spans: 7, bytes: 90, took });
            observer.observe(&StoreEvent::Cache { hit: true });
            observer.observe(&StoreEvent::Search { segments: 9, pruned: 4 });
            observer.observe(&StoreEvent::Failed { job: Job::Flush, error: &Error::Busy });
        });
        let seen: BTreeMap<String, (MetricKind, DebugValue)> = snapshotter
            .snapshot()
            .into_vec()
            .into_iter()
            .map(|(key, _, _, value)| {
                let labels = key.key().labels().map(|l| format!(" {}={}", l.key(), l.value()));
                let name = key.key().name().to_owned() + &labels.collect::<String>();
                (name, (key.kind(), value))
            })
            .collect();
        let counter = |name: &str| match seen.get(name).unwrap() {
            (MetricKind::Counter, DebugValue::Counter(count)) => *count,
            _ => 0,
        };
        assert_eq!(counter("tracekeep_spans_accepted_total store=a"), 7);
        assert_eq!(counter("tracekeep_cache_hits_total store=a"), 1);
        assert_eq!(counter("tracekeep_segments_pruned_total store=a by=search"), 4);
        assert_eq!(counter("tracekeep_failures_total store=a job=flush"), 1);
        let syncs = seen.get("tracekeep_fsync_seconds store=a file=log").unwrap();
        let DebugValue::Histogram(times) = &syncs.1 else { unreachable!("a histogram") };
        assert_eq!(times.first().unwrap().into_inner(), 0.003);
        for (name, (kind, _)) in &seen {
            let name = name.split(' ').next().unwrap();
            assert!(name.starts_with("tracekeep_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == MetricKind::Counter, "{name}");
        }
    }
}
