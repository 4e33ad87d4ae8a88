//! `services`, `operations`, `tags`, `values`: what there is to ask for.

use serde_json::{Value as Json, json};
use tracekeep::{Error, TagKey, TraceReader};

use crate::args::{OperationsArgs, RangeArgs, ValuesArgs};
use crate::commands::Place;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Column, Output};
use crate::text;

pub fn services(args: &RangeArgs, place: &Place, output: &mut Output) -> Result {
    let services = place.reader()?.services(args.range())?;
    if output.json {
        let names: Vec<&str> = services.iter().map(AsRef::as_ref).collect();
        output.value(&json!({ "services": names }))?;
    } else {
        let rows = services.iter().map(|service| vec![service.to_string()]);
        output.table(&[Column::text("service")], rows)?;
    }
    Ok(Exit::Done)
}

pub fn operations(args: &OperationsArgs, place: &Place, output: &mut Output) -> Result {
    let operations = place.reader()?.operations(&args.service)?;
    let rows = operations.iter().map(|operation| {
        let kind = operation.kind;
        let kind = kind.name().map_or_else(|| kind.0.to_string(), str::to_owned);
        (operation.name.to_string(), kind)
    });
    if output.json {
        let rows: Vec<Json> =
            rows.map(|(name, kind)| json!({ "name": name, "spanKind": kind })).collect();
        output.value(&json!({ "operations": rows }))?;
    } else {
        let columns = [Column::text("operation"), Column::text("kind")];
        output.table(&columns, rows.map(|(name, kind)| vec![name, kind]))?;
    }
    Ok(Exit::Done)
}

pub fn tags(args: &RangeArgs, place: &Place, output: &mut Output) -> Result {
    let keys = place.reader()?.tag_keys(args.range())?;
    if output.json {
        let scopes: Vec<Json> = keys.chunk_by(|a, b| a.scope == b.scope).map(scope_json).collect();
        output.value(&json!({ "scopes": scopes }))?;
    } else {
        let columns = [Column::text("scope"), Column::text("tag")];
        let rows = keys.iter().map(|key| vec![key.scope.name().to_owned(), key.key.to_string()]);
        output.table(&columns, rows)?;
    }
    Ok(Exit::Done)
}

fn scope_json(keys: &[TagKey]) -> Json {
    let name = keys.first().map_or("", |key| key.scope.name());
    let tags: Vec<&str> = keys.iter().map(|key| key.key.as_ref()).collect();
    json!({ "name": name, "tags": tags })
}

pub fn values(args: &ValuesArgs, place: &Place, output: &mut Output) -> Result {
    let values = place.reader()?.tag_values(&args.tag, args.range.range());
    let values = values.map_err(|error| match error {
        // The tag's name is all that can be wrong here.
        Error::InvalidInput { message, .. } => Failure::Usage(message),
        other => other.into(),
    })?;
    let rows = values.iter().map(text::value);
    if output.json {
        let rows: Vec<Json> =
            rows.map(|(kind, value)| json!({ "type": kind, "value": value })).collect();
        output.value(&json!({ "tagValues": rows }))?;
    } else {
        let columns = [Column::text("value"), Column::text("type")];
        output.table(&columns, rows.map(|(kind, value)| vec![value, kind.to_owned()]))?;
    }
    Ok(Exit::Done)
}
