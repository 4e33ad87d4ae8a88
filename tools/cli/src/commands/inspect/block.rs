//! `inspect --block`: the rows of a block, and the runs that they are stored in.

use serde_json::{Value as Json, json};
use tracekeep::TraceSpan;
use tracekeep::inspect::Block;

use crate::commands::inspect::part;
use crate::failure::{Exit, Result};
use crate::output::{Column, Output};

pub fn show(found: &Block, number: u32, output: &mut Output) -> Result {
    if output.json {
        let span = |span: &TraceSpan| -> Result<Json> {
            Ok(serde_json::from_str(&span.to_otlp_json()?).map_err(std::io::Error::from)?)
        };
        let spans = found.spans.iter().map(span).collect::<Result<Vec<Json>>>()?;
        let runs = serde_json::to_value(&found.runs).map_err(std::io::Error::from)?;
        output.value(&json!({
            "kind": "block",
            "block": number,
            "offset": found.offset,
            "spans": spans,
            "runs": runs,
        }))?;
        return Ok(Exit::Done);
    }
    rows(found, output)?;
    runs(found, output)?;
    Ok(Exit::Done)
}

/// The runs in the order in which they stand; JSON has their values.
fn runs(found: &Block, output: &mut Output) -> Result<()> {
    part("runs", output)?;
    let columns = [
        Column::number("template"),
        Column::text("column"),
        Column::number("values"),
        Column::number("byte"),
        Column::number("bit"),
        Column::number("bits"),
        Column::text("encoding"),
    ];
    let rows = found.runs.iter().map(|run| {
        vec![
            run.template.map_or_else(String::new, |code| code.to_string()),
            run.field.clone(),
            run.rows.to_string(),
            (found.offset + run.bit as u64 / 8).to_string(),
            (run.bit % 8).to_string(),
            run.bits.to_string(),
            run.encoding.clone(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

fn rows(found: &Block, output: &mut Output) -> Result<()> {
    let columns = [
        Column::number("row"),
        Column::whole("trace"),
        Column::whole("span"),
        Column::whole("parent"),
        Column::whole("start"),
        Column::number("duration"),
        Column::text("service"),
        Column::text("name"),
    ];
    let rows = found.spans.iter().enumerate().map(|(row, span_in)| {
        let span = &span_in.span;
        vec![
            row.to_string(),
            span.trace_id.to_string(),
            span.span_id.to_string(),
            span.parent_span_id.map_or_else(String::new, |parent| parent.to_string()),
            span.start.to_string(),
            output.duration(span.duration()),
            span_in.service().map_or_else(String::new, ToString::to_string),
            span.name.to_string(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    Ok(output.table(&columns, rows)?)
}
