//! Counting distinct trace ids in memory that does not grow with them.

use crate::base::error::Result;
use crate::base::ids::TraceId;

/// Ids that a pass counts; twice as many are held at a time, 16 MiB.
const IDS_A_PASS: usize = if cfg!(test) { 8 } else { 1 << 19 };

/// What hands over ids, in any order, to a visitor.
pub(crate) type Visit<'a> = dyn FnMut(&mut dyn FnMut(TraceId)) -> Result<()> + 'a;

/// How many distinct ids `visit` hands over; the same each time it is called.
///
/// Each pass keeps the lowest ids above those counted before: exact whatever the ids, and a store
/// of a million traces takes two or three passes over its trace tables.
pub(crate) fn count_distinct(visit: &mut Visit<'_>) -> Result<u64> {
    let mut count = 0;
    let mut after = None;
    loop {
        let mut lowest = Lowest { after, upto: None, ids: Vec::new() };
        visit(&mut |id| lowest.add(id))?;
        lowest.compact();
        count += lowest.ids.len() as u64;
        if lowest.ids.len() < IDS_A_PASS {
            return Ok(count);
        }
        after = lowest.ids.last().copied();
    }
}

/// The lowest ids above one.
struct Lowest {
    after: Option<TraceId>,
    /// Ids above this one are surely not among them.
    upto: Option<TraceId>,
    ids: Vec<TraceId>,
}

impl Lowest {
    fn add(&mut self, id: TraceId) {
        let is_wanted = self.after.is_none_or(|after| id > after)
            && self.upto.is_none_or(|upto| id <= upto)
            // Spans of a trace mostly come one behind another.
            && self.ids.last() != Some(&id);
        if is_wanted {
            self.ids.push(id);
            if self.ids.len() >= 2 * IDS_A_PASS {
                self.compact();
            }
        }
    }

    fn compact(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
        if self.ids.len() >= IDS_A_PASS {
            self.ids.truncate(IDS_A_PASS);
            self.upto = self.ids.last().copied();
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn p5_p7_distinct_ids_are_counted_pass_by_pass(ids in vec(0u128..60, 0..200)) {
            let wanted: BTreeSet<_> = ids.iter().collect();
            let mut visit = |visit: &mut dyn FnMut(TraceId)| {
                ids.iter().for_each(|&id| visit(id.into()));
                Ok(())
            };
            prop_assert_eq!(count_distinct(&mut visit).unwrap(), wanted.len() as u64);
        }
    }
}
