//! The naive model: a list of spans, and every question answered by looking at all of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tracekeep::{
    ResourceContext, ResourceSpans, Retention, ScopeContext, Timestamp, Trace, TraceId, TraceSpan,
};

use super::condition::Condition;

/// Live spans: a set, kept as a list.
#[derive(Clone, Default)]
pub struct Naive {
    pub spans: Vec<TraceSpan>,
}

/// What a search says of a trace.
#[derive(Debug, PartialEq)]
pub struct Hit {
    pub trace_id: TraceId,
    pub start: Timestamp,
    pub end: Timestamp,
    pub span_count: u64,
    pub error_count: u64,
    pub root: (Option<String>, Option<String>),
    pub matched: u64,
}

impl Naive {
    pub fn append(&mut self, batch: &[ResourceSpans]) {
        for resource_spans in batch {
            let resource = Arc::new(ResourceContext {
                resource: resource_spans.resource.clone(),
                schema_url: resource_spans.schema_url.clone(),
                unknown: resource_spans.unknown.clone(),
            });
            for scope_spans in &resource_spans.scope_spans {
                let scope = Arc::new(ScopeContext {
                    scope: scope_spans.scope.clone(),
                    schema_url: scope_spans.schema_url.clone(),
                    unknown: scope_spans.unknown.clone(),
                });
                for span in &scope_spans.spans {
                    let span = TraceSpan {
                        resource: Arc::clone(&resource),
                        scope: Arc::clone(&scope),
                        span: span.clone(),
                    };
                    if !self.spans.contains(&span) {
                        self.spans.push(span);
                    }
                }
            }
        }
    }

    /// Keeps what is in partitions, all as wide as this, of which the rule keeps the newest.
    pub fn retain(&mut self, rule: &Retention, now: Timestamp, width: Duration) {
        let width = width.as_nanos() as u64;
        let partition = |span: &TraceSpan| span.span.start.nanos() / width;
        let mut newest: Vec<u64> = self.spans.iter().map(partition).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        newest.dedup();
        newest.truncate(rule.max_partitions.map_or(usize::MAX, |most| most.max(1)));
        let age = rule.max_age.map_or(u64::MAX, |age| age.as_nanos() as u64);
        let last = |start: &u64| (start * width).saturating_add(width - 1);
        newest.retain(|start| last(start).saturating_add(age) >= now.nanos());
        self.spans.retain(|span| newest.contains(&partition(span)));
    }

    pub fn ids(&self) -> BTreeSet<TraceId> {
        self.spans.iter().map(|s| s.span.trace_id).collect()
    }

    /// The spans of exactly this trace.
    pub fn spans_of(&self, id: TraceId) -> Vec<&TraceSpan> {
        self.spans.iter().filter(|s| s.span.trace_id == id).collect()
    }

    /// The id that a lookup of `id` answers for.
    pub fn resolve(&self, id: TraceId) -> Option<TraceId> {
        let ids = self.ids();
        if ids.contains(&id) {
            return Some(id);
        }
        (id.high() == 0).then(|| ids.into_iter().find(|other| other.low() == id.low())).flatten()
    }

    /// The root: the earliest span without a parent id; failing that, the earliest whose parent
    /// is not in the trace; failing that, the earliest.
    fn root(&self, id: TraceId) -> Option<&TraceSpan> {
        let spans = self.spans_of(id);
        let is_orphan = |(i, span): &(usize, &TraceSpan)| {
            let mut others = spans.iter().enumerate().filter(|(j, _)| j != i);
            !others.any(|(_, other)| Some(other.span.span_id) == span.span.parent_span_id)
        };
        let place = |span: &&TraceSpan| (span.span.start, span.span.span_id);
        let parentless = spans.iter().copied().filter(|s| s.span.parent_span_id.is_none());
        let orphans = spans.iter().copied().enumerate().filter(is_orphan).map(|(_, span)| span);
        let earliest = parentless.min_by_key(place).or_else(|| orphans.min_by_key(place));
        earliest.or_else(|| spans.iter().copied().min_by_key(place))
    }

    fn roots_tied(&self, id: TraceId) -> bool {
        let Some(root) = self.root(id) else { return false };
        let key = (root.span.start, root.span.span_id);
        self.spans_of(id).iter().filter(|s| (s.span.start, s.span.span_id) == key).count() > 1
    }

    /// Every trace with a span that starts in `first..=last` and matches, newest first.
    pub fn search(&self, condition: &Condition, first: u64, last: u64) -> Vec<Hit> {
        let mut hits: Vec<Hit> =
            self.ids().into_iter().filter_map(|id| self.hit(id, condition, first, last)).collect();
        hits.sort_by_key(|hit| (std::cmp::Reverse(hit.start), hit.trace_id));
        hits
    }

    fn hit(&self, trace_id: TraceId, condition: &Condition, first: u64, last: u64) -> Option<Hit> {
        let spans = self.spans_of(trace_id);
        let matches =
            |s: &&&TraceSpan| (first..=last).contains(&s.span.start.nanos()) && condition.holds(s);
        let matched = spans.iter().filter(matches).count() as u64;
        if matched == 0 {
            return None;
        }
        let root = self.root(trace_id).filter(|_| !self.roots_tied(trace_id));
        Some(Hit {
            trace_id,
            start: spans.iter().map(|s| s.span.start).min()?,
            end: spans.iter().map(|s| s.span.end).max()?,
            span_count: spans.len() as u64,
            error_count: spans.iter().filter(|s| s.span.status_code().0 == 2).count() as u64,
            root: (
                root.and_then(|r| r.service()).map(|s| s.to_string()),
                root.map(|r| r.span.name.to_string()),
            ),
            matched,
        })
    }

    /// Whether ties leave the root of a trace to the content's order, which the model does not know.
    pub fn root_is_ambiguous(&self, id: TraceId) -> bool {
        self.roots_tied(id)
    }
}

impl Hit {
    pub fn of(hit: &tracekeep::TraceHit, ambiguous: bool) -> Self {
        let text =
            |s: &Option<tracekeep::Str>| s.as_ref().filter(|_| !ambiguous).map(|s| s.to_string());
        assert_eq!(hit.duration, duration(hit.start, hit.end));
        Self {
            trace_id: hit.trace_id,
            start: hit.start,
            end: hit.end,
            span_count: hit.span_count,
            error_count: hit.error_count,
            root: (text(&hit.root_service), text(&hit.root_name)),
            matched: hit.matched,
        }
    }
}

fn duration(start: Timestamp, end: Timestamp) -> Duration {
    end.since(start)
}

/// Asserts that `found` holds exactly these spans, each once, by start and id.
pub fn assert_same_spans(found: &Trace, wanted: &[&TraceSpan]) {
    let key = |s: &TraceSpan| (s.span.start, s.span.span_id);
    assert!(found.spans.is_sorted_by_key(key), "{:?} is not in order", found.id);
    assert_eq!(found.spans.len(), wanted.len(), "spans of {:?}", found.id);
    for span in wanted {
        assert_eq!(found.spans.iter().filter(|s| s == span).count(), 1, "{span:?}");
    }
}
