//! The naive answers: owned spans in a list, every question a scan. Shares nothing with the room
//! but the syntax tree of conditions.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::base::ids::TraceId;
use crate::base::model::*;
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::time::{TimeRange, Timestamp};
use crate::base::wire;
use crate::query::ast::{Check, Compare, Expr, Field, Scope as Where};
use crate::query::hit::{Operation, ServiceStats, TagKey, TagScope};
use crate::query::typed::Query;

/// The live spans by trace, each once, in order.
pub struct Oracle {
    pub traces: BTreeMap<TraceId, Vec<TraceSpan>>,
}

/// A hit in the oracle's words.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub id: TraceId,
    pub start: Timestamp,
    pub end: Timestamp,
    pub root: (Option<Str>, Str),
    pub counts: (u64, u64),
    pub services: Vec<ServiceStats>,
    pub matching: Vec<TraceSpan>,
}

fn content(span: &TraceSpan) -> [Vec<u8>; 3] {
    let mut out = [Vec::new(), Vec::new(), Vec::new()];
    wire::encode_span(&span.span.view().unwrap(), &mut out[0]);
    wire::encode_resource_context(&span.resource, &mut out[1]).unwrap();
    wire::encode_scope_context(&span.scope, &mut out[2]).unwrap();
    out
}

impl Oracle {
    pub fn new<'a>(spans: impl IntoIterator<Item = &'a TraceSpan>) -> Self {
        let mut set = BTreeMap::new();
        for span in spans {
            let s = &span.span;
            set.insert((s.trace_id, s.start, s.span_id, content(span)), span.clone());
        }
        let mut traces = BTreeMap::<_, Vec<_>>::new();
        for ((id, ..), span) in set {
            traces.entry(id).or_default().push(span);
        }
        Self { traces }
    }

    /// All these spans in the order of a scan over partitions of this width.
    pub fn scan(&self, width: u64, wanted: impl Fn(&TraceSpan) -> bool) -> Vec<TraceSpan> {
        let mut parts = BTreeMap::<_, Vec<_>>::new();
        for (id, spans) in &self.traces {
            let partition = |span: &&TraceSpan| span.span.start.nanos() / width;
            for part in spans.chunk_by(|a, b| partition(&a) == partition(&b)) {
                let start = part[0].span.start;
                let wanted = part.iter().filter(|span| wanted(span)).cloned();
                parts.insert((partition(&&part[0]), start, id), wanted.collect());
            }
        }
        parts.into_values().flatten().collect()
    }

    pub fn trace_in(&self, id: TraceId, range: TimeRange) -> Option<Trace> {
        let inside = |spans: &Vec<TraceSpan>| {
            let spans = spans.iter().filter(|s| range.contains(s.span.start));
            Some(spans.cloned().collect::<Vec<_>>()).filter(|spans| !spans.is_empty())
        };
        if let Some(spans) = self.traces.get(&id).and_then(inside) {
            return Some(Trace { id, spans });
        }
        let mut others =
            self.traces.iter().filter(|(other, _)| id.high() == 0 && other.low() == id.low());
        others.find_map(|(id, spans)| Some(Trace { id: *id, spans: inside(spans)? }))
    }

    pub fn search(&self, query: &Query) -> Vec<Answer> {
        let mut answers: Vec<_> =
            self.traces.iter().filter_map(|(id, spans)| answer(*id, spans, query)).collect();
        answers.sort_by_key(|answer| (std::cmp::Reverse(answer.start), answer.id));
        answers
    }

    fn spans_in(&self, range: TimeRange) -> impl Iterator<Item = &TraceSpan> {
        self.traces.values().flatten().filter(move |s| range.contains(s.span.start))
    }

    pub fn services(&self, range: TimeRange) -> Vec<Str> {
        let services: BTreeSet<_> =
            self.spans_in(range).filter_map(|s| s.service().cloned()).collect();
        services.into_iter().collect()
    }

    pub fn operations(&self, service: &str, range: TimeRange) -> Vec<Operation> {
        let own = self.spans_in(range).filter(|s| s.service().is_some_and(|own| own == service));
        let operations: BTreeSet<_> =
            own.map(|s| Operation { name: s.span.name.clone(), kind: s.span.kind }).collect();
        operations.into_iter().collect()
    }

    pub fn tag_keys(&self, range: TimeRange) -> Vec<TagKey> {
        let mut keys = BTreeSet::new();
        for span in self.spans_in(range) {
            for (place, scope) in [
                (Where::Resource, TagScope::Resource),
                (Where::Span, TagScope::Span),
                (Where::Event, TagScope::Event),
                (Where::Link, TagScope::Link),
                (Where::Instrumentation, TagScope::Instrumentation),
            ] {
                let all = attributes(span, place);
                keys.extend(all.map(|a| TagKey { scope, key: a.key.clone() }));
            }
        }
        keys.into_iter().collect()
    }

    /// Texts only: what order numbers take among themselves is tested elsewhere.
    pub fn texts(&self, scope: Where, key: &str, range: TimeRange) -> Vec<Str> {
        let mut texts = BTreeSet::new();
        for value in self.spans_in(range).flat_map(|span| of_key(span, scope, key)) {
            let elements = match value {
                Value::Array(elements) => elements.iter().collect(),
                other => vec![other],
            };
            texts.extend(elements.into_iter().filter_map(|value| match value {
                Value::String(text) => Some(text.clone()),
                _ => None,
            }));
        }
        texts.into_iter().collect()
    }
}

