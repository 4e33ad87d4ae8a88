//! `shapes`: traces grouped by structure, the rarest first.

use serde_json::{Value as Json, json};
use tracekeep::{Query, Shape, ShapeSpan, TraceReader};

use crate::args::ShapesArgs;
use crate::commands::Place;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Column, Output};

pub fn run(args: &ShapesArgs, place: &Place, output: &mut Output) -> Result {
    let query = Query::parse(&args.query)?.between(args.range.range()).limit(args.limit);
    let shapes = place.reader()?.shapes(&query).map_err(Failure::of_question)?;
    if output.json {
        let shapes: Vec<Json> = shapes.iter().map(shape_json).collect();
        output.value(&json!({ "shapes": shapes }))?;
        return Ok(Exit::Done);
    }
    let columns = [
        Column::number("traces"),
        Column::number("errors"),
        Column::number("median"),
        Column::number("p99"),
        Column::number("max"),
        Column::number("spans"),
        Column::whole("exemplar"),
        Column::text("root"),
    ];
    let rows: Vec<_> = shapes.iter().map(|shape| row(shape, output)).collect();
    output.table(&columns, rows)?;
    Ok(Exit::Done)
}

fn row(shape: &Shape, output: &Output) -> Vec<String> {
    let root = shape.spans.first();
    let service = root.and_then(|root| root.service.as_deref()).unwrap_or_default();
    let name = root.map_or("", |root| &root.name);
    vec![
        shape.traces.to_string(),
        shape.errors.to_string(),
        output.duration(shape.estimated_median),
        output.duration(shape.estimated_p99),
        output.duration(shape.max_duration),
        shape.spans.len().to_string(),
        shape.exemplar.to_string(),
        format!("{service} {name}").trim_start().to_owned(),
    ]
}

fn shape_json(shape: &Shape) -> Json {
    let spans: Vec<Json> = shape.spans.iter().map(span_json).collect();
    json!({
        "traceCount": shape.traces,
        "errorCount": shape.errors,
        "minDurationNanos": shape.min_duration.as_nanos().to_string(),
        "maxDurationNanos": shape.max_duration.as_nanos().to_string(),
        "estimatedMedianDurationNanos": shape.estimated_median.as_nanos().to_string(),
        "estimatedP99DurationNanos": shape.estimated_p99.as_nanos().to_string(),
        "exemplarTraceID": shape.exemplar.to_string(),
        "exemplarStartTimeUnixNano": shape.exemplar_start.nanos().to_string(),
        "spans": spans,
    })
}

fn span_json(span: &ShapeSpan) -> Json {
    json!({ "depth": span.depth, "serviceName": span.service.as_deref(), "name": &*span.name })
}
