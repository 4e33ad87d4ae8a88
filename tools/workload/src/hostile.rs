//! Spans that no one expects, all of them valid OTLP.
//!
//! Every span has a name, a resource, a scope and keys of its own; trace ids count upwards, and some
//! fit 64 bits or are zero; times are zero, reversed or centuries ahead; parents are missing, form
//! cycles, or are the span itself; ids repeat with other contents; kinds and status codes have no name.

use tracekeep::{
    Event, KeyValue, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, SpanId, SpanKind,
    Status, StatusCode, Str, Timestamp, TraceId, Value,
};

use crate::config::Config;
use crate::rng::Rng;

/// Spans of a trace at most.
const TRACE_SPANS: u64 = 12;

/// Makes hostile batches.
#[derive(Debug)]
pub struct Hostile {
    rng: Rng,
    config: Config,
    made: u64,
    trace: u64,
    /// Spans of the trace at hand: how many there are to be, and are.
    of_trace: (u64, u64),
}

impl Hostile {
    /// The hostile workload of this configuration.
    pub fn new(config: &Config) -> Self {
        let rng = Rng::new(config.seed);
        Self { rng, config: config.clone(), made: 0, trace: 0, of_trace: (0, 0) }
    }

    /// The next batch.
    pub fn next_batch(&mut self) -> Option<Vec<ResourceSpans>> {
        let left = self.config.spans.saturating_sub(self.made);
        let spans = left.min(self.config.batch_spans as u64);
        (spans > 0).then(|| (0..spans).map(|_| self.group()).collect())
    }

