//! What a manifest says, for people.

use std::path::Path;

use serde::Serialize;

use crate::base::error::Result;
use crate::catalog::manifest;
use crate::catalog::version::PartitionState;

/// A manifest, described.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestInfo {
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// The catalog's version.
    pub version: u64,
    /// The id the next segment may have.
    pub next_segment_id: u64,
    /// Frames of the log up to this one are flushed everywhere.
    pub log_floor: u64,
    /// Bytes behind the last record: torn by a crash, and dropped by the next writer.
    pub torn_bytes: u64,
    /// The records in order.
    pub records: Vec<RecordInfo>,
    /// What is live.
    pub partitions: Vec<PartitionInfo>,
}

/// One record.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordInfo {
    /// Where it begins.
    pub offset: u64,
    /// The version that it makes.
    pub version: u64,
    /// `whole` or `edit`.
    pub kind: &'static str,
    /// Segments that it adds.
    pub added: Vec<u64>,
    /// Segments that it removes.
    pub removed: Vec<u64>,
    /// Partitions that it drops.
    pub dropped: usize,
}

/// A partition and its segments.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionInfo {
    /// Its first moment.
    pub start: String,
    /// How many seconds it covers.
    pub width_seconds: f64,
    /// `open` or `sealed`.
    pub state: &'static str,
    /// Frames of the log up to this one are in its segments.
    pub flushed_sequence: u64,
    /// Its segments.
    pub segments: Vec<EntryInfo>,
}

/// A segment, as the manifest knows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryInfo {
    /// Its id.
    pub id: u64,
    /// Its spans.
    pub spans: u64,
    /// Its traces, or parts of traces.
    pub traces: u64,
    /// Length of its file.
    pub bytes: u64,
}

/// Describes the manifest `bytes` of `file`.
pub fn describe(file: &Path, bytes: &[u8]) -> Result<ManifestInfo> {
    let manifest = manifest::read(file, bytes)?;
    let records = manifest::records(bytes).map(|(offset, version, whole, edit)| RecordInfo {
        offset: offset as u64,
        version,
        kind: if whole { "whole" } else { "edit" },
        added: edit.add.iter().map(|(_, segment)| segment.id).collect(),
        removed: edit.remove,
        dropped: edit.drop.len(),
    });
    let partitions = manifest.version.partitions.iter().map(|(key, entry)| {
        let segments = entry.segments.iter().map(|segment| EntryInfo {
            id: segment.id,
            spans: segment.summary.rows,
            traces: segment.summary.traces,
            bytes: segment.bytes,
        });
        PartitionInfo {
            start: key.first().to_string(),
            width_seconds: key.width_nanos as f64 / 1e9,
            state: match entry.state {
                PartitionState::Open => "open",
                PartitionState::Sealed(_) => "sealed",
            },
            flushed_sequence: entry.flushed_seq,
            segments: segments.collect(),
        }
    });
    Ok(ManifestInfo {
        path: file.display().to_string(),
        bytes: bytes.len() as u64,
        version: manifest.version.number,
        next_segment_id: manifest.version.next_segment_id,
        log_floor: manifest.version.log_floor,
        torn_bytes: bytes.len().saturating_sub(manifest.end) as u64,
        records: records.collect(),
        partitions: partitions.collect(),
    })
}
