//! Numbered batches, so that a reader can tell which are there, and each whole.

use tracekeep::{KeyValue, ResourceSpans, ScopeSpans, Span, Timestamp, TraceId};

const HOUR: u64 = 3_600_000_000_000;

/// Batch `n`: one trace of so many spans, which lie in three partitions and bear the number.
pub fn batch(n: u64, spans: u64) -> Vec<ResourceSpans> {
    let spans = (0..spans).map(|i| Span {
        trace_id: trace_id(n),
        span_id: (i + 1).into(),
        start: Timestamp::from_nanos(480_000 * HOUR + i % 3 * HOUR + n),
        end: Timestamp::from_nanos(480_000 * HOUR + i % 3 * HOUR + n + 1000),
        name: "work".into(),
        attributes: vec![KeyValue::new("batch", n as i64)],
        ..Span::default()
    });
    let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
    vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }]
}

/// The trace of batch `n`.
pub fn trace_id(n: u64) -> TraceId {
    TraceId::from(u128::from(n + 1))
}
