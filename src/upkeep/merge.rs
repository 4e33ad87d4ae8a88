//! Merge: several segments of a partition become few, in which the fragments of a trace stand
//! together again.
//!
//! Streaming: the traces of all inputs pass one by one in their final order, each input's in the
//! order of its trace table. A trace that lies whole in one input is carried over row by row; the
//! fragments of others are found by the inputs' indexes, gathered and put in order anew.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::time::Timestamp;
use crate::catalog::SegmentEntry;
use crate::index::traces::TraceFlags;
use crate::segment::{Carried, Outlined, Segment, SegmentBuilder};
use crate::upkeep::gathered::Gathered;
use crate::upkeep::sink::{Looks, Sink};

/// A trace with more rows than this is not gathered but keeps its fragments, each in order: the
/// bound on a merge's memory holds for a trace of any size.
const MAX_GATHERED_ROWS: u64 = 1 << 16;

/// The same for its bytes, where a segment's builder may take no more than this; else they may
/// take as much as that.
const MIN_GATHERED_BYTES: usize = 1 << 20;

/// How many rows may pass between two looks at the clock, the budget and the cancel flag.
const ROWS_A_CHECK: u32 = 1024;

/// Part of a trace in one input; ordered as the output is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fragment {
    /// First start of the fragment.
    start: Timestamp,
    id: TraceId,
    input: u32,
    ordinal: u32,
}

/// Merges `inputs` into new segments of their partition. `cancelled` is asked now and then;
/// `written` tells which segments there are, also before an error.
pub fn merge(
    inputs: &[Arc<Segment>],
    sink: &Sink<'_>,
    cancelled: &dyn Fn() -> bool,
    written: &mut dyn FnMut(SegmentEntry),
) -> Result<()> {
    let mut output = Output::new(inputs, sink, cancelled, written);
    let mut next = BinaryHeap::new();
    for input in 0..inputs.len() as u32 {
        next.extend(fragment(inputs, input, 0)?.map(Reverse));
    }
    while let Some(Reverse(first)) = next.pop() {
        next.extend(fragment(inputs, first.input, first.ordinal + 1)?.map(Reverse));
        output.take(&first)?;
    }
    output.cut()
}

/// A fragment, unless the input has no trace with that ordinal.
fn fragment(inputs: &[Arc<Segment>], input: u32, ordinal: u32) -> Result<Option<Fragment>> {
    let segment = inputs.get(input as usize).ok_or(Error::Cancelled)?;
    if u64::from(ordinal) >= segment.summary().traces {
        return Ok(None);
    }
    let entry = segment.entry(ordinal)?;
    Ok(Some(Fragment { start: entry.first_start, id: entry.id, input, ordinal }))
}

struct Output<'a> {
    inputs: &'a [Arc<Segment>],
    sink: &'a Sink<'a>,
    cancelled: &'a dyn Fn() -> bool,
    builder: SegmentBuilder,
    contexts: Contexts,
    unchecked_rows: u32,
    /// When the builder's memory is looked at before a trace.
    looks: Looks,
    /// Traces whose rows take too much memory to be gathered.
    scattered: BTreeSet<TraceId>,
    written: &'a mut dyn FnMut(SegmentEntry),
    /// How many segments were written.
    segments: usize,
}

/// Codes of the builder for the codes of each input, found as they come up.
struct Contexts {
    resources: Vec<Vec<Option<u32>>>,
    scopes: Vec<Vec<Option<u32>>>,
    carried: Vec<Carried>,
}

impl Contexts {
    fn new(inputs: usize) -> Self {
        let mut carried = Vec::new();
        carried.resize_with(inputs, Carried::default);
        Self { resources: vec![Vec::new(); inputs], scopes: vec![Vec::new(); inputs], carried }
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
        written: &'a mut dyn FnMut(SegmentEntry),
    ) -> Self {
        Self {
            inputs,
            sink,
            cancelled,
            builder: sink.builder(),
            contexts: Contexts::new(inputs.len()),
            unchecked_rows: 0,
            looks: Looks::default(),
            scattered: BTreeSet::new(),
            written,
            segments: 0,
        }
    }

