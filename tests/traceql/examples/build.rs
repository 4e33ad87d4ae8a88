//! Short words for spans and trees.

use std::sync::Arc;

use tracekeep::{
    Event, KeyValue, Link, Resource, ResourceContext, Scope as Library, ScopeContext, Span, Status,
    StatusCode, Timestamp, TraceSpan, Value,
};

use super::Example;
use crate::generate::Level;
use crate::grammar::*;
use crate::pattern::Pattern;
use crate::pool::HOUR;

/// A span of trace 7: its id, its parent's or 0, a name, first and last millisecond.
pub fn span(id: u64, parent: u64, name: &str, millis: (u64, u64)) -> TraceSpan {
    let at = |millis: u64| Timestamp::from_nanos(HOUR + millis * 1_000_000);
    TraceSpan {
        span: Span {
            trace_id: 7u128.into(),
            span_id: id.into(),
            parent_span_id: (parent > 0).then(|| parent.into()),
            name: name.into(),
            start: at(millis.0),
            end: at(millis.1),
            ..Span::default()
        },
        ..TraceSpan::default()
    }
}

/// The same span with more said of it.
pub trait With {
    fn with(self, key: &str, value: impl Into<Value>) -> Self;
    fn of(self, key: &str, value: &str) -> Self;
    fn status(self, code: StatusCode) -> Self;
    fn event(self, name: &str, millis: u64, key: &str, value: &str) -> Self;
    fn link(self, key: &str, value: &str) -> Self;
    fn library(self, name: &str, key: &str, value: &str) -> Self;
}

impl With for TraceSpan {
    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.span.attributes.push(KeyValue::new(key, value));
        self
    }

    fn of(mut self, key: &str, value: &str) -> Self {
        let mut resource = self.resource.resource.clone().unwrap_or_default();
        resource.attributes.push(KeyValue::new(key, value));
        let resource = Some(Resource { ..resource });
        self.resource = Arc::new(ResourceContext { resource, ..ResourceContext::default() });
        self
    }

    fn status(mut self, code: StatusCode) -> Self {
        self.span.status = Some(Status { code, ..Status::default() });
        self
    }

    fn event(mut self, name: &str, millis: u64, key: &str, value: &str) -> Self {
        self.span.events.push(Event {
            time: Timestamp::from_nanos(self.span.start.nanos() + millis * 1_000_000),
            name: name.into(),
            attributes: vec![KeyValue::new(key, value)],
            ..Event::default()
        });
        self
    }

    fn link(mut self, key: &str, value: &str) -> Self {
        self.span.links.push(Link {
            trace_id: 0x1234u128.into(),
            span_id: 9.into(),
            attributes: vec![KeyValue::new(key, value)],
            ..Link::default()
        });
        self
    }

    fn library(mut self, name: &str, key: &str, value: &str) -> Self {
        let attributes = vec![KeyValue::new(key, value)];
        let scope = Library { name: name.into(), attributes, ..Library::default() };
        self.scope = Arc::new(ScopeContext { scope: Some(scope), ..ScopeContext::default() });
        self
    }
}

/// `span.x`, `event.x`, ... or `.x`.
pub fn attribute(text: &str) -> Expr {
    let (scope, key) = text.split_once('.').unwrap();
    let scopes = [
        Scope::Any,
        Scope::Span,
        Scope::Resource,
        Scope::Event,
        Scope::Link,
        Scope::Instrumentation,
    ];
    let scope = scopes.into_iter().find(|own| own.text() == scope).unwrap();
    Expr::Field(Field::Attribute { parent: false, scope, key: key.into() })
}

pub fn intrinsic(intrinsic: Intrinsic) -> Expr {
    Expr::Field(Field::Intrinsic(intrinsic))
}

pub fn text(text: &str) -> Expr {
    Expr::Literal(Literal::Text(text.into()))
}

pub fn int(number: i64) -> Expr {
    Expr::Literal(Literal::Int(number))
}

pub fn millis(millis: i64) -> Expr {
    Expr::Literal(Literal::Duration(millis * 1_000_000))
}

pub fn compare(left: Expr, how: Compare, right: Expr) -> Expr {
    Expr::Compare(left.into(), how, right.into())
}

/// `left = right`.
pub fn is(left: Expr, right: Expr) -> Expr {
    compare(left, Compare::Equal, right)
}

pub fn is_service(name: &str) -> Expr {
    is(attribute("resource.service.name"), text(name))
}

pub fn is_error() -> Expr {
    is(intrinsic(Intrinsic::Status), Expr::Literal(Literal::Status(2)))
}

pub fn matches(left: Expr, pattern: Pattern) -> Expr {
    Expr::Match { text: left.into(), negated: false, pattern }
}

pub fn matches_not(left: Expr, pattern: Pattern) -> Expr {
    Expr::Match { text: left.into(), negated: true, pattern }
}

pub fn exists(field: Expr, exists: bool) -> Expr {
    Expr::Exists(field.into(), exists)
}

pub fn and(left: Expr, right: Expr) -> Expr {
    Expr::And(left.into(), right.into())
}

/// `{ expr }`.
pub fn braces(expr: Expr) -> Spans {
    Spans::Filter(Some(expr))
}

pub fn join(left: Spans, join: Join, right: Spans) -> Spans {
    Spans::Join(left.into(), join, right.into())
}

pub fn related(left: Spans, form: Form, relation: Relation, right: Spans) -> Spans {
    join(left, Join::Related(form, relation), right)
}

type Sets = &'static [&'static [&'static str]];

/// An example of one filter.
pub fn filter(level: Level, text: &'static str, expr: Expr, sets: Sets) -> Example {
    spans(level, text, braces(expr), sets)
}

pub fn spans(level: Level, text: &'static str, spans: Spans, sets: Sets) -> Example {
    let query = Query::Pipeline(Pipeline(vec![Stage::Spans(spans)]));
    Example { level, text, query, sets }
}

pub fn pipeline(text: &'static str, stages: Vec<Stage>, sets: Sets) -> Example {
    Example { level: Level::Pipelines, text, query: Query::Pipeline(Pipeline(stages)), sets }
}
