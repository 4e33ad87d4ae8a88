//! Merge: several segments of a partition become few, in which the fragments of a trace stand
//! together again.
//!
//! Streaming: the inputs' trace tables are read first (40 bytes a fragment), then traces pass one
//! by one in their final order. A trace that lies whole in one input is carried over row by row;
//! the fragments of others are gathered and put in order anew.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::time::Timestamp;
use crate::catalog::SegmentEntry;
use crate::index::traces::TraceFlags;
use crate::segment::{Row, Segment, SegmentBuilder};
use crate::upkeep::gathered::Gathered;
use crate::upkeep::sink::Sink;

/// A trace with more rows than this is not gathered but keeps its fragments, each in order: the
/// bound on a merge's memory holds for a trace of any size.
const MAX_GATHERED_ROWS: u64 = 1 << 16;

/// How many rows may pass between two looks at the clock, the budget and the cancel flag.
const ROWS_A_CHECK: u32 = 1024;

/// Part of a trace in one input.
#[derive(Clone, Copy)]
struct Fragment {
    id: TraceId,
    /// First start of the fragment, later of the whole trace.
    start: Timestamp,
    input: u32,
    ordinal: u32,
}

/// Merges `inputs` into new segments of their partition. `cancelled` is asked now and then.
pub fn merge(
    inputs: &[Arc<Segment>],
    sink: &Sink<'_>,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<SegmentEntry>> {
    let fragments = fragments_in_order(inputs)?;
    let mut output = Output::new(inputs, sink, cancelled);
    for trace in fragments.chunk_by(|a, b| a.id == b.id) {
        output.cut_if_full()?;
        match trace {
            [whole] => output.carry(whole)?,
            several => output.gather(several)?,
        }
    }
    output.finish()
}

/// All fragments, those of a trace side by side, traces in the order of their first start.
fn fragments_in_order(inputs: &[Arc<Segment>]) -> Result<Vec<Fragment>> {
    let mut fragments = Vec::new();
    for (input, segment) in (0..).zip(inputs) {
        for ordinal in 0..segment.summary().traces {
            let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
            let entry = segment.entry(ordinal)?;
            fragments.push(Fragment { id: entry.id, start: entry.first_start, input, ordinal });
        }
    }
    fragments.sort_unstable_by_key(|f| (f.id, f.start, f.input, f.ordinal));
    for trace in fragments.chunk_by_mut(|a, b| a.id == b.id) {
        let start = trace.first().map_or(Timestamp::ZERO, |first| first.start);
        trace.iter_mut().for_each(|fragment| fragment.start = start);
    }
    fragments.sort_by_key(|f| (f.start, f.id));
    Ok(fragments)
}

struct Output<'a> {
    inputs: &'a [Arc<Segment>],
    sink: &'a Sink<'a>,
    cancelled: &'a dyn Fn() -> bool,
    builder: SegmentBuilder,
    contexts: Contexts,
    unchecked_rows: u32,
    written: Vec<SegmentEntry>,
}

/// Codes of the builder for the codes of each input, found as they come up.
struct Contexts {
    resources: Vec<Vec<Option<u32>>>,
    scopes: Vec<Vec<Option<u32>>>,
}

impl Contexts {
    fn new(inputs: usize) -> Self {
        Self { resources: vec![Vec::new(); inputs], scopes: vec![Vec::new(); inputs] }
    }
}

/// The known code, or the one that `intern` gives.
fn translate(
    known: &mut [Vec<Option<u32>>],
    input: u32,
    code: u32,
    intern: impl FnOnce() -> Result<u32>,
) -> Result<u32> {
    let (input, code) = (input as usize, code as usize);
    let Some(codes) = known.get_mut(input) else { return intern() };
    if codes.len() <= code {
        codes.resize(code + 1, None);
    }
    match codes.get_mut(code) {
        Some(Some(found)) => Ok(*found),
        Some(slot) => Ok(*slot.insert(intern()?)),
        None => intern(),
    }
}

