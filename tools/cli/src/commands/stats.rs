//! `stats`: how much a store holds, and where its bytes go.

use std::time::SystemTime;

use serde_json::{Value as Json, json};
use tracekeep::{Counters, PartitionStats, SectionStats, Stats, Timestamp};

use crate::commands::Place;
use crate::failure::{Exit, Result};
use crate::output::{Column, Output};
use crate::times::show_age;

pub fn run(place: &Place, output: &mut Output) -> Result {
    let stats = place.reader()?.stats()?;
    if output.json {
        output.value(&json(&stats))?;
    } else {
        print(&stats, output)?;
    }
    Ok(Exit::Done)
}

/// The figures as JSON.
pub fn json(stats: &Stats) -> Json {
    let partition = |partition: &PartitionStats| {
        json!({
            "start": partition.start.to_string(),
            "widthSeconds": partition.width.as_secs_f64(),
            "state": partition.state.name(),
            "segments": partition.segments,
            "spans": partition.spans,
            "bytes": partition.bytes,
            "splitTraces": partition.split_traces,
        })
    };
    let section = |section: &SectionStats| json!({ "name": section.name, "bytes": section.bytes });
    json!({
        "spans": stats.spans,
        "traces": stats.traces,
        "segments": stats.segments,
        "bytes": stats.bytes,
        "bufferedSpans": stats.buffered_spans,
        "bufferedBytes": stats.buffered_bytes,
        "bytesPerSpan": bytes_per_span(stats),
        "sections": stats.sections.iter().map(section).collect::<Vec<_>>(),
        "partitions": stats.partitions.iter().map(partition).collect::<Vec<_>>(),
        "counters": stats.counters.as_ref().map(counters_json),
    })
}

fn counters_json(counters: &Counters) -> Json {
    let mut object: serde_json::Map<String, Json> =
        counters.counts().map(|(name, count)| (name.to_owned(), count.into())).collect();
    object.insert("since".into(), counters.since.to_string().into());
    let failure = counters.last_failure.as_ref().map(|failure| {
        json!({
            "time": failure.time.to_string(),
            "job": failure.job,
            "message": failure.message,
        })
    });
    object.insert("lastFailure".into(), failure.into());
    object.into()
}

/// Bytes of files for a span that lies in one.
fn bytes_per_span(stats: &Stats) -> Option<f64> {
    let spans = stats.spans.saturating_sub(stats.buffered_spans);
    (spans > 0).then(|| stats.bytes as f64 / spans as f64)
}

/// The figures as tables.
pub fn print(stats: &Stats, output: &mut Output) -> Result<()> {
    let people = output.terminal;
    let mut rows = vec![
        ("spans", output.count(stats.spans)),
        ("traces", output.count(stats.traces)),
        ("segments", output.count(stats.segments)),
        ("bytes", output.size(stats.bytes)),
    ];
    if let Some(bytes) = bytes_per_span(stats) {
        rows.push(("bytes a span", format!("{bytes:.2}")));
    }
    rows.push(("buffered spans", output.count(stats.buffered_spans)));
    let columns = [Column::text("store"), Column::number("")];
    output.table(&columns, rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]))?;
    sections(stats, output)?;
    let columns = [
        Column::whole("partition"),
        Column::text("state"),
        Column::number("segments"),
        Column::number("spans"),
        Column::number("bytes"),
        Column::number("split traces"),
        Column::number("age"),
    ];
    let now = Timestamp::from(SystemTime::now());
    let rows = stats.partitions.iter().map(|partition| {
        vec![
            partition.start.to_string(),
            partition.state.name().to_owned(),
            output.count(partition.segments),
            output.count(partition.spans),
            output.size(partition.bytes),
            output.count(partition.split_traces),
            show_age(now.since(partition.start)),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if people && !rows.is_empty() {
        output.line("")?;
    }
    output.table(&columns, rows)?;
    stats.counters.as_ref().map_or(Ok(()), |counters| done(counters, output))
}

/// What the store has done, as far as it has done anything of the kind.
fn done(counters: &Counters, output: &mut Output) -> Result<()> {
    let since = ("since".to_owned(), counters.since.to_string());
    let counts = counters.counts().filter(|(_, count)| *count > 0);
    let counts = counts.map(|(name, number)| (words(name), output.count(number)));
    let failure = counters.last_failure.iter();
    let failure = failure.flat_map(|failure| {
        let place = format!("{}, {}", failure.time, failure.job);
        [("last failure".to_owned(), place), (String::new(), failure.message.clone())]
    });
    let rows: Vec<_> = [since].into_iter().chain(counts).chain(failure).collect();
    if output.terminal {
        output.line("")?;
    }
    let columns = [Column::text("done so far"), Column::number("")];
    Ok(output.table(&columns, rows.into_iter().map(|(name, value)| vec![name, value]))?)
}

/// `spansAccepted` as `spans accepted`.
fn words(name: &str) -> String {
    let word =
        |c: char| if c.is_ascii_uppercase() { vec![' ', c.to_ascii_lowercase()] } else { vec![c] };
    name.chars().flat_map(word).collect()
}

/// Where the bytes go, over all segments.
fn sections(stats: &Stats, output: &mut Output) -> Result<()> {
    if output.terminal {
        output.line("")?;
    }
    let columns = [
        Column::whole("section"),
        Column::number("bytes"),
        Column::number("a span"),
        Column::number("share"),
    ];
    let flushed = stats.spans.saturating_sub(stats.buffered_spans).max(1) as f64;
    let rows = stats.sections.iter().map(|section| {
        let size = section.bytes as f64;
        vec![
            section.name.to_owned(),
            output.size(section.bytes),
            format!("{:.2}", size / flushed),
            format!("{:.1}%", 100.0 * size / stats.bytes.max(1) as f64),
        ]
    });
    let rows: Vec<_> = rows.collect();
    Ok(output.table(&columns, rows)?)
}
