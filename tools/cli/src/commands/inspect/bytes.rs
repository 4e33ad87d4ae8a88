//! `inspect --hex`: bytes, and what they belong to.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::json;
use tracekeep::inspect::FileInfo;

use crate::failure::{Exit, Failure, Result};
use crate::output::Output;

/// How many bytes are shown: what a screen takes.
const SHOWN: u64 = 256;

/// Bytes of a line.
const LINE: usize = 16;

/// What one of the headers of our files takes.
const HEADER: u64 = 16;
const LOG_HEADER: u64 = 4096;

pub fn show(path: &Path, offset: u64, info: Option<&FileInfo>, output: &mut Output) -> Result {
    let bytes = read(path, offset)
        .map_err(|error| Failure::Io(format!("cannot read {}", path.display()), error))?;
    if bytes.is_empty() {
        let end = format!("{} ends before byte {offset}", path.display());
        return Err(Failure::Usage(end));
    }
    let place = info.and_then(|info| place(info, offset));
    if output.json {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        output.value(&json!({ "kind": "bytes", "offset": offset, "part": place, "hex": hex }))?;
        return Ok(Exit::Done);
    }
    let mut named = None;
    for (at, line) in (offset..).step_by(LINE).zip(bytes.chunks(LINE)) {
        let now = info.and_then(|info| self::place(info, at));
        let name = if now == named { "" } else { now.as_deref().unwrap_or("") };
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = line.iter().map(|byte| printable(*byte)).collect();
        let (hex, separator) = (hex.join(" "), if output.terminal { "  " } else { "\t" });
        let columns = 3 * LINE - 1;
        output.line(&format!(
            "{at:08x}{separator}{hex:columns$}{separator}{text:LINE$}{separator}{name}"
        ))?;
        named = now;
    }
    Ok(Exit::Done)
}

fn read(path: &Path, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(SHOWN).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}

/// What stands at an offset.
fn place(info: &FileInfo, offset: u64) -> Option<String> {
    let within = |start: u64, bytes: u64| offset >= start && offset - start < bytes;
    match info {
        FileInfo::Segment(info) => {
            let block = info.blocks.iter().position(|block| within(block.offset, block.bytes));
            let section = || info.sections.iter().find(|part| within(part.offset, part.bytes));
            let part = || info.parts.iter().find(|part| within(part.offset, part.bytes));
            block
                .map(|number| format!("block {number}"))
                .or_else(|| section().or_else(part).map(|part| part.name.to_owned()))
        }
        FileInfo::Manifest(_) if offset < HEADER => Some("header".to_owned()),
        FileInfo::Manifest(info) => {
            let record = info.records.iter().rev().find(|record| record.offset <= offset);
            let torn = offset >= info.bytes.saturating_sub(info.torn_bytes);
            let of = |version| format!("record of version {version}");
            if torn { Some("torn".to_owned()) } else { record.map(|record| of(record.version)) }
        }
        FileInfo::Log(_) if offset < LOG_HEADER => Some("header page".to_owned()),
        FileInfo::Log(info) => {
            let frame = info.frames.iter().find(|frame| within(frame.offset, frame.bytes));
            Some(frame.map_or_else(|| "free".to_owned(), |f| format!("frame {}", f.sequence)))
        }
    }
}