impl<'a> Output<'a> {
    fn new(
        inputs: &'a [Arc<Segment>],
        sink: &'a Sink<'a>,
        cancelled: &'a dyn Fn() -> bool,
    ) -> Self {
        Self {
            inputs,
            sink,
            cancelled,
            builder: sink.builder(),
            contexts: Contexts::new(inputs.len()),
            unchecked_rows: 0,
            written: Vec::new(),
        }
    }

    fn input(&self, index: u32) -> Result<&'a Arc<Segment>> {
        self.inputs.get(index as usize).ok_or(Error::Cancelled)
    }

    /// Carries over a trace that lies in one input.
    fn carry(&mut self, fragment: &Fragment) -> Result<()> {
        let segment = self.input(fragment.input)?;
        let entry = segment.entry(fragment.ordinal)?;
        self.builder.begin_trace(fragment.id, entry.flags.has(TraceFlags::REGULAR));
        segment.rows(entry.row_range(), &mut |row| {
            self.push(fragment, &row)?;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Puts the fragments of a trace together in order.
    fn gather(&mut self, fragments: &[Fragment]) -> Result<()> {
        let mut rows = 0;
        for fragment in fragments {
            rows += u64::from(self.input(fragment.input)?.entry(fragment.ordinal)?.rows);
        }
        if rows > MAX_GATHERED_ROWS {
            return fragments.iter().try_for_each(|fragment| self.carry(fragment));
        }
        let mut gathered = Gathered::default();
        for fragment in fragments {
            let segment = self.input(fragment.input)?;
            let entry = segment.entry(fragment.ordinal)?;
            segment.rows(entry.row_range(), &mut |row| {
                let resource = self.resource(fragment.input, row.resource)?;
                let scope = self.scope(fragment.input, row.scope)?;
                gathered.add(resource, scope, &row.span);
                Ok(ControlFlow::Continue(()))
            })?;
        }
        match fragments.first() {
            Some(first) => gathered.emit(first.id, &mut self.builder),
            None => Ok(()),
        }
    }

    fn cut_if_full(&mut self) -> Result<()> {
        if self.sink.is_full(&self.builder) { self.cut() } else { Ok(()) }
    }

    fn push(&mut self, fragment: &Fragment, row: &Row<'_>) -> Result<()> {
        self.unchecked_rows += 1;
        if self.unchecked_rows >= ROWS_A_CHECK {
            self.unchecked_rows = 0;
            if (self.cancelled)() {
                return Err(Error::Cancelled);
            }
            // A single trace may be larger than a segment: it goes on in the next as a fragment.
            if self.sink.is_full(&self.builder) {
                self.cut()?;
                self.builder.begin_trace(fragment.id, false);
            }
        }
        let resource = self.resource(fragment.input, row.resource)?;
        let scope = self.scope(fragment.input, row.scope)?;
        self.builder.push(resource, scope, &row.span)
    }

    fn resource(&mut self, input: u32, code: u32) -> Result<u32> {
        let segment = self.input(input)?;
        let builder = &mut self.builder;
        translate(&mut self.contexts.resources, input, code, || {
            builder.resource(&segment.resource_bytes(code)?)
        })
    }

    fn scope(&mut self, input: u32, code: u32) -> Result<u32> {
        let segment = self.input(input)?;
        let builder = &mut self.builder;
        translate(&mut self.contexts.scopes, input, code, || {
            builder.scope(&segment.scope_bytes(code)?)
        })
    }

    /// Writes the segment so far and begins the next.
    fn cut(&mut self) -> Result<()> {
        let full = std::mem::replace(&mut self.builder, self.sink.builder());
        self.contexts = Contexts::new(self.inputs.len());
        if full.rows() > 0 {
            self.written.push(self.sink.write(full)?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<SegmentEntry>> {
        self.cut()?;
        Ok(self.written)
    }
}
