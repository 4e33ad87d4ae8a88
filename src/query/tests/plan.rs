//! P5: what an index leaves over never lacks a trace, and is exact where it says so.

use std::ops::Bound;

use proptest::prelude::*;

use super::generate::{filters, stores};
use crate::base::error::Result;
use crate::base::model::{KeyValue, TraceSpan, Value};
use crate::base::number::Number;
use crate::index::ordinals::OrdinalSet;
use crate::index::term::{Candidates, Probe, TagScope};
use crate::query::plan::{Terms, min_duration, plan};
use crate::query::predicate::{Subject, matches};

/// An index that looks at every span.
struct Naive {
    traces: Vec<Vec<TraceSpan>>,
    /// How many traces it adds to its answers, and admits it.
    surplus: u32,
}

fn values(span: &TraceSpan, scope: TagScope, key: &str) -> Vec<Value> {
    let s = &span.span;
    let found: Vec<&KeyValue> = match scope {
        TagScope::Intrinsic => {
            return match key {
                "name" => vec![Value::String(s.name.clone())],
                "kind" => vec![Value::Int(s.kind.0.into())],
                "statusMessage" => {
                    let message = s.status.iter().map(|status| status.message.clone());
                    message.filter(|text| !text.is_empty()).map(Value::String).collect()
                }
                "event:name" => s.events.iter().map(|e| Value::String(e.name.clone())).collect(),
                "instrumentation:name" => {
                    span.scope.scope.iter().map(|s| Value::String(s.name.clone())).collect()
                }
                "instrumentation:version" => {
                    span.scope.scope.iter().map(|s| Value::String(s.version.clone())).collect()
                }
                _ => vec![Value::Int(s.status_code().0.into())],
            };
        }
        TagScope::Resource => span.resource.resource.iter().flat_map(|r| &r.attributes).collect(),
        TagScope::Span => s.attributes.iter().collect(),
        TagScope::Event => s.events.iter().flat_map(|e| &e.attributes).collect(),
        TagScope::Link => s.links.iter().flat_map(|l| &l.attributes).collect(),
        TagScope::Instrumentation => span.scope.scope.iter().flat_map(|s| &s.attributes).collect(),
    };
    found.into_iter().filter(|a| a.key == *key).map(|a| a.value.clone()).collect()
}

fn answers(probe: &Probe<'_>, value: &Value) -> bool {
    let is_within = |number: Number| match probe {
        Probe::Number { low, high } => number.is_within(*low, *high),
        _ => false,
    };
    match (probe, value) {
        (Probe::Exists, _) => true,
        (_, Value::Array(elements)) => {
            elements.iter().any(|value| !matches!(value, Value::Array(_)) && answers(probe, value))
        }
        (_, Value::Int(value)) => is_within(Number::Int(*value)),
        (_, Value::Double(value)) => is_within(Number::Double(*value)),
        (Probe::Str(text), Value::String(value)) => *value == **text,
        (Probe::Bool(truth), Value::Bool(value)) => truth == value,
        (Probe::Matches(matches), Value::String(value)) => matches(value),
        (Probe::StrRange { low, high }, Value::String(value)) => {
            let above = match low {
                Bound::Included(low) => value.as_str() >= *low,
                Bound::Excluded(low) => value.as_str() > *low,
                Bound::Unbounded => true,
            };
            above
                && match high {
                    Bound::Included(high) => value.as_str() <= *high,
                    Bound::Excluded(high) => value.as_str() < *high,
                    Bound::Unbounded => true,
                }
        }
        _ => false,
    }
}

impl Terms for Naive {
    fn traces(&self) -> u32 {
        self.traces.len() as u32
    }

    fn postings(&self, scope: TagScope, key: &str, probe: &Probe<'_>) -> Result<Candidates> {
        let has = |ordinal: &u32| {
            let mut spans = self.traces[*ordinal as usize].iter();
            spans.any(|s| values(s, scope, key).iter().any(|value| answers(probe, value)))
        };
        let mut found: Vec<u32> = (0..self.traces()).filter(has).collect();
        let exact = self.surplus == 0 || matches!(probe, Probe::Exists);
        if !exact {
            found.extend(0..self.surplus);
        }
        Ok(Candidates { set: OrdinalSet::from_ordinals(self.traces(), found), exact })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn p5_plans_lack_no_trace_and_know_when_they_are_exact(
        store in stores(), filter in filters(), loose: bool, surplus in 0..3u32,
    ) {
        let mut spans: Vec<_> = store.into_iter().map(|(span, _)| span).collect();
        spans.sort_by_key(|s| s.span.trace_id);
        let traces = spans.chunk_by(|a, b| a.span.trace_id == b.span.trace_id);
        let index = Naive { traces: traces.map(<[_]>::to_vec).collect(), surplus };
        let planned = plan(&index, &filter, loose).unwrap();
        for (ordinal, spans) in (0..).zip(&index.traces) {
            let verdicts: Vec<_> = spans.iter().map(|s| {
                let span = s.span.view().unwrap();
                let subject = Subject { span: &span, resource: &s.resource, scope: &s.scope };
                matches(&filter, subject, None, loose)
            }).collect();
            let is_in = planned.set.contains(ordinal);
            prop_assert!(is_in || verdicts.iter().all(|v| *v == Some(false)), "lacks {ordinal}");
            prop_assert!(!planned.exact || !is_in || verdicts.contains(&Some(true)));
            let longest = spans.iter().map(|s| s.span.duration().as_nanos() as u64).max();
            prop_assert!(
                verdicts.iter().all(|v| *v == Some(false)) || longest >= Some(min_duration(&filter))
            );
            prop_assert!(!planned.always || verdicts.iter().all(|v| *v == Some(true)));
        }
    }
}