    fn group(&mut self) -> ResourceSpans {
        self.made += 1;
        let number = self.made;
        let resource = Resource {
            attributes: vec![
                KeyValue::new("service.name", format!("service {number}")),
                KeyValue::new(format!("key.{number}"), Value::Int(number as i64)),
            ],
            dropped_attributes_count: (number % 3) as u32,
            ..Resource::default()
        };
        let scope = Scope { name: format!("scope {number}").into(), ..Scope::default() };
        let span = self.span(number);
        ResourceSpans {
            // Some senders leave both out.
            resource: (!number.is_multiple_of(11)).then_some(resource),
            scope_spans: vec![ScopeSpans {
                scope: (!number.is_multiple_of(13)).then_some(scope),
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
    }

    fn span(&mut self, number: u64) -> Span {
        if self.of_trace.0 == self.of_trace.1 {
            self.trace += 1;
            self.of_trace = (self.rng.between(1, TRACE_SPANS as i64) as u64, 0);
        }
        self.of_trace.1 += 1;
        let (start, end) = self.times();
        let own = self.of_trace.1;
        let name = if number.is_multiple_of(17) {
            Str::default()
        } else {
            format!("name {number}").into()
        };
        Span {
            trace_id: self.trace_id(),
            // The third span of every trace bears the id of the first.
            span_id: SpanId::from(if own == 3 { 1 } else { own }),
            parent_span_id: self.parent(own),
            trace_state: if number.is_multiple_of(19) {
                "k=v,x@y=1".into()
            } else {
                Str::default()
            },
            flags: self.rng.bits() as u32,
            name,
            kind: SpanKind(*self.rng.pick(&[1, 2, 3, 0, 99, -1, i32::MIN, 4, 5]).unwrap_or(&0)),
            start,
            end,
            attributes: self.attributes(number),
            dropped_attributes_count: (number % 5) as u32,
            events: (0..number % 3).map(|i| self.event(number, i)).collect(),
            dropped_events_count: (number % 7) as u32,
            links: (0..number % 2).map(|_| self.link()).collect(),
            dropped_links_count: u32::MAX * u32::from(number.is_multiple_of(29)),
            status: self.status(number),
            unknown: Vec::new(),
        }
    }

    fn trace_id(&self) -> TraceId {
        let sequential = u128::from(self.trace);
        match self.trace % 4 {
            0 => TraceId::from(sequential),
            // The same low half under another high half.
            1 => TraceId::from(0xfeed << 64 | (sequential + 1)),
            2 => TraceId::from(sequential << 64),
            _ if self.trace % 100 == 99 => TraceId::from(0),
            _ => TraceId::from(u128::MAX - sequential),
        }
    }

    fn parent(&mut self, own: u64) -> Option<SpanId> {
        let parent = match self.rng.below(6) {
            0 => return None,
            1 => own,
            2 => own % TRACE_SPANS + 1,
            3 => u64::MAX,
            4 => 0,
            _ => own.saturating_sub(1),
        };
        Some(SpanId::from(parent))
    }

    fn times(&mut self) -> (Timestamp, Timestamp) {
        let length = self.config.length.as_nanos() as u64;
        let usual = self.config.start.nanos().saturating_add(self.rng.below(length.max(1)));
        let (start, end) = match self.rng.below(24) {
            0 => (0, 0),
            1 => (0, usual),
            2 => (usual, 0),
            3 => (usual, usual),
            4 => (usual, usual.saturating_sub(1_000_000)),
            5 => (u64::MAX, u64::MAX),
            6 => (usual, u64::MAX),
            7 => (4_000_000_000_000_000_000, 4_000_000_000_000_000_001),
            8 => (1, 2),
            _ => (usual, usual.saturating_add(self.rng.bits() >> 34)),
        };
        (Timestamp::from_nanos(start), Timestamp::from_nanos(end))
    }

    fn attributes(&mut self, number: u64) -> Vec<KeyValue> {
        let count = self.rng.below(7);
        let mut attributes: Vec<KeyValue> = (0..count)
            .map(|i| {
                let value = self.value(number);
                KeyValue::new(format!("key.{number}.{i}"), value)
            })
            .collect();
        if number.is_multiple_of(4) {
            // A key may repeat, be empty, and hold another type each time.
            attributes.push(KeyValue::new("again", Value::Int(1)));
            attributes.push(KeyValue::new("again", "1"));
            attributes.push(KeyValue::new("", Value::Double(1.0)));
        }
        attributes
    }

    fn value(&mut self, number: u64) -> Value {
        let texts = ["", "\u{0}", "\"\\\n", "äöü 漢字 🦀", "true", "1", "NaN"];
        match self.rng.below(14) {
            0 => Value::Missing,
            1 => Value::Empty,
            2 => Value::Bool(number.is_multiple_of(2)),
            3 => Value::Int(i64::MIN),
            4 => Value::Int(self.rng.bits() as i64),
            5 => Value::Double(-0.0),
            6 => Value::Double(f64::INFINITY),
            7 => Value::Double(f64::from_bits(self.rng.bits() >> 2)),
            8 => Value::Bytes(number.to_le_bytes().into()),
            9 => Value::Array(vec![Value::Int(1), Value::Empty, Value::from("x"), nested(5)]),
            10 => Value::Map(vec![KeyValue::new("k", nested(3)), KeyValue::new("k", true)]),
            11 => Value::from("long ".repeat(self.rng.below(400) as usize)),
            12 => Value::from(format!("value {number}")),
            _ => Value::from(*self.rng.pick(&texts).unwrap_or(&"")),
        }
    }

    fn event(&mut self, number: u64, i: u64) -> Event {
        Event {
            time: self.times().0,
            name: if i == 0 { Str::default() } else { format!("event {number}").into() },
            attributes: vec![KeyValue::new(format!("event.key.{number}"), self.value(number))],
            dropped_attributes_count: i as u32,
            unknown: Vec::new(),
        }
    }

    fn link(&mut self) -> Link {
        let attributes = vec![KeyValue::new(format!("link.key.{}", self.made), true)];
        Link { trace_id: self.trace_id(), attributes, ..Link::default() }
    }

    fn status(&mut self, number: u64) -> Option<Status> {
        let code = StatusCode(*self.rng.pick(&[0, 1, 2, 77, -5])?);
        let message = if number.is_multiple_of(3) {
            format!("status {number}").into()
        } else {
            Str::default()
        };
        (!number.is_multiple_of(5)).then_some(Status { message, code, unknown: Vec::new() })
    }
}

/// An array within arrays.
fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::from("deep"), |inner, _| Value::Array(vec![inner]))
}
