//! `verify`: every checksum, every invariant; changes nothing.

use serde_json::{Value as Json, json};
use tracekeep::{Error, inspect};

use crate::commands::Place;
use crate::failure::{Exit, Failure, Result, note};
use crate::output::{Column, Output, bytes, grouped};

pub fn run(place: &Place, output: &mut Output) -> Result {
    let path = place.path()?;
    let verified = inspect::verify(path).map_err(|error| match error {
        // The path leads to what is no store.
        Error::InvalidInput { message, .. } => Failure::Usage(message),
        other => place.missing(other),
    })?;
    let ok = verified.damage.is_empty();
    if output.json {
        let damage: Vec<Json> = verified.damage.iter().map(json).collect();
        output.value(&json!({
            "ok": ok,
            "files": verified.files,
            "bytes": verified.bytes,
            "damage": damage,
        }))?;
    } else {
        let rows: Vec<Vec<String>> = verified.damage.iter().map(row).collect();
        let columns = ["file", "offset", "section", "damage"].map(Column::text);
        if !ok {
            output.table(&columns, rows)?;
            output.flush()?;
        }
        let verdict = if ok { "all sound" } else { "damaged" };
        let (files, size) = (grouped(verified.files), bytes(verified.bytes));
        note(&format!("{}: {files} files, {size}: {verdict}", path.display()));
    }
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

fn row(error: &Error) -> Vec<String> {
    match error {
        Error::Corrupt { file, offset, section, detail } => vec![
            file.display().to_string(),
            offset.to_string(),
            (*section).to_owned(),
            detail.clone(),
        ],
        other => vec![String::new(), String::new(), String::new(), other.to_string()],
    }
}

fn json(error: &Error) -> Json {
    let (file, offset, section) = match error {
        Error::Corrupt { file, offset, section, .. } => {
            (Some(file.display().to_string()), Some(*offset), Some(*section))
        }
        Error::Version { file, .. } => (Some(file.display().to_string()), None, None),
        Error::NotFound { path } => (Some(path.display().to_string()), None, None),
        _ => (None, None, None),
    };
    json!({
        "kind": error.kind(),
        "message": error.to_string(),
        "file": file,
        "offset": offset,
        "section": section,
    })
}
