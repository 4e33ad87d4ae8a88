//! `backup`: a copy of a store, also of one that is being written to.

use serde_json::json;

use crate::args::BackupArgs;
use crate::commands::Place;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Column, Output};

pub fn run(args: &BackupArgs, place: &Place, output: &mut Output) -> Result {
    if place.path()?.is_file() {
        let what = "a single segment file is no store: copy it";
        return Err(Failure::Usage(what.into()));
    }
    let report = place.reader()?.backup(&args.directory)?;
    if output.json {
        output.value(&json!({
            "segments": report.segments,
            "linkedBytes": report.linked_bytes,
            "copiedBytes": report.copied_bytes,
            "batches": report.batches,
            "loggedBytes": report.logged_bytes,
        }))?;
        return Ok(Exit::Done);
    }
    let rows = [
        ("segments", output.count(report.segments)),
        ("bytes shared with the store", output.size(report.linked_bytes)),
        ("bytes copied", output.size(report.copied_bytes)),
        ("batches in the log", output.count(report.batches)),
        ("bytes of these", output.size(report.logged_bytes)),
    ];
    let columns = [Column::text("backup"), Column::number("")];
    output.table(&columns, rows.map(|(name, value)| vec![name.to_owned(), value]))?;
    Ok(Exit::Done)
}
