//! What there is to ask for: services, operations and attribute keys.
//!
//! Each is what a scan over the spans that start inside the range would list, sorted, once. A
//! source that lies wholly inside the range answers from its dictionaries where it can; any
//! other is scanned. So is one whose keys or operations are too many, and too rare, to be listed.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::model::KeyValue;
use crate::base::text::Str;
use crate::base::time::TimeRange;
use crate::base::view::AttrRef;
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
