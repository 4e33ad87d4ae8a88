//! Flush: a sealed buffer becomes segments of its partition.

use std::sync::Arc;

use crate::base::error::Result;
use crate::catalog::SegmentEntry;
use crate::ingest::group::Group;
use crate::ingest::rows::{self, Place};
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
    // What cannot be read cannot stand for a span: that is stored again.
    let mut held = Held::past_damage(held);
    let mut skip = |spans: &[Place<'_>], stored: &mut [bool]| held.mark(spans, stored);
    rows::build_segment(groups, &mut skip, &mut builder)?;
    if builder.rows() == 0 {
        return Ok(Vec::new());
    }
    Ok(vec![sink.write(builder)?])
}
