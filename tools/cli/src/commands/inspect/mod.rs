//! `inspect`: what is in a file of a store. Never changes it.

mod block;
mod bytes;
mod layout;
mod segment;

use tracekeep::Error;
use tracekeep::inspect::{self, FileInfo, IdsInfo, LogInfo, ManifestInfo};

use crate::args::InspectArgs;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Column, Output};

pub fn run(args: &InspectArgs, output: &mut Output) -> Result {
    if args.file.is_dir() {
        let what = "is a directory: give one of its files, such as MANIFEST";
        return Err(Failure::Usage(format!("{} {what}", args.file.display())));
    }
    if let Some(number) = args.block {
        let found = inspect::block(&args.file, number).map_err(usage)?;
        return block::show(&found, number, output);
    }
    if let Some(offset) = args.hex {
        return bytes::show(&args.file, offset, output);
    }
    let info = inspect::file(&args.file).map_err(usage)?;
    if output.json {
        let value = serde_json::to_value(&info).map_err(std::io::Error::from)?;
        output.value(&value)?;
        return Ok(Exit::Done);
    }
    match info {
        FileInfo::Segment(info) => segment::show(&info, output)?,
        FileInfo::Manifest(info) => show_manifest(&info, output)?,
        FileInfo::Log(info) => show_log(&info, output)?,
        FileInfo::Ids(info) => show_ids(&info, output)?,
    }
    Ok(Exit::Done)
}

/// What was asked for is not there to be shown.
fn usage(error: Error) -> Failure {
    match error {
        Error::InvalidInput { message, .. } => Failure::Usage(message),
        other => other.into(),
    }
}

/// Names and values, one pair a row.
fn figures(title: &'static str, rows: &[(&str, String)], output: &mut Output) -> Result<()> {
    let rows = rows.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]);
    Ok(output.table(&[Column::text(title), Column::text("")], rows)?)
}

/// A heading for a table, where there are people to read it.
fn part(title: &str, output: &mut Output) -> Result<()> {
    if output.terminal {
        output.line("")?;
        output.heading(title)?;
    }
    Ok(())
}

fn show_manifest(info: &ManifestInfo, output: &mut Output) -> Result<()> {
    let rows = [
        ("file", info.path.clone()),
        ("bytes", info.bytes.to_string()),
        ("version", info.version.to_string()),
        ("next segment id", info.next_segment_id.to_string()),
        ("log floor", info.log_floor.to_string()),
        ("torn bytes", info.torn_bytes.to_string()),
    ];
    figures("manifest", &rows, output)?;
    part("records", output)?;
    let columns = [
        Column::number("offset"),
        Column::number("version"),
        Column::text("kind"),
        Column::text("adds"),
        Column::text("removes"),
        Column::number("drops"),
    ];
    let ids = |ids: &[u64]| ids.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
    let rows = info.records.iter().map(|record| {
        vec![
            record.offset.to_string(),
            record.version.to_string(),
            record.kind.to_owned(),
            ids(&record.added),
            ids(&record.removed),
            record.dropped.to_string(),
        ]
    });
    output.table(&columns, rows)?;
    part("partitions", output)?;
    let columns = [
        Column::whole("partition"),
        Column::text("state"),
        Column::number("flushed"),
        Column::number("segment"),
        Column::number("spans"),
        Column::number("traces"),
        Column::number("bytes"),
    ];
    let rows = info.partitions.iter().flat_map(|partition| {
        partition.segments.iter().map(|segment| {
            vec![
                partition.start.clone(),
                partition.state.to_owned(),
                partition.flushed_sequence.to_string(),
                segment.id.to_string(),
                segment.spans.to_string(),
                segment.traces.to_string(),
                segment.bytes.to_string(),
            ]
        })
    });
    Ok(output.table(&columns, rows)?)
}

fn show_log(info: &LogInfo, output: &mut Output) -> Result<()> {
    let rows = [
        ("file", info.path.clone()),
        ("bytes", info.bytes.to_string()),
        ("number", info.number.to_string()),
        ("first sequence", info.first_sequence.to_string()),
        ("synced end", info.synced_end.to_string()),
        ("end of frames", info.end.to_string()),
    ];
    figures("log", &rows, output)?;
    part("frames", output)?;
    let columns = ["sequence", "offset", "bytes", "spans"].map(Column::number);
    let rows = info.frames.iter().map(|frame| {
        vec![
            frame.sequence.to_string(),
            frame.offset.to_string(),
            frame.bytes.to_string(),
            frame.spans.to_string(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

fn show_ids(info: &IdsInfo, output: &mut Output) -> Result<()> {
    let rows = [
        ("file", info.path.clone()),
        ("bytes", info.bytes.to_string()),
        ("bits", info.bits.to_string()),
        ("hash functions", info.hash_functions.to_string()),
    ];
    figures("id filter", &rows, output)
}
