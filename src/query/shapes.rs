//! Shapes: traces grouped by their structure, so that the rare ones stand out.
//!
//! The shape of a trace is its spans in pre-order, each told by its depth, service and name; times,
//! attributes and ids do not count. The order is that of rows in a segment
//! ([`crate::block::order`]): siblings by start, so two calls that swap places make another shape.
//!
//! Shapes are compared by all they are, never by a hash: a listing of codes, one for each service
//! and name that was met, a few bytes a span. One listing a shape is kept, and its figures.

use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::text::Str;
use crate::base::time::{Timestamp, saturating_nanos};
use crate::base::varint;
use crate::block::order::{OrderItem, Preorder};
use crate::index::sketch::{Sketch, bucket};
use crate::query::gather::Gathered;
use crate::query::search::visit_traces;
use crate::query::typed::Query;
use crate::query::view::View;

/// Bytes that the listings and figures of all shapes may take.
const MAX_BYTES: usize = 64 << 20;

/// What a shape takes besides its listing, roughly: its figures and its place in the map.
const SHAPE_BYTES: usize = 160;

/// Traces of one structure: the same services and operations, called in the same order.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Shape {
    /// The spans of each of its traces in pre-order: parents before children, siblings by start.
    pub spans: Vec<ShapeSpan>,
    /// How many traces have it.
    pub traces: u64,
    /// Those with a span whose status is an error.
    pub errors: u64,
    /// How long the shortest of its traces took.
    pub min_duration: Duration,
    /// How long the longest took.
    pub max_duration: Duration,
    /// The duration that half of them do not exceed: an estimate, within 4.4 % and a nanosecond.
    pub estimated_median: Duration,
    /// The duration that 99 of 100 do not exceed: an estimate, within 4.4 % and a nanosecond.
    pub estimated_p99: Duration,
    /// The newest of its traces; of several that start together, the one with the lowest id.
    pub exemplar: TraceId,
    /// When that one starts.
    pub exemplar_start: Timestamp,
}

/// A span of a shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ShapeSpan {
    /// How many spans it stands below. A span whose parent is not in the trace stands at the top,
    /// and so does the earliest of a cycle.
    pub depth: u32,
    /// Its service, if its resource names one.
    pub service: Option<Str>,
    /// Its name.
    pub name: Str,
}

/// The shapes of the traces that match, the rarest first; of equally rare ones, that of the newest
/// exemplar first.
pub fn shapes(view: &View, query: &Query) -> Result<Vec<Shape>> {
    let mut census = Census::default();
    visit_traces(view, query, &mut |id, trace| census.add(id, trace))?;
    Ok(census.rarest(query.limit))
}

/// What was counted so far.
#[derive(Default)]
struct Census {
    /// The code of each service and name that was met.
    codes: HashMap<(Option<Str>, Str), u32>,
    tallies: HashMap<Box<[u8]>, Tally>,
    bytes: usize,
    order: Preorder,
}

/// The figures of a shape.
struct Tally {
    traces: u64,
    errors: u64,
    min: u64,
    max: u64,
    durations: Sketch,
    exemplar: (Timestamp, TraceId),
}

impl Census {
    fn add(&mut self, id: TraceId, trace: &Gathered) -> Result<()> {
        let listing = self.listing(trace)?;
        let has_error = trace.spans.iter().any(|span| span.is_error);
        let nanos = saturating_nanos(trace.end().since(trace.start()));
        let start = trace.start();
        let tally = match self.tallies.get_mut(listing.as_slice()) {
            Some(known) => known,
            None => {
                self.bytes += listing.len() + SHAPE_BYTES;
                self.check_size()?;
                let new = Tally {
                    traces: 0,
                    errors: 0,
                    min: nanos,
                    max: nanos,
                    durations: Sketch::default(),
                    exemplar: (start, id),
                };
                self.tallies.entry(listing.into()).or_insert(new)
            }
        };
        tally.traces += 1;
        tally.errors += u64::from(has_error);
        tally.min = tally.min.min(nanos);
        tally.max = tally.max.max(nanos);
        tally.durations.add(bucket(nanos), 1);
        let (newest, lowest) = tally.exemplar;
        if start > newest || (start == newest && id < lowest) {
            tally.exemplar = (start, id);
        }
        Ok(())
    }

