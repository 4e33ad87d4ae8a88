//! `search`: traces in which a span matches.

use serde_json::{Map, Value as Json, json};
use tracekeep::{
    Explain, KeyValue, Page, Plan, Query, SpanSet, TraceHit, TraceReader, TraceSpan, Value,
};

use crate::args::SearchArgs;
use crate::commands::Place;
use crate::failure::{Exit, Failure, Result, note};
use crate::output::{Column, Output};

pub fn run(args: &SearchArgs, place: &Place, output: &mut Output) -> Result {
    let mut query = Query::parse(&args.query)?.between(args.range.range()).limit(args.limit);
    if let Some(cursor) = &args.after {
        query = query.after(cursor.as_str());
    }
    if let Some(timeout) = args.timeout {
        query = query.timeout(timeout);
    }
    let (page, explain) = place.reader()?.explain(&query).map_err(Failure::of_question)?;
    if output.json {
        let mut answer = page_json(&page)?;
        if args.explain {
            let members = explained(&explain).into_iter();
            let mut members: Map<_, Json> =
                members.map(|(name, number)| (name.to_owned(), number.into())).collect();
            members.insert("plan".into(), plan_json(&explain.plan));
            answer.insert("explain".into(), members.into());
        }
        output.value(&answer.into())?;
        return Ok(Exit::Done);
    }
    table(&page, output)?;
    output.flush()?;
    if let Some(cursor) = &page.next {
        note(&format!("there may be more: --after {cursor}"));
    }
    if args.explain {
        tell(&explain.plan);
        for (name, number) in explained(&explain) {
            note(&format!("{name}: {number}"));
        }
    }
    Ok(Exit::Done)
}

/// The traces of a page, one a row.
pub fn table(page: &Page, output: &mut Output) -> Result<()> {
    let columns = [
        Column::whole("trace"),
        Column::whole("start"),
        Column::number("duration"),
        Column::number("spans"),
        Column::number("errors"),
        Column::text("root"),
    ];
    let rows: Vec<_> = page.traces.iter().map(|hit| row(hit, output)).collect();
    Ok(output.table(&columns, rows)?)
}

fn row(hit: &TraceHit, output: &Output) -> Vec<String> {
    let mut row = vec![
        hit.trace_id.to_string(),
        output.time(hit.start),
        output.duration(hit.duration),
        hit.span_count.to_string(),
        hit.error_count.to_string(),
    ];
    let [service, name] =
        [&hit.root_service, &hit.root_name].map(|text| text.as_deref().unwrap_or_default());
    if output.terminal {
        // One column less leaves the others their width.
        row.push(format!("{service} {name}"));
    } else {
        row.extend([hit.matched.to_string(), service.to_owned(), name.to_owned()]);
    }
    row
}

/// A page as Tempo's API gives it, with exact durations beside.
pub fn page_json(page: &Page) -> Result<Map<String, Json>> {
    let traces = page.traces.iter().map(hit_json).collect::<Result<Vec<Json>>>()?;
    let mut answer = Map::new();
    answer.insert("traces".into(), traces.into());
    answer.insert("next".into(), page.next.as_deref().into());
    Ok(answer)
}

fn hit_json(hit: &TraceHit) -> Result<Json> {
    let services = hit.services.iter().map(|part| {
        (part.service.to_string(), json!({ "spanCount": part.spans, "errorCount": part.errors }))
    });
    let sets = hit.sets.iter().map(|set| set_json(hit, set)).collect::<Result<Vec<Json>>>()?;
    Ok(json!({
        "traceID": hit.trace_id.to_string(),
        "rootServiceName": hit.root_service.as_deref(),
        "rootTraceName": hit.root_name.as_deref(),
        "startTimeUnixNano": hit.start.nanos().to_string(),
        "durationMs": u64::try_from(hit.duration.as_millis()).unwrap_or(u64::MAX),
        "durationNanos": hit.duration.as_nanos().to_string(),
        "spanCount": hit.span_count,
        "errorCount": hit.error_count,
        "serviceStats": services.collect::<Map<_, _>>(),
        "spanSets": sets,
    }))
}

