//! `metrics`: what is counted or measured of spans, over time.

use serde_json::{Value as Json, json};
use tracekeep::{MetricsExplain, MetricsQuery, Query, Series, TraceReader};

use crate::args::MetricsArgs;
use crate::commands::Place;
use crate::commands::search::pairs_json;
use crate::failure::{Exit, Failure, Result, note};
use crate::output::{Column, Output};
use crate::text;

pub fn run(args: &MetricsArgs, place: &Place, output: &mut Output) -> Result {
    let query = MetricsQuery::parse(&args.query)?.between(args.range.range()).step(args.step);
    let query = query.with(|spans| args.timeout.into_iter().fold(spans, Query::timeout));
    let found = place.reader()?.explain_metrics(&query).map_err(Failure::of_question)?;
    let (series, looked) = (found.0, explained(&found.1));
    if output.json {
        let series: Vec<Json> = series.iter().map(series_json).collect();
        let mut answer = json!({ "series": series });
        if let (true, Some(members)) = (args.explain, answer.as_object_mut()) {
            let looked = looked.iter().map(|(name, count)| ((*name).to_owned(), json!(count)));
            members.insert("explain".into(), Json::Object(looked.collect()));
        }
        output.value(&answer)?;
        return Ok(Exit::Done);
    }
    let columns = [Column::whole("step"), Column::number("value"), Column::text("series")];
    let mut rows = Vec::new();
    for one in &series {
        let label =
            one.labels.iter().map(|own| format!("{}={}", own.key, text::value(&own.value).1));
        let label = label.collect::<Vec<_>>().join(" ");
        for (start, value) in &one.samples {
            rows.push(vec![output.time(*start), value.to_string(), label.clone()]);
        }
    }
    output.table(&columns, rows)?;
    if args.explain {
        output.flush()?;
        looked.iter().for_each(|(name, count)| note(&format!("{name}: {count}")));
    }
    Ok(Exit::Done)
}

fn explained(explain: &MetricsExplain) -> [(&'static str, u64); 4] {
    [
        ("segmentsByStatistics", explain.segments_by_statistics),
        ("cells", explain.cells),
        ("rows", explain.rows),
        ("spansRead", explain.spans_read),
    ]
}

/// A series as Tempo's API gives it; values beyond JSON's numbers are null.
fn series_json(series: &Series) -> Json {
    let samples = series
        .samples
        .iter()
        .map(|(start, value)| json!({ "timeUnixNano": start.nanos().to_string(), "value": value }));
    json!({ "labels": pairs_json(&series.labels), "samples": samples.collect::<Vec<Json>>() })
}
