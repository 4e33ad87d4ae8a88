//! What there is to ask for: services, operations and attribute keys.
//!
//! Each is what a scan over the spans that a query finds would list, sorted, once. Without a
//! condition a source that lies wholly inside the range answers from its dictionaries where it can;
//! any other is scanned. So is one whose keys or operations are too many, and too rare, to be listed.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::model::KeyValue;
use crate::base::text::Str;
use crate::base::view::AttrRef;
use crate::query::hit::{Operation, TagKey, TagScope};
use crate::query::named::{FirstNames, Named, NamesPage, NamesQuery, too_much};
use crate::query::search;
use crate::query::source::{Row, ServiceOperation, Source};
use crate::query::view::View;

/// The services of spans.
pub fn services(view: &View, query: &NamesQuery) -> Result<NamesPage<Str>> {
    let known = |source: &dyn Source| {
        let operations = source.operations()?;
        Ok(operations.map(|all| all.into_iter().filter_map(|o| o.service).collect()))
    };
    collect(view, query, known, |row, found| {
        row.resource.service().map_or(Ok(()), |service| found.offer(service.clone()))
    })
}

/// The operations of a service's spans.
pub fn operations(view: &View, service: &str, query: &NamesQuery) -> Result<NamesPage<Operation>> {
    let known = |source: &dyn Source| {
        let of_service = |o: &ServiceOperation| o.service.as_deref() == Some(service);
        let operations = source.operations()?;
        Ok(operations.map(|all| {
            let own = all.into_iter().filter(of_service);
            own.map(|o| Operation { name: o.name, kind: o.kind }).collect()
        }))
    };
    collect(view, query, known, |row, found| {
        if row.resource.service().is_none_or(|own| own != service) {
            return Ok(());
        }
        found.offer(Operation { name: row.span.name.clone().into_str(), kind: row.span.kind })
    })
}

/// The attribute keys of spans, by scope.
pub fn tag_keys(view: &View, query: &NamesQuery) -> Result<NamesPage<TagKey>> {
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
    collect(view, query, known, move |row, found| {
        let mut add = |scope, key: &str| found.offer(TagKey { scope, key: Str::from(key) });
        // Neighbours mostly share their contexts: those need no second look.
        let contexts = (Arc::clone(row.resource), Arc::clone(row.scope));
        let is_repeated = last.as_ref().is_some_and(|(resource, scope)| {
            Arc::ptr_eq(resource, &contexts.0) && Arc::ptr_eq(scope, &contexts.1)
        });
        if !is_repeated {
            for attribute in of_resource(row) {
                add(TagScope::Resource, &attribute.key)?;
            }
            for attribute in of_instrumentation(row) {
                add(TagScope::Instrumentation, &attribute.key)?;
            }
            last = Some(contexts);
        }
        let mut add_all = |scope, attributes: &[AttrRef<'_>]| {
            attributes.iter().try_for_each(|attribute| add(scope, attribute.key.as_str()))
        };
        add_all(TagScope::Span, &row.span.attributes)?;
        row.span.events.iter().try_for_each(|own| add_all(TagScope::Event, &own.attributes))?;
        row.span.links.iter().try_for_each(|own| add_all(TagScope::Link, &own.attributes))
    })
}

/// The names of a page that must be the last.
pub fn all<T>(page: NamesPage<T>, query: &NamesQuery) -> Result<Vec<T>> {
    match page.next {
        Some(_) => Err(too_much(query.spans.bounds.half_bytes())),
        None => Ok(page.names),
    }
}

/// Visits the sources in the range: `known` answers for a whole source, else `scan` row by row.
fn collect<T: Named>(
    view: &View,
    query: &NamesQuery,
    known: impl Fn(&dyn Source) -> Result<Option<Vec<T>>>,
    mut scan: impl FnMut(&Row<'_>, &mut FirstNames<T>) -> Result<()>,
) -> Result<NamesPage<T>> {
    let mut found = FirstNames::new(query)?;
    let spans = &*query.spans.begin(view.clock())?;
    if !spans.asks_of_spans() {
        search::visit_matching(view, spans, &mut |_, row, _| scan(row, &mut found))?;
        return Ok(found.into_page());
    }
    let (range, interrupt) = (spans.range, &spans.bounds.interrupt);
    for source in view.sources_in(range) {
        interrupt.check()?;
        let is_inside = source.starts().is_some_and(|(first, last)| range.covers(first, last));
        if is_inside
            && spans.filter.is_always()
            && let Some(all) = known(source.as_ref())?
        {
            all.into_iter().try_for_each(|name| found.offer(name))?;
            continue;
        }
        source.scan(&mut |row| {
            interrupt.tick()?;
            if row.fulfils(spans) {
                scan(&row, &mut found)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(found.into_page())
}

fn of_resource<'a>(row: &'a Row<'_>) -> &'a [KeyValue] {
    row.resource.resource.as_ref().map_or(&[], |resource| &resource.attributes)
}

fn of_instrumentation<'a>(row: &'a Row<'_>) -> &'a [KeyValue] {
    row.scope.scope.as_ref().map_or(&[], |scope| &scope.attributes)
}
