//! `services`, `operations`, `tags`, `values`: what there is to ask for.

use serde_json::{Value as Json, json};
use tracekeep::{NamesPage, NamesQuery, TagKey, TraceReader, ValueKind, ValuesQuery};

use crate::args::{ListArgs, OperationsArgs, ValueType, ValuesArgs};
use crate::commands::Place;
use crate::failure::{Exit, Failure, Result, note};
use crate::output::{Column, Output};
use crate::text;

pub fn services(args: &ListArgs, place: &Place, output: &mut Output) -> Result {
    let page = place.reader()?.list_services(&names_query(args)?);
    let NamesPage { names, next, .. } = page.map_err(Failure::of_question)?;
    if output.json {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        output.value(&json!({ "services": names, "next": next }))?;
        return Ok(Exit::Done);
    }
    let rows = names.iter().map(|service| vec![service.to_string()]);
    output.table(&[Column::text("service")], rows)?;
    tell_next(next.as_deref(), output)
}

pub fn operations(args: &OperationsArgs, place: &Place, output: &mut Output) -> Result {
    let page = place.reader()?.list_operations(&args.service, &names_query(&args.list)?);
    let NamesPage { names, next, .. } = page.map_err(Failure::of_question)?;
    let rows = names.iter().map(|operation| {
        let kind = operation.kind;
        let kind = kind.name().map_or_else(|| kind.0.to_string(), str::to_owned);
        (operation.name.to_string(), kind)
    });
    if output.json {
        let rows: Vec<Json> =
            rows.map(|(name, kind)| json!({ "name": name, "spanKind": kind })).collect();
        output.value(&json!({ "operations": rows, "next": next }))?;
        return Ok(Exit::Done);
    }
    let columns = [Column::text("operation"), Column::text("kind")];
    output.table(&columns, rows.map(|(name, kind)| vec![name, kind]))?;
    tell_next(next.as_deref(), output)
}

pub fn tags(args: &ListArgs, place: &Place, output: &mut Output) -> Result {
    let page = place.reader()?.list_tag_keys(&names_query(args)?);
    let NamesPage { names, next, .. } = page.map_err(Failure::of_question)?;
    if output.json {
        let scopes: Vec<Json> = names.chunk_by(|a, b| a.scope == b.scope).map(scope_json).collect();
        output.value(&json!({ "scopes": scopes, "next": next }))?;
        return Ok(Exit::Done);
    }
    let columns = [Column::text("scope"), Column::text("tag")];
    let rows = names.iter().map(|key| vec![key.scope.name().to_owned(), key.key.to_string()]);
    output.table(&columns, rows)?;
    tell_next(next.as_deref(), output)
}

fn names_query(args: &ListArgs) -> Result<NamesQuery> {
    let query = NamesQuery::of(args.spans()?).limit(args.limit);
    Ok(args.after.iter().fold(query, NamesQuery::after))
}

/// Ends a page on the terminal.
fn tell_next(next: Option<&str>, output: &mut Output) -> Result {
    output.flush()?;
    if let Some(cursor) = next {
        note(&format!("there are more: --after {cursor}"));
    }
    Ok(Exit::Done)
}

fn scope_json(keys: &[TagKey]) -> Json {
    let name = keys.first().map_or("", |key| key.scope.name());
    let tags: Vec<&str> = keys.iter().map(|key| key.key.as_ref()).collect();
    json!({ "name": name, "tags": tags })
}

pub fn values(args: &ValuesArgs, place: &Place, output: &mut Output) -> Result {
    let page = place.reader()?.values(&values_query(args)?);
    let page = page.map_err(Failure::of_question)?;
    let rows = page.values.iter().map(|found| (text::value(&found.value), found.traces));
    if output.json {
        let rows: Vec<Json> = rows
            .map(|((kind, value), traces)| match traces {
                Some(traces) => json!({ "type": kind, "value": value, "traces": traces }),
                None => json!({ "type": kind, "value": value }),
            })
            .collect();
        output.value(&json!({ "tagValues": rows, "next": page.next }))?;
        return Ok(Exit::Done);
    }
    let mut columns = vec![Column::text("value"), Column::text("type")];
    columns.extend(args.count.then(|| Column::number("traces")));
    let rows = rows.map(|((kind, value), traces)| {
        let traces = traces.map(|traces| traces.to_string());
        [value, kind.to_owned()].into_iter().chain(traces).collect()
    });
    output.table(&columns, rows)?;
    tell_next(page.next.as_deref(), output)
}

fn values_query(args: &ValuesArgs) -> Result<ValuesQuery> {
    let list = &args.list;
    let mut query = ValuesQuery::of(args.tag.as_str()).spans(list.spans()?).limit(list.limit);
    if let Some(prefix) = &args.prefix {
        query = query.prefix(prefix.as_str());
    }
    if let Some(kind) = args.kind {
        query = query.kind(match kind {
            ValueType::String => ValueKind::String,
            ValueType::Int => ValueKind::Int,
            ValueType::Float => ValueKind::Double,
            ValueType::Bool => ValueKind::Bool,
        });
    }
    if let Some(cursor) = &list.after {
        query = query.after(cursor.as_str());
    }
    Ok(if args.count { query.counted() } else { query })
}