    fn input(&self, index: u32) -> Result<&'a Arc<Segment>> {
        self.inputs.get(index as usize).ok_or(Error::Cancelled)
    }

    /// Takes what comes next: the first fragment of a trace brings the others with it, which are
    /// passed over when their turn comes.
    fn take(&mut self, fragment: &Fragment) -> Result<()> {
        let (fragments, rows) = self.fragments_of(fragment)?;
        if fragments.len() == 1 || rows > MAX_GATHERED_ROWS || self.scattered.contains(&fragment.id)
        {
            return self.carry(fragment);
        }
        if fragments.first() != Some(fragment) {
            return Ok(());
        }
        match self.gather(&fragments)? {
            Some(gathered) => gathered.emit(fragment.id, &mut self.builder),
            None => {
                self.scattered.insert(fragment.id);
                self.carry(fragment)
            }
        }
    }

    /// All fragments of a trace in order, and how many rows they have.
    fn fragments_of(&self, fragment: &Fragment) -> Result<(Vec<Fragment>, u64)> {
        let id = fragment.id;
        let (mut fragments, mut rows) = (Vec::new(), 0);
        let (own, others): (Vec<_>, Vec<_>) =
            (0..).zip(self.inputs).partition(|(input, _)| *input == fragment.input);
        for (input, segment) in others.into_iter().chain(own) {
            // Only what was too large to be gathered has several fragments in one input.
            if input == fragment.input && fragments.is_empty() {
                return Ok((vec![*fragment], 0));
            }
            for ordinal in segment.find(id.low())? {
                let entry = segment.entry(ordinal)?;
                if entry.id == id {
                    fragments.push(Fragment { start: entry.first_start, id, input, ordinal });
                    rows += u64::from(entry.rows);
                }
            }
        }
        fragments.sort_unstable();
        Ok((fragments, rows))
    }

    /// Carries over a fragment as it is.
    fn carry(&mut self, fragment: &Fragment) -> Result<()> {
        self.cut_if_full()?;
        let segment = self.input(fragment.input)?;
        let entry = segment.entry(fragment.ordinal)?;
        let segments = self.segments;
        self.builder.begin_trace(fragment.id, entry.flags.has(TraceFlags::REGULAR));
        segment.outlines_in_turn(entry.row_range(), &mut |row| {
            self.push(fragment, &row)?;
            Ok(ControlFlow::Continue(()))
        })?;
        // What goes on in another segment may start later than the traces to come: it stays
        // alone, so that traces stand by their first start.
        if self.segments > segments { self.cut() } else { Ok(()) }
    }

    /// Reads the fragments of a trace; `None` if that takes too much memory.
    fn gather(&mut self, fragments: &[Fragment]) -> Result<Option<Gathered>> {
        self.cut_if_full()?;
        let limit = self.sink.builder_bytes.max(MIN_GATHERED_BYTES);
        let mut gathered = Gathered::default();
        for fragment in fragments {
            let segment = self.input(fragment.input)?;
            let entry = segment.entry(fragment.ordinal)?;
            segment.rows(entry.row_range(), &mut |row| {
                let resource = self.resource(fragment.input, row.resource)?;
                let scope = self.scope(fragment.input, row.scope)?;
                gathered.add(resource, scope, &row.span);
                let goes_on = gathered.memory_bytes() <= limit;
                Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            if gathered.memory_bytes() > limit {
                return Ok(None);
            }
        }
        Ok(Some(gathered))
    }

    fn cut_if_full(&mut self) -> Result<()> {
        let full = self.looks.is_due(self.builder.rows()) && self.sink.is_full(&self.builder);
        if full { self.cut() } else { Ok(()) }
    }

    fn push(&mut self, fragment: &Fragment, row: &Outlined<'_>) -> Result<()> {
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
        let input = fragment.input as usize;
        if let Some(carried) = self.contexts.carried.get_mut(input)
            && self.builder.carry(resource, row, carried)?
        {
            return Ok(());
        }
        let mut shape = None;
        let _goes_on = row.read(&mut |row| {
            let scope = self.scope(fragment.input, row.scope)?;
            shape = self.builder.push(resource, scope, &row.span)?;
            Ok(ControlFlow::Continue(()))
        })?;
        if let Some(carried) = self.contexts.carried.get_mut(input) {
            carried.note(row, shape);
        }
        Ok(())
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
        self.looks = Looks::default();
        if full.rows() > 0 {
            (self.written)(self.sink.write(full)?);
            self.segments += 1;
        }
        Ok(())
    }
}