    /// The shape of a trace: depth and code of each span, varints.
    fn listing(&mut self, trace: &Gathered) -> Result<Vec<u8>> {
        let items: Vec<OrderItem> = trace
            .spans
            .iter()
            .zip(0..)
            .map(|(span, tie)| OrderItem {
                span_id: span.key.1,
                parent: span.parent,
                start: span.key.0,
                tie,
            })
            .collect();
        let order = self.order.of(&items).0.to_vec();
        let mut depths = vec![0u32; items.len()];
        let mut listing = Vec::with_capacity(2 * items.len());
        for rank in order {
            let parent = self.order.parent(rank).and_then(|parent| depths.get(parent as usize));
            let depth = parent.map_or(0, |above| above + 1);
            if let Some(own) = depths.get_mut(rank as usize) {
                *own = depth;
            }
            let Some(span) = trace.spans.get(rank as usize) else { continue };
            let code = self.code(trace.service_of(span), &span.name)?;
            varint::write_u64(&mut listing, depth.into());
            varint::write_u64(&mut listing, code.into());
        }
        Ok(listing)
    }

    fn code(&mut self, service: Option<&Str>, name: &Str) -> Result<u32> {
        let key = (service.cloned(), name.clone());
        if let Some(&known) = self.codes.get(&key) {
            return Ok(known);
        }
        self.bytes += key.0.as_ref().map_or(0, |text| text.len()) + key.1.len() + SHAPE_BYTES;
        self.check_size()?;
        let code = self.codes.len() as u32;
        self.codes.insert(key, code);
        Ok(code)
    }

    fn check_size(&self) -> Result<()> {
        match self.bytes > MAX_BYTES {
            true => Err(Error::Limit {
                what: "the memory for shapes: ask for fewer traces, by time or condition".into(),
            }),
            false => Ok(()),
        }
    }

    fn rarest(self, limit: usize) -> Vec<Shape> {
        let mut first = BinaryHeap::new();
        for (listing, tally) in &self.tallies {
            let (start, id) = tally.exemplar;
            first.push(((tally.traces, std::cmp::Reverse(start), id), listing));
            if first.len() > limit {
                first.pop();
            }
        }
        let mut operations: Vec<_> = self.codes.iter().map(|(key, code)| (code, key)).collect();
        operations.sort_unstable_by_key(|(code, _)| **code);
        let operations: Vec<_> = operations.into_iter().map(|(_, key)| key).collect();
        let first = first.into_sorted_vec().into_iter();
        first.filter_map(|(_, listing)| self.shape(listing, &operations)).collect()
    }

    fn shape(&self, listing: &[u8], operations: &[&(Option<Str>, Str)]) -> Option<Shape> {
        let tally = self.tallies.get(listing)?;
        let mut spans = Vec::new();
        let mut rest = listing;
        while !rest.is_empty() {
            let depth = u32::try_from(varint::read_u64(&mut rest)?).ok()?;
            let code = usize::try_from(varint::read_u64(&mut rest)?).ok()?;
            let (service, name) = (*operations.get(code)?).clone();
            spans.push(ShapeSpan { depth, service, name });
        }
        let quantile = |of_thousand| {
            Duration::from_nanos(tally.durations.quantile(of_thousand).unwrap_or_default())
        };
        Some(Shape {
            spans,
            traces: tally.traces,
            errors: tally.errors,
            min_duration: Duration::from_nanos(tally.min),
            max_duration: Duration::from_nanos(tally.max),
            estimated_median: quantile(500),
            estimated_p99: quantile(990),
            exemplar: tally.exemplar.1,
            exemplar_start: tally.exemplar.0,
        })
    }
}
