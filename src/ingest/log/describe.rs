//! What a log file holds, for people.

use std::path::Path;

use serde::Serialize;

use crate::base::bytes::u64_at;
use crate::base::error::{Error, Result};
use crate::disk::Disk;
use crate::ingest::contexts::Contexts;
use crate::ingest::log::files::LogFile;
use crate::ingest::log::frame;
use crate::ingest::log::header::{self, FIRST_FRAME};
use crate::ingest::log::scan::{Place, Stopped, walk};
use crate::ingest::otlp;

/// Where a header page keeps the file's number.
const NUMBER_AT: usize = 16;

/// A log file, described.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogInfo {
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its number.
    pub number: u64,
    /// The sequence of its first frame.
    pub first_sequence: u64,
    /// Everything before this offset has been synced.
    pub synced_end: u64,
    /// Where its last sound frame ends; what follows is torn, or from a former life.
    pub end: u64,
    /// The frames in order.
    pub frames: Vec<FrameInfo>,
}

/// One frame.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameInfo {
    /// Its sequence.
    pub sequence: u64,
    /// Where it begins.
    pub offset: u64,
    /// Its length, header included.
    pub bytes: u64,
    /// The spans in it.
    pub spans: usize,
}

/// Describes one log file, whatever its name.
pub fn describe(disk: &dyn Disk, path: &Path, contexts: &Contexts) -> Result<LogInfo> {
    let page = disk.read_part(path, 0, header::PAGE_BYTES)?;
    let number = u64_at(&page, NUMBER_AT).unwrap_or(0);
    let header = header::read(path, &page, number)?;
    let first = Place { file: number, offset: FIRST_FRAME, seq: header.first_seq };
    let file = LogFile { path: path.to_path_buf(), header, len: 0 };
    let mut frames = Vec::new();
    let mut offset = FIRST_FRAME;
    let end = walk(disk, path, &[file], first, &mut |sequence, payload| {
        let bytes = (frame::HEADER_BYTES + payload.len()) as u64;
        let spans = otlp::replay(payload, contexts).map_err(|error| {
            let detail = format!("a sound frame that cannot be read: {error}");
            Error::corrupt(path, offset, "log frame", detail)
        })?;
        frames.push(FrameInfo { sequence, offset, bytes, spans: spans.len() });
        offset += bytes;
        Ok(())
    });
    let end = end.map_err(Stopped::into_error)?;
    Ok(LogInfo {
        path: path.display().to_string(),
        bytes: disk_len(disk, path)?,
        number,
        first_sequence: header.first_seq,
        synced_end: header.synced_end,
        end: end.offset,
        frames,
    })
}

fn disk_len(disk: &dyn Disk, path: &Path) -> Result<u64> {
    Ok(disk.open(path)?.len())
}
