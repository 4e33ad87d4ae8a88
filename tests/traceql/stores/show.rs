//! A store in a few lines, for whoever reads a failure.

use std::fmt::{self, Debug, Display, Formatter};

use tracekeep::{KeyValue, Span, TraceId, Value};

use super::World;
use crate::pool::HOUR;

impl Debug for World {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.shape)?;
        for (number, resource) in self.resources.iter().enumerate() {
            if self.spans.iter().any(|placed| placed.resource == number) {
                let attributes = resource.as_ref().map(|r| Attributes(&r.attributes).to_string());
                writeln!(f, "  resource {number}: {attributes:?}")?;
            }
        }
        for (number, scope) in self.scopes.iter().enumerate() {
            if self.spans.iter().any(|placed| placed.scope == number) {
                let scope = scope.as_ref();
                let scope = scope.map(|s| (s.name.as_str(), s.version.as_str(), &s.attributes));
                let scope = scope.map(|(n, v, a)| format!("{n:?} {v:?} {}", Attributes(a)));
                writeln!(f, "  scope {number}: {}", scope.unwrap_or("none".into()))?;
            }
        }
        for placed in &self.spans {
            let (resource, scope) = (placed.resource, placed.scope);
            let span = Brief(&placed.span);
            writeln!(f, "  {span} resource {resource} scope {scope} in {:?}", placed.batches)?;
        }
        write!(f, "  after each batch: {:?}", self.after)
    }
}

/// What a span says beyond the default.
pub struct Brief<'a>(pub &'a Span);

impl Display for Brief<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let span = self.0;
        let at = |nanos: u64| match i128::from(nanos) - i128::from(HOUR) {
            near if near.unsigned_abs() < 1 << 48 => format!("@{near}"),
            _ => nanos.to_string(),
        };
        write!(f, "trace {:x} span {:x}", number(span.trace_id), span.span_id.to_u64())?;
        if let Some(parent) = span.parent_span_id {
            write!(f, " of {:x}", parent.to_u64())?;
        }
        let (start, end) = (span.start.nanos(), span.end.nanos());
        write!(f, " {}..{} {:?} kind {}", at(start), at(end), span.name.as_str(), span.kind.0)?;
        if let Some(status) = &span.status {
            write!(f, " status {} {:?}", status.code.0, status.message.as_str())?;
        }
        write!(f, " {}", Attributes(&span.attributes))?;
        for event in &span.events {
            let at = at(event.time.nanos());
            write!(f, " event {:?} {at} {}", event.name.as_str(), Attributes(&event.attributes))?;
        }
        for link in &span.links {
            let (trace, span) = (number(link.trace_id), link.span_id.to_u64());
            write!(f, " link {trace:x} {span:x} {}", Attributes(&link.attributes))?;
        }
        Ok(())
    }
}

fn number(id: TraceId) -> u128 {
    u128::from_be_bytes(id.to_bytes())
}

struct Attributes<'a>(&'a [KeyValue]);

impl Display for Attributes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let all = self.0.iter().map(|a| format!("{}={}", a.key.as_str(), shown(&a.value)));
        write!(f, "{{{}}}", all.collect::<Vec<_>>().join(", "))
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", text.as_str()),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}
