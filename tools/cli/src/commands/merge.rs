//! `merge`: fewer, larger segments.

use crate::args::MergeArgs;
use crate::commands::Place;
use crate::failure::{Exit, Result};
use crate::output::{Column, Output};
use serde_json::json;

pub fn run(args: &MergeArgs, place: &Place, output: &mut Output) -> Result {
    let store = place.store()?;
    let before = store.stats()?;
    if args.all {
        store.merge()?;
    } else {
        store.merge_due()?;
    }
    let after = store.stats()?;
    store.close()?;
    if output.json {
        let state =
            |stats: &tracekeep::Stats| json!({ "segments": stats.segments, "bytes": stats.bytes });
        output.value(&json!({ "before": state(&before), "after": state(&after) }))?;
    } else {
        let row = |name: &str, stats: &tracekeep::Stats| {
            vec![name.to_owned(), stats.segments.to_string(), stats.bytes.to_string()]
        };
        let columns = [Column::text("merge"), Column::number("segments"), Column::number("bytes")];
        output.table(&columns, [row("before", &before), row("after", &after)])?;
    }
    Ok(Exit::Done)
}
