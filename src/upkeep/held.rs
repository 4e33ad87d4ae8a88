//! Which buffered spans a partition's segments hold already.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::wire;
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::segment::Segment;

/// Looks buffered spans up in segments, one trace after another.
///
/// A trace's stored spans are read once and kept while entries of that trace are asked about, so
/// entries should come sorted by trace.
pub struct Held<'a> {
    segments: &'a [Arc<Segment>],
    trace: Option<TraceId>,
    spans: Vec<Stored>,
    scratch: Vec<u8>,
}

struct Stored {
    segment: usize,
    resource: u32,
    scope: u32,
    canonical: Vec<u8>,
}

impl<'a> Held<'a> {
    /// For spans of the partition whose live segments these are.
    pub fn new(segments: &'a [Arc<Segment>]) -> Self {
        Self { segments, trace: None, spans: Vec::new(), scratch: Vec::new() }
    }

    /// Whether some segment holds a span identical to this one, resource and scope included.
    pub fn holds(&mut self, group: &Group, entry: &Entry) -> Result<bool> {
        if self.trace != Some(entry.trace_id()) {
            self.read_trace(entry.trace_id())?;
        }
        for stored in &self.spans {
            let Some(segment) = self.segments.get(stored.segment) else { continue };
            if stored.canonical == group.span_bytes(entry)
                && *segment.resource_bytes(stored.resource)? == *group.resource(entry)?.bytes()
                && *segment.scope_bytes(stored.scope)? == *group.scope(entry)?.bytes()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_trace(&mut self, id: TraceId) -> Result<()> {
        self.spans.clear();
        self.trace = Some(id);
        for (index, segment) in self.segments.iter().enumerate() {
            if !segment.may_contain(id.low())? {
                continue;
            }
            for ordinal in segment.find(id.low())? {
                let entry = segment.entry(ordinal)?;
                if entry.id != id {
                    continue;
                }
                segment.rows(entry.row_range(), &mut |row| {
                    self.scratch.clear();
                    wire::encode_span(&row.span, &mut self.scratch);
                    self.spans.push(Stored {
                        segment: index,
                        resource: row.resource,
                        scope: row.scope,
                        canonical: self.scratch.clone(),
                    });
                    Ok(ControlFlow::Continue(()))
                })?;
            }
        }
        Ok(())
    }
}
