//! The order of spans inside a trace: pre-order, so that a subtree is one range of rows.

use crate::base::ids::SpanId;
use crate::base::time::Timestamp;

/// What the order needs to know of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderItem {
    /// The span's id.
    pub span_id: SpanId,
    /// Its parent's id.
    pub parent: Option<SpanId>,
    /// When it starts.
    pub start: Timestamp,
    /// Tells spans of equal start and id apart, by their contents.
    pub tie: u64,
}

/// No item: the end of a list, the parent of a root.
const NONE: u32 = u32::MAX;

/// Pre-order of the spans of one trace: positions in `items`, parents before children, siblings
/// and roots by start, then id, then tie, then position.
///
/// The tree parent of a span is the first *other* span, in that order, with the parent's id; a
/// span without one is a root, whether its parent is missing or not stated. A cycle is entered at
/// its first span in that order, which becomes a root.
///
/// The flag tells whether the trace is regular: no span has two possible parents and none is its
/// own ancestor. Then the descendants of a span are exactly the rows that follow it in its range.
///
/// Takes O(n log n) time whatever the input, and no recursion. At most `u32::MAX - 1` items.
pub fn preorder(items: &[OrderItem]) -> (Vec<u32>, bool) {
    let mut ranked: Vec<u32> = (0..items.len() as u32).collect();
    if items.len() < 2 {
        return (ranked, true);
    }
    ranked.sort_unstable_by_key(|&at| {
        let item = items.get(at as usize);
        item.map(|item| (item.start, item.span_id, item.tie, at))
    });
    let sorted: Vec<OrderItem> =
        ranked.iter().filter_map(|&at| items.get(at as usize)).copied().collect();
    let (mut parents, unambiguous) = tree_parents(&sorted);
    let acyclic = cut_cycles(&mut parents);
    let order = walk(&parents);
    let order = order.iter().filter_map(|&rank| ranked.get(rank as usize)).copied().collect();
    (order, unambiguous && acyclic)
}

/// For every span of a sorted trace the rank of its tree parent, and whether it was the only choice.
fn tree_parents(sorted: &[OrderItem]) -> (Vec<u32>, bool) {
    let mut ids: Vec<(SpanId, u32)> =
        sorted.iter().zip(0..).map(|(i, rank)| (i.span_id, rank)).collect();
    ids.sort_unstable();
    let mut unambiguous = true;
    let parents = sorted.iter().zip(0u32..).map(|(item, rank)| {
        let Some(parent) = item.parent else { return NONE };
        let from = ids.partition_point(|&(id, _)| id < parent);
        let same = ids.iter().skip(from).take(3).take_while(|&&(id, _)| id == parent);
        let mut others = same.map(|&(_, other)| other).filter(|&other| other != rank);
        let found = others.next().unwrap_or(NONE);
        unambiguous &= others.next().is_none();
        found
    });
    (parents.collect(), unambiguous)
}

/// Makes the first span of every cycle a root; tells whether there was none.
#[expect(clippy::indexing_slicing, reason = "ranks are below the number of spans")]
fn cut_cycles(parents: &mut [u32]) -> bool {
    // The walk that came by first, counted from 1; each span is walked over once.
    let mut walks = vec![0u32; parents.len()];
    let mut acyclic = true;
    for first in 0..parents.len() as u32 {
        let walk = first + 1;
        let mut at = first;
        while at != NONE && walks[at as usize] == 0 {
            walks[at as usize] = walk;
            at = parents[at as usize];
        }
        if at == NONE || walks[at as usize] != walk {
            continue;
        }
        acyclic = false;
        let (mut earliest, mut member) = (at, parents[at as usize]);
        while member != at {
            earliest = earliest.min(member);
            member = parents[member as usize];
        }
        parents[earliest as usize] = NONE;
    }
    acyclic
}

/// The ranks of a forest in pre-order, given that every chain of parents ends.
#[expect(clippy::indexing_slicing, reason = "ranks are below the number of spans")]
fn walk(parents: &[u32]) -> Vec<u32> {
    let mut first_child = vec![NONE; parents.len()];
    let mut next_sibling = vec![NONE; parents.len()];
    let mut first_root = NONE;
    // Backwards, so that each list comes out in ascending order.
    for rank in (0..parents.len()).rev() {
        let head = match parents[rank] {
            NONE => &mut first_root,
            parent => &mut first_child[parent as usize],
        };
        next_sibling[rank] = std::mem::replace(head, rank as u32);
    }
    let mut order = Vec::with_capacity(parents.len());
    let mut stack = vec![first_root];
    while let Some(rank) = stack.pop() {
        if rank == NONE {
            continue;
        }
        order.push(rank);
        stack.push(next_sibling[rank as usize]);
        stack.push(first_child[rank as usize]);
    }
    order
}

#[cfg(test)]
mod tests;