fn attributes(span: &TraceSpan, scope: Where) -> Box<dyn Iterator<Item = &KeyValue> + '_> {
    match scope {
        Where::Span => Box::new(span.span.attributes.iter()),
        Where::Resource => Box::new(span.resource.resource.iter().flat_map(|r| &r.attributes)),
        Where::Instrumentation => Box::new(span.scope.scope.iter().flat_map(|s| &s.attributes)),
        Where::Event => Box::new(span.span.events.iter().flat_map(|e| &e.attributes)),
        Where::Link => Box::new(span.span.links.iter().flat_map(|l| &l.attributes)),
        Where::Any => unreachable!("of_key tells them apart"),
    }
}

pub fn of_key<'a>(span: &'a TraceSpan, scope: Where, key: &str) -> Vec<&'a Value> {
    let values = |scope| -> Vec<&'a Value> {
        attributes(span, scope).filter(|a| a.key == *key).map(|a| &a.value).collect()
    };
    match scope {
        Where::Any if values(Where::Span).is_empty() => values(Where::Resource),
        Where::Any => values(Where::Span),
        scope => values(scope),
    }
}

fn answer(id: TraceId, spans: &[TraceSpan], query: &Query) -> Option<Answer> {
    let is_parent = |span: &TraceSpan, index: usize| {
        spans.iter().enumerate().any(|(other, candidate)| {
            other != index && Some(candidate.span.span_id) == span.span.parent_span_id
        })
    };
    let root = spans
        .iter()
        .find(|s| s.span.parent_span_id.is_none())
        .or_else(|| spans.iter().enumerate().find(|(i, s)| !is_parent(s, *i)).map(|(_, s)| s))
        .unwrap_or(&spans[0]);
    let start = spans.iter().map(|s| s.span.start).min().unwrap();
    let end = spans.iter().map(|s| s.span.end).max().unwrap();
    let nanos = end.nanos().saturating_sub(start.nanos());
    let matching: Vec<_> = spans
        .iter()
        .filter(|s| query.range.contains(s.span.start))
        .filter(|s| holds(&query.filter, s, &Whole { spans, root, nanos }, query.loose))
        .cloned()
        .collect();
    let is_error = |s: &&TraceSpan| s.span.status_code() == StatusCode::ERROR;
    let services: BTreeSet<_> = spans.iter().filter_map(TraceSpan::service).collect();
    let stats = services.into_iter().map(|service| {
        let own = || spans.iter().filter(|s| s.service() == Some(service));
        ServiceStats {
            service: service.clone(),
            spans: own().count() as u64,
            errors: own().filter(is_error).count() as u64,
        }
    });
    (!matching.is_empty()).then(|| Answer {
        id,
        start,
        end,
        root: (root.service().cloned(), root.span.name.clone()),
        counts: (spans.len() as u64, spans.iter().filter(is_error).count() as u64),
        services: stats.collect(),
        matching,
    })
}

/// What a condition can ask of a trace.
struct Whole<'a> {
    spans: &'a [TraceSpan],
    root: &'a TraceSpan,
    nanos: u64,
}

impl Whole<'_> {
    fn is_parent(&self, parent: &TraceSpan, child: &TraceSpan) -> bool {
        !std::ptr::eq(parent, child) && child.span.parent_span_id == Some(parent.span.span_id)
    }
}

