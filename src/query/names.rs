//! What there is to ask for: services, operations, attribute keys and their values.
//!
//! Each is what a scan over the spans that start inside the range would list, sorted, once. A
//! source that lies wholly inside the range answers from its dictionaries where it can; any
//! other is scanned. So is one whose keys or operations are too many, and too rare, to be listed.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::model::{KeyValue, SpanKind, StatusCode, Value};
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::time::TimeRange;
use crate::base::view::AttrRef;
use crate::query::ast::Scope;
use crate::query::hit::{Operation, TagKey, TagScope};
use crate::query::source::{Row, ServiceOperation, Source};
use crate::query::view::View;

/// The services of spans that start inside `range`.
pub fn services(view: &View, range: TimeRange) -> Result<Vec<Str>> {
    let known = |source: &dyn Source| {
        let operations = source.operations()?;
        Ok(operations.map(|all| all.into_iter().filter_map(|o| o.service).collect()))
    };
    collect(view, range, known, |row, found| {
        if let Some(service) = row.resource.service() {
            insert_new(found, service);
        }
    })
}

/// The operations of a service's spans that start inside `range`.
pub fn operations(view: &View, service: &str, range: TimeRange) -> Result<Vec<Operation>> {
    let known = |source: &dyn Source| {
        let of_service = |o: &ServiceOperation| o.service.as_deref() == Some(service);
        let operations = source.operations()?;
        Ok(operations.map(|all| {
            let own = all.into_iter().filter(of_service);
            own.map(|o| Operation { name: o.name, kind: o.kind }).collect()
        }))
    };
    collect(view, range, known, |row, found| {
        if row.resource.service().is_some_and(|own| own == service) {
            let name = row.span.name.clone().into_str();
            found.insert(Operation { name, kind: row.span.kind });
        }
    })
}

/// The attribute keys, by scope, of spans that start inside `range`.
pub fn tag_keys(view: &View, range: TimeRange) -> Result<Vec<TagKey>> {
    let known = |source: &dyn Source| {
        let keys = source.keys()?.map(|keys| {
            let tags = keys
                .into_iter()
                .filter_map(|(scope, key)| TagScope::of(scope).map(|scope| TagKey { scope, key }));
            tags.collect()
        });
        Ok(keys)
    };
    let mut last = None;
    collect(view, range, known, move |row, found| {
        let mut add = |scope, key: &str| {
            let tag = TagKey { scope, key: Str::from(key) };
            found.insert(tag);
        };
        // Neighbours mostly share their contexts: those need no second look.
        let contexts = (Arc::clone(row.resource), Arc::clone(row.scope));
        let is_repeated = last.as_ref().is_some_and(|(resource, scope)| {
            Arc::ptr_eq(resource, &contexts.0) && Arc::ptr_eq(scope, &contexts.1)
        });
        if !is_repeated {
            for attribute in of_resource(row) {
                add(TagScope::Resource, &attribute.key);
            }
            for attribute in of_instrumentation(row) {
                add(TagScope::Instrumentation, &attribute.key);
            }
            last = Some(contexts);
        }
        let mut add_all = |scope, attributes: &[AttrRef<'_>]| {
            attributes.iter().for_each(|attribute| add(scope, attribute.key.as_str()));
        };
        add_all(TagScope::Span, &row.span.attributes);
        row.span.events.iter().for_each(|event| add_all(TagScope::Event, &event.attributes));
        row.span.links.iter().for_each(|link| add_all(TagScope::Link, &link.attributes));
    })
}

/// The values of a tag on spans that start inside `range`: text, numbers and truth values, also
/// as elements of arrays, so exactly what a condition on the tag can equal.
///
/// A tag is named as in [`Query::tag`](crate::Query::tag), or one of `name`, `kind`, `status`
/// and `statusMessage`.
pub fn tag_values(view: &View, tag: &str, range: TimeRange) -> Result<Vec<Value>> {
    let listed = match tag {
        "name" | "kind" | "status" | "statusMessage" => {
            collect(view, range, |_| Ok(None), |row, found| add_intrinsic(tag, row, found))
        }
        "duration" | "rootName" | "rootServiceName" | "traceDuration" => {
            return Err(Error::invalid(format!(
                "the values of {tag} are not listed: ask for an attribute, name, kind, status or \
                 statusMessage"
            )));
        }
        _ => {
            let (scope, key) = Scope::split(tag);
            let known = |source: &dyn Source| known_values(source, scope, key);
            collect(view, range, known, |row, found| add_values(scope, key, row, found))
        }
    };
    Ok(listed?.into_iter().map(|listed| listed.0).collect())
}

