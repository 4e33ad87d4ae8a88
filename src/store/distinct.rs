//! Counting distinct trace ids in memory that does not grow with them.

use crate::base::error::Result;
use crate::base::ids::TraceId;

/// Ids that a pass counts; twice as many are held at a time, 32 MiB.
const IDS_A_PASS: usize = if cfg!(test) { 8 } else { 1 << 19 };

/// What hands over ids, in any order, to a visitor.
pub(crate) type Visit<'a> = dyn FnMut(&mut dyn FnMut(TraceId)) -> Result<()> + 'a;

/// What ids there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Different ones.
    pub(crate) distinct: u64,
    /// Those of them that were handed over more than once.
    pub(crate) repeated: u64,
}

/// Counts the ids that `visit` hands over; the same each time it is called.
///
/// Each pass keeps the lowest ids above those counted before: exact whatever the ids, and a store
/// of a million traces takes two or three passes over its trace tables.
pub(crate) fn count_distinct(visit: &mut Visit<'_>) -> Result<Counted> {
    let mut counted = Counted::default();
    let mut after = None;
    loop {
        let mut lowest = Lowest { after, upto: None, ids: Vec::new() };
        visit(&mut |id| lowest.add(id))?;
        lowest.compact();
        counted.distinct += lowest.ids.len() as u64;
        counted.repeated += lowest.ids.iter().filter(|(_, repeated)| *repeated).count() as u64;
        if lowest.ids.len() < IDS_A_PASS {
            return Ok(counted);
        }
        after = lowest.ids.last().map(|(id, _)| *id);
    }
}

/// The lowest ids above one, and whether they came more than once.
struct Lowest {
    after: Option<TraceId>,
    /// Ids above this one are surely not among them.
    upto: Option<TraceId>,
    ids: Vec<(TraceId, bool)>,
}

impl Lowest {
    fn add(&mut self, id: TraceId) {
        let is_wanted =
            self.after.is_none_or(|after| id > after) && self.upto.is_none_or(|upto| id <= upto);
        match self.ids.last_mut() {
            // Spans of a trace mostly come one behind another.
            Some((last, repeated)) if is_wanted && *last == id => *repeated = true,
            _ if is_wanted => self.ids.push((id, false)),
            _ => {}
        }
        if self.ids.len() >= 2 * IDS_A_PASS {
            self.compact();
        }
    }

    fn compact(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            kept.1 |= same;
            same
        });
        if self.ids.len() >= IDS_A_PASS {
            self.ids.truncate(IDS_A_PASS);
            self.upto = self.ids.last().map(|(id, _)| *id);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn p5_p7_distinct_ids_are_counted_pass_by_pass(ids in vec(0u128..60, 0..200)) {
            let mut wanted: BTreeMap<u128, u64> = BTreeMap::new();
            ids.iter().for_each(|&id| *wanted.entry(id).or_default() += 1);
            let mut visit = |visit: &mut dyn FnMut(TraceId)| {
                ids.iter().for_each(|&id| visit(id.into()));
                Ok(())
            };
            let repeated = wanted.values().filter(|&&times| times > 1).count() as u64;
            let wanted = Counted { distinct: wanted.len() as u64, repeated };
            prop_assert_eq!(count_distinct(&mut visit).unwrap(), wanted);
        }
    }
}