fn holds(expr: &Expr, span: &TraceSpan, whole: &Whole<'_>, loose: bool) -> bool {
    let test = match expr {
        Expr::And(all) => return all.iter().all(|e| holds(e, span, whole, loose)),
        Expr::Or(any) => return any.iter().any(|e| holds(e, span, whole, loose)),
        Expr::Not(inner) => return !holds(inner, span, whole, loose),
        Expr::Test(test) => test,
        Expr::Computed(_) => unreachable!("not generated"),
    };
    let int = |n: u64| Value::Int(n as i64);
    let text = |text: &Str| Value::String(text.clone());
    let id = |id: &dyn std::fmt::Display| Value::String(id.to_string().into());
    let s = &span.span;
    let (root, nanos) = (whole.root, whole.nanos);
    let parents = || whole.spans.iter().filter(|parent| whole.is_parent(parent, span));
    let values: Vec<Value> = match &test.field {
        Field::Parent(scope, key) => {
            parents().flat_map(|parent| of_key(parent, *scope, key)).cloned().collect()
        }
        Field::SpanId => vec![id(&s.span_id)],
        Field::ParentId => s.parent_span_id.iter().map(|parent| id(parent)).collect(),
        Field::TraceId => vec![id(&s.trace_id)],
        Field::ChildCount => {
            vec![
                int(whole.spans.iter().filter(|child| whole.is_parent(span, child)).count() as u64),
            ]
        }
        Field::NestedSetParent => vec![Value::Int(if parents().count() == 0 { -1 } else { 1 })],
        Field::EventName => s.events.iter().map(|event| text(&event.name)).collect(),
        Field::EventTimeSinceStart => {
            let since = s.events.iter().map(|event| event.time.nanos());
            since.map(|time| int(time.saturating_sub(s.start.nanos()))).collect()
        }
        Field::LinkTraceId => s.links.iter().map(|link| id(&link.trace_id)).collect(),
        Field::LinkSpanId => s.links.iter().map(|link| id(&link.span_id)).collect(),
        Field::InstrumentationName => span.scope.scope.iter().map(|s| text(&s.name)).collect(),
        Field::InstrumentationVersion => {
            span.scope.scope.iter().map(|s| text(&s.version)).collect()
        }
        Field::Attribute(scope, key) => of_key(span, *scope, key).into_iter().cloned().collect(),
        Field::Name => vec![text(&s.name)],
        Field::StatusMessage => s.status.iter().map(|status| text(&status.message)).collect(),
        Field::RootName => vec![text(&root.span.name)],
        Field::RootService => root.service().map(text).into_iter().collect(),
        Field::Duration => vec![int(s.end.nanos().saturating_sub(s.start.nanos()))],
        Field::TraceDuration => vec![int(nanos)],
        Field::Kind => vec![Value::Int(s.kind.0.into())],
        Field::Status => vec![Value::Int(s.status_code().0.into())],
    };
    match &test.check {
        Check::Exists => !values.is_empty(),
        Check::Absent => values.is_empty(),
        check => values.iter().any(|value| match value {
            Value::Array(elements) => array_fits(check, elements, loose),
            other => fits(check, other, loose),
        }),
    }
}

/// Any element counts, but for `!=` and `!~`: none may be equal, of those that compare.
fn array_fits(check: &Check, elements: &[Value], loose: bool) -> bool {
    let opposite = match check.clone() {
        Check::Number(Compare::NotEqual, number) => Check::Number(Compare::Equal, number),
        Check::Text(Compare::NotEqual, text) => Check::Text(Compare::Equal, text),
        Check::Bool(Compare::NotEqual, truth) => Check::Bool(Compare::Equal, truth),
        Check::Pattern { regex, negated: true } => Check::Pattern { regex, negated: false },
        _ => return elements.iter().any(|value| fits(check, value, loose)),
    };
    let any = |check| elements.iter().any(|value| fits(check, value, loose));
    any(check) && !any(&opposite)
}

fn print(value: &Value) -> Option<String> {
    match value {
        Value::Int(n) => Some(format!("{n}")),
        Value::Double(n) => Some(format!("{n}")),
        Value::Bool(b) => Some(format!("{b}")),
        Value::String(text) => Some(text.to_string()),
        _ => None,
    }
}

fn fits(check: &Check, value: &Value, loose: bool) -> bool {
    use Compare::{Equal, NotEqual};
    let literal = match check {
        Check::Number(_, Number::Int(n)) => Value::Int(*n),
        Check::Number(_, Number::Double(n)) => Value::Double(*n),
        Check::Text(_, text) => Value::String(text.clone()),
        Check::Bool(_, truth) => Value::Bool(*truth),
        Check::Code(_, code) => Value::Int((*code).into()),
        Check::Pattern { regex, negated } => {
            let is_text = matches!(value, Value::String(_));
            let printed = print(value).filter(|_| is_text || loose);
            return printed.is_some_and(|text| regex.is_match(&text) != *negated);
        }
        _ => unreachable!("checked before"),
    };
    let (Check::Number(compare, _)
    | Check::Text(compare, _)
    | Check::Bool(compare, _)
    | Check::Code(compare, _)) = check
    else {
        unreachable!("checked before")
    };
    let order = match (value, &literal) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Double(b)) => exact(*a, *b),
        (Value::Double(a), Value::Int(b)) => exact(*b, *a).map(Ordering::reverse),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(_), Value::Int(_) | Value::Double(_) | Value::Bool(_))
        | (Value::Int(_) | Value::Double(_) | Value::Bool(_), Value::String(_)) => {
            let same = print(value) == print(&literal);
            return loose && (*compare == Equal && same || *compare == NotEqual && !same);
        }
        _ => return false,
    };
    match compare {
        NotEqual => order != Some(Ordering::Equal),
        Equal => order == Some(Ordering::Equal),
        Compare::Less => order == Some(Ordering::Less),
        Compare::Greater => order == Some(Ordering::Greater),
        Compare::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Compare::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// The generator's doubles are small: 128-bit halves hold them exactly.
fn exact(int: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    Some((i128::from(int) * 4).cmp(&((double * 4.0) as i128)))
}
