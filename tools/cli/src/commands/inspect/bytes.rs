//! `inspect --hex`: bytes, and what they belong to.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::json;
use tracekeep::inspect;

use crate::failure::{Exit, Failure, Result};
use crate::output::Output;
use crate::text::shown;

/// How many bytes are shown: what a screen takes.
const SHOWN: u64 = 256;

pub fn show(path: &Path, offset: u64, output: &mut Output) -> Result {
    let bytes = read(path, offset)
        .map_err(|error| Failure::Io(format!("cannot read {}", path.display()), error))?;
    if bytes.is_empty() {
        let end = format!("{} ends before byte {offset}", path.display());
        return Err(Failure::Usage(end));
    }
    // Bytes can be shown of a damaged file, too; only what they belong to is unknown.
    let range = offset..offset.saturating_add(bytes.len() as u64);
    let fields = inspect::fields(path, &range).unwrap_or_default();
    if output.json {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let part = fields.first().map(|field| &field.part);
        let fields = serde_json::to_value(&fields).map_err(std::io::Error::from)?;
        let value = json!({ "kind": "bytes", "offset": offset, "part": part, "hex": hex, "fields": fields });
        output.value(&value)?;
        return Ok(Exit::Done);
    }
    let listing = inspect::listing(&bytes, offset, &fields, usize::MAX);
    listing.lines().try_for_each(|line| output.line(&shown(line)))?;
    Ok(Exit::Done)
}

fn read(path: &Path, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(SHOWN).read_to_end(&mut bytes)?;
    Ok(bytes)
}
