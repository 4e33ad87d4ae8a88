//! Which traces of several fragments a walk over candidates has met.

use std::collections::{BinaryHeap, HashSet};

use crate::base::ids::TraceId;
use crate::base::time::Timestamp;
use crate::query::view::Piece;

/// Traces remembered at most, in some sixty bytes each.
const MOST: usize = 512 << 10;

/// The traces that a walk from the newest fragment to the oldest may meet again.
#[derive(Debug, Default)]
pub struct Seen {
    ids: HashSet<TraceId>,
    /// When the first fragment of each begins: the walk meets none of it after that.
    until: BinaryHeap<(Timestamp, TraceId)>,
}

impl Seen {
    /// Whether the walk, which is at fragments that begin at `now`, has met a trace before.
    pub fn contains(&mut self, id: TraceId, now: Timestamp) -> bool {
        while let Some(&(until, passed)) = self.until.peek()
            && until > now
        {
            self.until.pop();
            self.ids.remove(&passed);
        }
        self.ids.contains(&id)
    }

    /// Remembers a trace as long as it can be met again; no, if there are too many already. Then the
    /// walk may meet it once more.
    pub fn add(&mut self, id: TraceId, pieces: &[Piece]) -> bool {
        let until = pieces.iter().map(|piece| piece.fragment.first_start).min();
        let Some(until) = until.filter(|_| pieces.len() > 1) else { return true };
        if self.ids.len() >= MOST {
            return false;
        }
        self.ids.insert(id);
        self.until.push((until, id));
        true
    }

    /// How many it remembers.
    pub fn len(&self) -> usize {
        self.ids.len()
    }
}
