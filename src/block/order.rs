//! The order of spans inside a trace: pre-order, so that a subtree is one range of rows.

use crate::base::ids::SpanId;
use crate::base::quick::QuickMap;
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

/// Pre-order of the spans of one trace, as [`Preorder::of`] tells it.
pub fn preorder(items: &[OrderItem]) -> (Vec<u32>, bool) {
    let mut preorder = Preorder::default();
    let (order, regular) = preorder.of(items);
    (order.to_vec(), regular)
}

/// Puts traces in order, one after another, in memory that is used again.
#[derive(Debug, Default)]
pub struct Preorder {
    /// Positions by rank, and the items so; empty if they came so.
    ranked: Vec<u32>,
    sorted: Vec<OrderItem>,
    by_id: QuickMap<u64, Bearers>,
    /// By rank.
    parents: Vec<u32>,
    first_child: Vec<u32>,
    next_sibling: Vec<u32>,
    /// Ranks whose turn comes later.
    waiting: Vec<u32>,
    order: Vec<u32>,
}

/// The spans that bear one id, by rank: the first two of them, as one may look for its own.
#[derive(Debug)]
struct Bearers {
    first: u32,
    second: u32,
    count: u32,
}

impl Preorder {
    /// Pre-order of the spans of one trace: positions in `items`, parents before children,
    /// siblings and roots by start, then id, then tie, then position.
    ///
    /// The tree parent of a span is the first *other* span, in that order, with the parent's id; a
    /// span without one is a root, whether its parent is missing or not stated. A cycle is entered
    /// at its first span in that order, which becomes a root.
    ///
    /// The flag tells whether the trace is regular: no span has two possible parents and none is
    /// its own ancestor. Then the descendants of a span are exactly the rows that follow it in its
    /// range.
    ///
    /// Takes O(n log n) time whatever the input, and no recursion; O(n) if `items` come in the
    /// order of siblings. At most `u32::MAX - 1` items.
    pub fn of(&mut self, items: &[OrderItem]) -> (&[u32], bool) {
        self.order.clear();
        self.parents.clear();
        if items.len() < 2 {
            self.order.extend(0..items.len() as u32);
            self.parents.resize(items.len(), NONE);
            return (&self.order, true);
        }
        self.rank(items);
        let sorted = if self.ranked.is_empty() { items } else { &self.sorted };
        find_bearers(sorted, &mut self.by_id);
        let (mut unambiguous, mut ascending) = (true, true);
        for (item, rank) in sorted.iter().zip(0u32..) {
            let (parent, only) = tree_parent(item, rank, &self.by_id);
            unambiguous &= only;
            ascending &= parent == NONE || parent < rank;
            self.parents.push(parent);
        }
        // Parents that start before their children are in no cycle.
        let acyclic = ascending || cut_cycles(&mut self.parents);
        self.walk();
        if !self.ranked.is_empty() {
            for place in &mut self.order {
                *place = self.ranked.get(*place as usize).copied().unwrap_or(*place);
            }
        }
        (&self.order, unambiguous && acyclic)
    }

    /// The tree parent of a span last put in order, both told by rank among siblings' order: their
    /// positions, if the items came so.
    pub fn parent(&self, rank: u32) -> Option<u32> {
        self.parents.get(rank as usize).copied().filter(|&parent| parent != NONE)
    }

    /// Sorts the items as siblings are, unless they are sorted.
    fn rank(&mut self, items: &[OrderItem]) {
        self.ranked.clear();
        self.sorted.clear();
        let key = |item: &OrderItem| (item.start, item.span_id, item.tie);
        if items.is_sorted_by_key(key) {
            return;
        }
        self.ranked.extend(0..items.len() as u32);
        self.ranked.sort_unstable_by_key(|&at| (items.get(at as usize).map(key), at));
        self.sorted.extend(self.ranked.iter().filter_map(|&at| items.get(at as usize)));
    }

    /// The ranks of a forest in pre-order, given that every chain of parents ends.
    #[expect(clippy::indexing_slicing, reason = "ranks are below the number of spans")]
    fn walk(&mut self) {
        let spans = self.parents.len();
        for list in [&mut self.first_child, &mut self.next_sibling] {
            list.clear();
            list.resize(spans, NONE);
        }
        let (first_child, next_sibling) = (&mut self.first_child, &mut self.next_sibling);
        let mut first_root = NONE;
        // Backwards, so that each list comes out in ascending order.
        for rank in (0..spans).rev() {
            let head = match self.parents[rank] {
                NONE => &mut first_root,
                parent => &mut first_child[parent as usize],
            };
            next_sibling[rank] = std::mem::replace(head, rank as u32);
        }
        self.waiting.clear();
        let mut next = first_root;
        while next != NONE {
            self.order.push(next);
            let (child, sibling) = (first_child[next as usize], next_sibling[next as usize]);
            next = match (child, sibling) {
                (NONE, NONE) => self.waiting.pop().unwrap_or(NONE),
                (NONE, _) => sibling,
                (_, NONE) => child,
                _ => {
                    self.waiting.push(sibling);
                    child
                }
            };
        }
    }
}

/// Finds who bears which id in a sorted trace.
fn find_bearers(sorted: &[OrderItem], by_id: &mut QuickMap<u64, Bearers>) {
    // Clearing takes as long as the map is large: one long trace is not paid for by the next.
    if by_id.capacity() > 64 * (by_id.len() + 8) {
        *by_id = QuickMap::default();
    }
    by_id.clear();
    for (item, rank) in sorted.iter().zip(0u32..) {
        let add = |bearers: &mut Bearers| {
            if bearers.count == 1 {
                bearers.second = rank;
            }
            bearers.count += 1;
        };
        let alone = Bearers { first: rank, second: NONE, count: 1 };
        by_id.entry(item.span_id.to_u64()).and_modify(add).or_insert(alone);
    }
}

/// The rank of a span's tree parent, and whether it was the only choice.
fn tree_parent(item: &OrderItem, rank: u32, by_id: &QuickMap<u64, Bearers>) -> (u32, bool) {
    let Some(parent) = item.parent else { return (NONE, true) };
    let Some(bearers) = by_id.get(&parent.to_u64()) else { return (NONE, true) };
    let others = bearers.count - u32::from(item.span_id == parent);
    (if bearers.first == rank { bearers.second } else { bearers.first }, others < 2)
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

#[cfg(test)]
mod tests;
