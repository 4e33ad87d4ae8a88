//! Spans on their way to the collector: they arrive in the order of their ends, or later.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use tracekeep::{ResourceSpans, ScopeSpans, Span};

use crate::fleet::Fleet;
use crate::walk::Made;

/// The spans that have not arrived yet, earliest arrival first.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Arrival, the number of the span, its slot.
    queue: BinaryHeap<Reverse<(u64, u64, usize)>>,
    slots: Vec<Option<Made>>,
    free: Vec<usize>,
    pushed: u64,
}

impl Arrivals {
    /// Sends a span off, to arrive at `arrival`.
    pub fn push(&mut self, arrival: u64, made: Made) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(made);
        }
        self.queue.push(Reverse((arrival, self.pushed, slot)));
        self.pushed += 1;
    }

    /// The span that arrives first, if that is before `until`.
    pub fn pop(&mut self, until: u64) -> Option<Made> {
        let Reverse((arrival, _, _)) = *self.queue.peek()?;
        if arrival >= until {
            return None;
        }
        let Reverse((_, _, slot)) = self.queue.pop()?;
        self.free.push(slot);
        self.slots.get_mut(slot)?.take()
    }
}

/// The spans of one batch, grouped by resource and scope in the order of their arrival.
#[derive(Debug, Default)]
pub struct Batch {
    /// The place of each resource in `groups`.
    places: BTreeMap<u32, usize>,
    groups: Vec<Group>,
    /// How many spans it holds.
    pub spans: usize,
}

#[derive(Debug)]
struct Group {
    resource: u32,
    /// Few enough to be searched one by one.
    scopes: Vec<(u32, Vec<Span>)>,
}

impl Batch {
    /// Adds a span.
    pub fn push(&mut self, made: Made) {
        let Made { resource, scope, span } = made;
        let groups = &mut self.groups;
        let place = *self.places.entry(resource).or_insert_with(|| {
            groups.push(Group { resource, scopes: Vec::new() });
            groups.len() - 1
        });
        let Some(group) = groups.get_mut(place) else { return };
        match group.scopes.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, spans)) => spans.push(span),
            None => group.scopes.push((scope, vec![span])),
        }
        self.spans += 1;
    }

    /// The batch as OTLP groups it.
    pub fn finish(self, fleet: &Fleet) -> Vec<ResourceSpans> {
        let scope_spans = |(scope, spans): (u32, Vec<Span>)| {
            let context = fleet.scope(scope).cloned().unwrap_or_default();
            ScopeSpans {
                scope: context.scope,
                spans,
                schema_url: context.schema_url,
                unknown: context.unknown,
            }
        };
        let groups = self.groups.into_iter();
        groups
            .map(|group| ResourceSpans {
                resource: fleet.resource(group.resource).cloned(),
                scope_spans: group.scopes.into_iter().map(scope_spans).collect(),
                ..ResourceSpans::default()
            })
            .collect()
    }
}