/// A span set; what was computed of it, and what of its spans was selected, if there is any.
fn set_json(hit: &TraceHit, set: &SpanSet) -> Result<Json> {
    let mut spans = Vec::new();
    for (number, span) in hit.spans.iter().enumerate().skip(set.shown.start).take(set.shown.len()) {
        let mut json = span_json(span)?;
        if let (Some(selected), Some(members)) = (hit.selected.get(number), json.as_object_mut()) {
            members.insert("selected".into(), pairs_json(selected));
        }
        spans.push(json);
    }
    let mut json = Map::new();
    json.insert("spans".into(), spans.into());
    json.insert("matched".into(), set.matched.into());
    if !set.attributes.is_empty() {
        json.insert("attributes".into(), pairs_json(&set.attributes));
    }
    Ok(json.into())
}

/// Keys and values as OTLP JSON has them.
pub fn pairs_json(pairs: &[KeyValue]) -> Json {
    let pairs =
        pairs.iter().map(|pair| json!({ "key": &*pair.key, "value": value_json(&pair.value) }));
    pairs.collect()
}

/// A value that a query told: text, a number, a truth value, several of these, or none.
fn value_json(value: &Value) -> Json {
    match value {
        Value::String(text) => json!({ "stringValue": &**text }),
        Value::Int(number) => json!({ "intValue": number.to_string() }),
        // JSON has no infinities and no NaN; protobuf's mapping writes them as text.
        Value::Double(number) if !number.is_finite() => {
            json!({ "doubleValue": if number.is_nan() { "NaN" } else if *number > 0.0 { "Infinity" } else { "-Infinity" } })
        }
        Value::Double(number) => json!({ "doubleValue": number }),
        Value::Bool(truth) => json!({ "boolValue": truth }),
        Value::Array(values) => {
            let values: Vec<Json> = values.iter().map(value_json).collect();
            json!({ "arrayValue": { "values": values } })
        }
        _ => json!({}),
    }
}

fn span_json(found: &TraceSpan) -> Result<Json> {
    let span = &found.span;
    Ok(json!({
        "spanID": span.span_id.to_string(),
        "name": &*span.name,
        "serviceName": found.service().map(AsRef::<str>::as_ref),
        "startTimeUnixNano": span.start.nanos().to_string(),
        "durationNanos": span.duration().as_nanos().to_string(),
        "attributes": attributes_json(found)?,
    }))
}

/// The span's attributes as OTLP JSON has them: the engine's own writing, taken apart.
fn attributes_json(found: &TraceSpan) -> Result<Json> {
    let text = found.to_otlp_json()?;
    let mut whole: Json = serde_json::from_str(&text)
        .map_err(|error| Failure::Io("the engine wrote malformed JSON".into(), error.into()))?;
    let attributes =
        whole.pointer_mut("/resourceSpans/0/scopeSpans/0/spans/0/attributes").map(Json::take);
    Ok(attributes.unwrap_or_else(|| Json::Array(Vec::new())))
}

/// The plan in lines.
fn tell(plan: &Plan) {
    note(&format!("driver: {}", plan.driver));
    for condition in &plan.conditions {
        let access = condition.access.name();
        let traces = condition.traces.map(|n| format!(", some {n} traces of the newest segments"));
        note(&format!("  {}: {access}{}", condition.text, traces.unwrap_or_default()));
    }
    if let Some(stages) = &plan.stages {
        note(&format!("stages: {stages}"));
    }
}

fn plan_json(plan: &Plan) -> Json {
    let conditions = plan.conditions.iter().map(|condition| {
        json!({
            "condition": condition.text,
            "access": condition.access.name(),
            "traces": condition.traces,
        })
    });
    json!({
        "driver": plan.driver,
        "stages": plan.stages,
        "conditions": conditions.collect::<Vec<_>>(),
    })
}

fn explained(explain: &Explain) -> [(&'static str, u64); 13] {
    [
        ("partitions", explain.partitions),
        ("partitionsOutOfRange", explain.partitions_out_of_range),
        ("segments", explain.segments),
        ("segmentsOutOfRange", explain.segments_out_of_range),
        ("segmentsUnread", explain.segments_unread),
        ("liveGroups", explain.live_groups),
        ("candidates", explain.candidates),
        ("certain", explain.certain),
        ("tracesTooSmall", explain.traces_too_small),
        ("tracesRuledOut", explain.traces_ruled_out),
        ("tracesRead", explain.traces_read),
        ("spansRead", explain.spans_read),
        ("tracesMatched", explain.traces_matched),
    ]
}