/// Visits the sources in `range`: `known` answers for a whole source, else `scan` row by row.
fn collect<T: Ord>(
    view: &View,
    range: TimeRange,
    known: impl Fn(&dyn Source) -> Result<Option<Vec<T>>>,
    mut scan: impl FnMut(&Row<'_>, &mut BTreeSet<T>),
) -> Result<Vec<T>> {
    let mut found = BTreeSet::new();
    for source in view.sources_in(range) {
        let is_inside = source.starts().is_some_and(|(first, last)| range.covers(first, last));
        if is_inside && let Some(all) = known(source.as_ref())? {
            found.extend(all);
            continue;
        }
        source.scan(&mut |row| {
            if range.contains(row.span.start) {
                scan(&row, &mut found);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(found.into_iter().collect())
}

fn insert_new(found: &mut BTreeSet<Str>, text: &Str) {
    if !found.contains(text) {
        found.insert(text.clone());
    }
}

fn of_resource<'a>(row: &'a Row<'_>) -> &'a [KeyValue] {
    row.resource.resource.as_ref().map_or(&[], |resource| &resource.attributes)
}

fn of_instrumentation<'a>(row: &'a Row<'_>) -> &'a [KeyValue] {
    row.scope.scope.as_ref().map_or(&[], |scope| &scope.attributes)
}

/// A source's values of a tag; an unscoped one needs the rows where both scopes have the key.
fn known_values(source: &dyn Source, scope: Scope, key: &str) -> Result<Option<Vec<Listed>>> {
    let values = match scope {
        Scope::Any => {
            let has = |scope| source.may_have(scope, key);
            match (has(Scope::Span)?, has(Scope::Resource)?) {
                (Some(false), _) => source.values(Scope::Resource, key)?,
                (_, Some(false)) => source.values(Scope::Span, key)?,
                _ => None,
            }
        }
        scope => source.values(scope, key)?,
    };
    Ok(values.map(|values| values.into_iter().map(Listed).collect()))
}

fn add_values(scope: Scope, key: &str, row: &Row<'_>, found: &mut BTreeSet<Listed>) {
    let span = &row.span;
    match scope {
        Scope::Span => {
            add_refs(&span.attributes, key, found);
        }
        Scope::Resource => add_owned(of_resource(row), key, found),
        Scope::Instrumentation => add_owned(of_instrumentation(row), key, found),
        Scope::Event => {
            for event in &span.events {
                add_refs(&event.attributes, key, found);
            }
        }
        Scope::Link => {
            for link in &span.links {
                add_refs(&link.attributes, key, found);
            }
        }
        Scope::Any => {
            if !add_refs(&span.attributes, key, found) {
                add_owned(of_resource(row), key, found);
            }
        }
    }
}

/// Adds the values of a key; whether anything bears it.
fn add_refs(attributes: &[AttrRef<'_>], key: &str, found: &mut BTreeSet<Listed>) -> bool {
    let mut any = false;
    for attribute in attributes.iter().filter(|a| a.key.as_str() == key) {
        any = true;
        if let Some(value) = attribute.value.clone().into_value() {
            add_value(&value, found);
        }
    }
    any
}

fn add_owned(attributes: &[KeyValue], key: &str, found: &mut BTreeSet<Listed>) {
    attributes.iter().filter(|a| a.key == *key).for_each(|a| add_value(&a.value, found));
}

fn add_value(value: &Value, found: &mut BTreeSet<Listed>) {
    let mut add = |value: &Value| {
        if rank(value).is_some() {
            found.insert(Listed(value.clone()));
        }
    };
    match value {
        Value::Array(elements) => elements.iter().for_each(add),
        other => add(other),
    }
}

fn add_intrinsic(tag: &str, row: &Row<'_>, found: &mut BTreeSet<Listed>) {
    let named = |name: Option<&str>, number: i32| match name {
        Some(name) => Value::from(name),
        None => Value::Int(i64::from(number)),
    };
    let span = &row.span;
    let value = match tag {
        "name" => Value::String(span.name.clone().into_str()),
        "kind" => named(SpanKind::name(span.kind), span.kind.0),
        "status" => named(StatusCode::name(span.status_code()), span.status_code().0),
        _ => match &span.status {
            Some(status) => Value::String(status.message.clone().into_str()),
            None => return,
        },
    };
    found.insert(Listed(value));
}

/// A value in the order of lists: truth values, numbers, text.
#[derive(Clone, Debug)]
struct Listed(Value);

fn rank(value: &Value) -> Option<u8> {
    match value {
        Value::Bool(_) => Some(0),
        Value::Int(_) | Value::Double(_) => Some(1),
        Value::String(_) => Some(2),
        _ => None,
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Int(value) => Some(Number::Int(*value)),
        Value::Double(value) => Some(Number::Double(*value)),
        _ => None,
    }
}

impl Ord for Listed {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (a, b) => match (number(a), number(b)) {
                (Some(x), Some(y)) => order_numbers(x, y),
                _ => rank(a).cmp(&rank(b)),
            },
        }
    }
}

/// As numbers; equal ones by type and bits, and NaNs last.
fn order_numbers(a: Number, b: Number) -> Ordering {
    let detail = |n: Number| match n {
        Number::Int(_) => (false, 0),
        Number::Double(value) => (true, value.to_bits()),
    };
    let by_value = a.compare(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()));
    by_value.then(detail(a).cmp(&detail(b)))
}

impl PartialOrd for Listed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Listed {}
