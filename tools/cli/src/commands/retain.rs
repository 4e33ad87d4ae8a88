//! `retain`: dropping what has expired.

use serde_json::{Value as Json, json};
use tracekeep::{ExpiredPartition, Retention, RetentionReport};

use crate::args::RetainArgs;
use crate::commands::Place;
use crate::failure::{Exit, Result};
use crate::output::{Column, Output};

pub fn run(args: &RetainArgs, place: &Place, output: &mut Output) -> Result {
    let rule = rule(args);
    let report = if args.dry_run {
        // Beside a store that is in use, too.
        place.reader()?.expired(&rule)?
    } else {
        let store = place.store()?;
        let report = store.retain(&rule)?;
        store.close()?;
        report
    };
    if output.json {
        output.value(&json(&report, args.dry_run))?;
    } else {
        print(&report, args.dry_run, output)?;
    }
    Ok(Exit::Done)
}

fn rule(args: &RetainArgs) -> Retention {
    let rule = Retention::default();
    let rule = args.rule.max_age.into_iter().fold(rule, Retention::max_age);
    let rule = args.rule.max_bytes.into_iter().fold(rule, Retention::max_bytes);
    args.rule.max_partitions.into_iter().fold(rule, Retention::max_partitions)
}

fn json(report: &RetentionReport, dry_run: bool) -> Json {
    let partition = |expired: &ExpiredPartition| {
        json!({
            "start": expired.start.to_string(),
            "widthSeconds": expired.width.as_secs_f64(),
            "why": expired.why.name(),
            "segments": expired.segments,
            "spans": expired.spans,
            "bytes": expired.bytes,
        })
    };
    json!({
        "dryRun": dry_run,
        "partitions": report.partitions.iter().map(partition).collect::<Vec<_>>(),
        "spans": report.spans(),
        "bytes": report.bytes(),
        "cutTraces": report.cut_traces,
    })
}

fn print(report: &RetentionReport, dry_run: bool, output: &mut Output) -> Result<()> {
    let people = output.terminal;
    let columns = [
        Column::whole("partition"),
        Column::text("why"),
        Column::number("segments"),
        Column::number("spans"),
        Column::number("bytes"),
    ];
    let rows = report.partitions.iter().map(|expired| {
        vec![
            expired.start.to_string(),
            expired.why.name().to_owned(),
            output.count(expired.segments),
            output.count(expired.spans),
            output.size(expired.bytes),
        ]
    });
    output.table(&columns, rows.collect::<Vec<_>>())?;
    if people {
        output.line("")?;
    }
    let done = if dry_run { "would go" } else { "gone" };
    let columns = [Column::text(done), Column::number("")];
    let rows = [
        ("partitions", output.count(report.partitions.len() as u64)),
        ("spans", output.count(report.spans())),
        ("bytes", output.size(report.bytes())),
        ("traces cut", output.count(report.cut_traces)),
    ];
    Ok(output.table(&columns, rows.map(|(name, value)| vec![name.to_owned(), value]))?)
}
