//! Flush: a sealed buffer becomes segments of its partition.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::catalog::SegmentEntry;
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::ingest::rows;
use crate::segment::Segment;
use crate::upkeep::held::Held;
use crate::upkeep::sink::Sink;

/// Writes the spans of `groups` as segments, except those that `held`, the partition's live
/// segments, already hold: so writing is idempotent (P5), and no two segments of a partition share
/// a span.
pub fn flush(
    groups: &[Arc<Group>],
    held: &[Arc<Segment>],
    sink: &Sink<'_>,
) -> Result<Vec<SegmentEntry>> {
    let mut builder = sink.builder();
    let mut held = Held::new(held);
    let mut skip = |entry: &Entry, group: &Group| match held.holds(group, entry) {
        // What cannot be read cannot stand for the span: it is stored again.
        Err(Error::Corrupt { .. } | Error::Version { .. }) => Ok(false),
        known => known,
    };
    rows::build_segment(groups, &mut skip, &mut builder)?;
    if builder.rows() == 0 {
        return Ok(Vec::new());
    }
    Ok(vec![sink.write(builder)?])
}
