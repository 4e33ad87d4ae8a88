//! Flush: a sealed buffer becomes segments of its partition, mostly one.

use std::sync::Arc;

use crate::base::error::Result;
use crate::catalog::SegmentEntry;
use crate::ingest::group::Group;
use crate::ingest::rows::{self, Place};
use crate::segment::{Segment, SegmentBuilder};
use crate::upkeep::held::Held;
use crate::upkeep::sink::{Looks, Sink};

/// Writes the spans of `groups` as segments, except those that `held`, the partition's live
/// segments, already hold: so writing is idempotent (P5), and no two segments of a partition share
/// a span. `written` tells which segments there are, also after an error.
///
/// One segment, unless its builder would take more memory than the sink allows: spans of which each
/// has keys, resources and texts of its own take many times their bytes. No trace is cut.
pub fn flush(
    groups: &[Arc<Group>],
    held: &[Arc<Segment>],
    sink: &Sink<'_>,
    written: &mut dyn FnMut(SegmentEntry),
) -> Result<()> {
    let mut builder = sink.builder();
    // What cannot be read cannot stand for a span: that is stored again.
    let mut held = Held::past_damage(held);
    let mut skip = |spans: &[Place<'_>], stored: &mut [bool]| held.mark(spans, stored);
    let mut looks = Looks::default();
    let mut cut = |builder: &mut SegmentBuilder| {
        if !looks.is_due(builder.rows()) || !sink.is_full(builder) {
            return Ok(false);
        }
        looks = Looks::default();
        written(sink.write(std::mem::replace(builder, sink.builder()))?);
        Ok(true)
    };
    rows::build_segments(groups, &mut skip, &mut builder, &mut cut)?;
    if builder.rows() > 0 {
        written(sink.write(builder)?);
    }
    Ok(())
}
