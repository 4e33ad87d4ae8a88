//! Workloads as files, in the forms that `tracekeep import` reads.

use std::io::{self, Write};

use crate::workload::{Workload, count};
use crate::{json, protobuf};

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Requests.
    pub batches: u64,
    /// Spans.
    pub spans: u64,
    /// Bytes, those of the frames included.
    pub bytes: u64,
}

/// Writes each batch as its length, 4 bytes in big-endian order, and a protobuf request.
pub fn write_protobuf(workload: Workload, out: &mut impl Write) -> io::Result<Written> {
    write(workload, |batch| {
        let request = protobuf::encode(batch);
        let len = u32::try_from(request.len()).map_err(io::Error::other)?;
        out.write_all(&len.to_be_bytes())?;
        out.write_all(&request)?;
        Ok(request.len() as u64 + 4)
    })
}

/// Writes each batch as a line of JSON.
pub fn write_json(workload: Workload, out: &mut impl Write) -> io::Result<Written> {
    write(workload, |batch| {
        let mut line = json::encode(batch);
        line.push('\n');
        out.write_all(line.as_bytes())?;
        Ok(line.len() as u64)
    })
}

fn write(
    workload: Workload,
    mut put: impl FnMut(&[tracekeep::ResourceSpans]) -> io::Result<u64>,
) -> io::Result<Written> {
    let mut written = Written::default();
    for batch in workload {
        written.bytes += put(&batch)?;
        written.batches += 1;
        written.spans += count(&batch);
    }
    Ok(written)
}
