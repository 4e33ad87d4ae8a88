//! What the store must answer, learnt from the workload itself.

use std::collections::BTreeMap;
use std::error::Error;

use tracekeep::{ResourceSpans, ScopeSpans, Span, Str, Trace, TraceId, Value};
use tracekeep_workload::encode_protobuf;

use crate::common::questions::{Question, Questions};

/// Facts about the workload, gathered batch by batch.
#[derive(Default)]
pub struct Truth {
    /// Whole traces, one in `keep_one_in`.
    pub kept: BTreeMap<TraceId, Vec<ResourceSpans>>,
    /// What is asked of the spans.
    pub questions: Questions,
    /// All spans.
    pub spans: u64,
    keep_one_in: u64,
}

impl Truth {
    /// Nothing known yet; keeps about one trace in `keep_one_in`.
    pub fn new(keep_one_in: u64, questions: Vec<Question>) -> Self {
        let questions = Questions::new(questions);
        Self { keep_one_in: keep_one_in.max(1), questions, ..Self::default() }
    }

    /// Takes note of a batch.
    pub fn learn(&mut self, batch: &[ResourceSpans]) {
        for group in batch {
            let service =
                group.resource.as_ref().and_then(|r| text_of(&r.attributes, "service.name"));
            let service = service.cloned().unwrap_or_default();
            for scope in &group.scope_spans {
                for span in &scope.spans {
                    self.span(&service, group, scope, span);
                }
            }
        }
    }

    fn span(&mut self, service: &Str, group: &ResourceSpans, scope: &ScopeSpans, span: &Span) {
        self.spans += 1;
        let id = span.trace_id;
        self.questions.learn(service, span);
        if id.low().is_multiple_of(self.keep_one_in) {
            let own = ScopeSpans { spans: vec![span.clone()], ..empty_scope(scope) };
            keep(self.kept.entry(id).or_default(), group, own);
        }
    }

    /// The kept traces as protobuf.
    pub fn encoded(&self) -> Vec<(TraceId, Vec<u8>)> {
        self.kept.iter().map(|(&id, groups)| (id, encode_protobuf(groups))).collect()
    }

    /// Fails unless `trace` holds the spans of the kept trace, each with all its fields.
    pub fn check(&self, id: TraceId, trace: Option<Trace>) -> Result<(), Box<dyn Error>> {
        let trace = trace.ok_or_else(|| format!("trace {id} is not found"))?;
        let mut wanted: Vec<(&ResourceSpans, &Span)> = self
            .kept
            .get(&id)
            .into_iter()
            .flatten()
            .flat_map(|g| {
                g.scope_spans.iter().flat_map(move |s| s.spans.iter().map(move |x| (g, x)))
            })
            .collect();
        wanted.sort_by_key(|(_, span)| (span.start, span.span_id));
        let same = wanted.len() == trace.spans.len()
            && wanted.iter().zip(&trace.spans).all(|((group, span), found)| {
                **span == found.span && group.resource == found.resource.resource
            });
        if same { Ok(()) } else { Err(format!("trace {id} differs from what was written").into()) }
    }
}

fn empty_scope(scope: &ScopeSpans) -> ScopeSpans {
    ScopeSpans {
        scope: scope.scope.clone(),
        schema_url: scope.schema_url.clone(),
        ..ScopeSpans::default()
    }
}

/// Adds one span's group to those of its trace, beside its like.
fn keep(groups: &mut Vec<ResourceSpans>, group: &ResourceSpans, own: ScopeSpans) {
    let Some(known) = groups.iter_mut().find(|g| g.resource == group.resource) else {
        groups.push(ResourceSpans {
            resource: group.resource.clone(),
            scope_spans: vec![own],
            schema_url: group.schema_url.clone(),
            unknown: Vec::new(),
        });
        return;
    };
    match known.scope_spans.iter_mut().find(|s| s.scope == own.scope) {
        Some(scope) => scope.spans.extend(own.spans),
        None => known.scope_spans.push(own),
    }
}

/// The text of an attribute.
pub fn text_of<'a>(attributes: &'a [tracekeep::KeyValue], key: &str) -> Option<&'a Str> {
    attributes.iter().find(|a| a.key == key).and_then(|a| match &a.value {
        Value::String(text) => Some(text),
        _ => None,
    })
}
