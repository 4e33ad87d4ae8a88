//! What a field of a span comes to.

use tracekeep::{KeyValue, TraceSpan};

use super::Trace;
use super::values::{Datum, Values};
use crate::grammar::{Field, Intrinsic, Scope};

impl Trace {
    pub(super) fn field(&self, field: &Field, span: usize) -> Values {
        match field {
            Field::Intrinsic(intrinsic) => self.intrinsic(*intrinsic, span),
            Field::Attribute { parent: false, scope, key } => {
                attribute(&self.spans[span], *scope, key)
            }
            Field::Attribute { parent: true, scope, key } => {
                let parents = self.parents[span].iter();
                parents.flat_map(|parent| attribute(&self.spans[*parent], *scope, key)).collect()
            }
        }
    }

    fn intrinsic(&self, intrinsic: Intrinsic, index: usize) -> Values {
        let whole = &self.spans[index];
        let span = &whole.span;
        let scope = whole.scope.scope.as_ref();
        let since_start = |time: u64| time.saturating_sub(span.start.nanos());
        match intrinsic {
            Intrinsic::Name => vec![Datum::text(&span.name)],
            Intrinsic::Kind => vec![Datum::Kind(span.kind.0)],
            Intrinsic::Status => vec![Datum::Status(span.status_code().0)],
            Intrinsic::StatusMessage => {
                span.status.iter().map(|status| Datum::text(&status.message)).collect()
            }
            Intrinsic::Duration => vec![Datum::whole(since_start(span.end.nanos()))],
            Intrinsic::SpanId => vec![Datum::text(span.span_id)],
            Intrinsic::ParentId => span.parent_span_id.iter().map(Datum::text).collect(),
            Intrinsic::ChildCount => vec![Datum::whole(self.children(index) as u64)],
            Intrinsic::TraceId => vec![Datum::text(self.id)],
            Intrinsic::TraceDuration => vec![Datum::whole(self.nanos())],
            Intrinsic::RootName => vec![Datum::text(&self.root().span.name)],
            Intrinsic::RootService => self.root().service().iter().map(Datum::text).collect(),
            Intrinsic::EventName => {
                span.events.iter().map(|event| Datum::text(&event.name)).collect()
            }
            Intrinsic::TimeSinceStart => {
                let times = span.events.iter().map(|event| since_start(event.time.nanos()));
                times.map(Datum::whole).collect()
            }
            Intrinsic::LinkTraceId => {
                span.links.iter().map(|link| Datum::text(link.trace_id)).collect()
            }
            Intrinsic::LinkSpanId => {
                span.links.iter().map(|link| Datum::text(link.span_id)).collect()
            }
            Intrinsic::InstrumentationName => scope.iter().map(|s| Datum::text(&s.name)).collect(),
            Intrinsic::InstrumentationVersion => {
                scope.iter().map(|s| Datum::text(&s.version)).collect()
            }
            Intrinsic::NestedSetParent => {
                vec![Datum::whole(if self.is_root(index) { -1i64 } else { 1 })]
            }
        }
    }
}

fn attribute(span: &TraceSpan, scope: Scope, key: &str) -> Values {
    let resource = || span.resource.resource.iter().flat_map(|r| &r.attributes);
    match scope {
        Scope::Span => of_key(span.span.attributes.iter(), key),
        Scope::Resource => of_key(resource(), key),
        Scope::Any => {
            let own = of_key(span.span.attributes.iter(), key);
            if own.is_empty() { of_key(resource(), key) } else { own }
        }
        Scope::Event => of_key(span.span.events.iter().flat_map(|e| &e.attributes), key),
        Scope::Link => of_key(span.span.links.iter().flat_map(|l| &l.attributes), key),
        Scope::Instrumentation => of_key(span.scope.scope.iter().flat_map(|s| &s.attributes), key),
    }
}

fn of_key<'a>(attributes: impl Iterator<Item = &'a KeyValue>, key: &str) -> Values {
    attributes.filter(|own| own.key == *key).map(|own| Datum::of(&own.value)).collect()
}
