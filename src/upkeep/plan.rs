//! Which segments to merge, and when a partition is sealed: a pure function of a few numbers.
//!
//! While a partition is open, its segments are merged size-tiered: once enough of them are of a
//! similar size, they become one. So a span is rewritten once for each time that its segment grows
//! several times over (the scheme of Bigtable and of Cassandra's size-tiered compaction), and the
//! number of segments stays logarithmic.
//!
//! Once a partition has been quiet for its lateness window, all of its segments become one, or as few
//! as memory allows, in which every trace stands in one place: it is sealed. What comes later
//! makes segments beside, which tier among themselves and leave the large ones alone, until there is
//! so much of it that gathering all again pays.

use std::time::Duration;

use crate::base::time::Timestamp;

/// What the plan needs to know of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The segment's id.
    pub id: u64,
    /// Its file size.
    pub bytes: u64,
    /// Whether it was merged, so that it is as small as it can be.
    pub is_merged: bool,
    /// Whether a merge wrote it as large as memory allows, so that no other makes fewer of it.
    pub is_full: bool,
}

/// What the plan needs to know of a partition.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The last moment of the partition.
    pub last: Timestamp,
    /// When the first spans came for it, and the last, as far as is known.
    pub first_arrival: Timestamp,
    /// See there.
    pub last_arrival: Timestamp,
    /// Whether all of its spans are in segments.
    pub is_flushed: bool,
    /// The last segment of its sealing, unless it is open. Ones with higher ids came later.
    pub sealed: Option<u64>,
    /// The segments that may be merged, by ascending id.
    pub segments: &'a [Candidate],
}

/// What to do with a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Merge these segments, some of those that are there.
    Merge(Vec<u64>),
    /// Merge these, all that are there, and note that the partition is sealed. None if it holds one
    /// merged segment: that is noted, and nothing written.
    Seal(Vec<u64>),
}

/// How merges are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// So many segments of a similar size are merged into one.
    pub fan_in: usize,
    /// A partition is sealed when nothing has come for it for so long.
    pub lateness: Duration,
}

/// A partition for which something always comes is sealed after so many times its lateness window:
/// else its traces would never be whole.
const PATIENCE: u32 = 24;

/// A sealed partition is gathered again when what came later makes up one part in so many: then
/// each of its bytes is rewritten for as many late ones as this, once.
const LATE_PART: u64 = 4;

impl Policy {
    /// What is due at `now`.
    pub fn next(&self, facts: &Facts<'_>, now: Timestamp) -> Option<Step> {
        if self.seal_due(facts).is_some_and(|due| due <= now) {
            return Some(Step::Seal(self.seal(facts)));
        }
        self.merge(facts).map(Step::Merge)
    }

    /// All segments; none if there is but one that is as small as it can be.
    fn seal(&self, facts: &Facts<'_>) -> Vec<u64> {
        match facts.segments {
            [only] if only.is_merged => Vec::new(),
            segments => segments.iter().map(|segment| segment.id).collect(),
        }
    }

    /// The merge that somebody asks for: the partition's sealing if it is over, else of all segments
    /// that are not full. `None` if there is nothing to gain.
    pub fn whole(&self, facts: &Facts<'_>, now: Timestamp) -> Option<Step> {
        let is_old = |sealed| facts.segments.iter().all(|segment| segment.id <= sealed);
        if facts.segments.is_empty() || facts.sealed.is_some_and(is_old) {
            return None;
        }
        let over = facts.last.saturating_add(self.lateness);
        if over <= now && over < Timestamp::MAX && facts.is_flushed {
            return Some(Step::Seal(self.seal(facts)));
        }
        let free: Vec<_> = facts.segments.iter().filter(|segment| !segment.is_full).collect();
        match free.as_slice() {
            [] => None,
            [only] if only.is_merged => None,
            free => Some(Step::Merge(free.iter().map(|segment| segment.id).collect())),
        }
    }

    /// When the partition is to be sealed, if nothing comes for it until then.
    pub fn seal_due(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        if !facts.is_flushed || facts.segments.is_empty() {
            return None;
        }
        let quiet = facts.last.max(facts.last_arrival).saturating_add(self.lateness);
        if quiet == Timestamp::MAX {
            return None;
        }
        let Some(sealed) = facts.sealed else {
            let patience = self.lateness.saturating_mul(PATIENCE);
            let since = facts.last.max(facts.first_arrival);
            return Some(quiet.min(since.saturating_add(patience)));
        };
        let bytes = |is_late: bool| -> u64 {
            let those = facts.segments.iter().filter(|segment| (segment.id > sealed) == is_late);
            those.map(|segment| segment.bytes).sum()
        };
        (bytes(true) > bytes(false) / LATE_PART).then_some(quiet)
    }

    /// The segments to merge while the partition is not to be sealed, by ascending id; none if
    /// none are due.
    pub fn merge(&self, facts: &Facts<'_>) -> Option<Vec<u64>> {
        let fan_in = self.fan_in.max(2);
        let is_free = |segment: &&Candidate| {
            !segment.is_full && facts.sealed.is_none_or(|sealed| segment.id > sealed)
        };
        let mut tiers: Vec<(u32, Candidate)> = (facts.segments.iter().filter(is_free))
            .map(|segment| (tier(segment.bytes, fan_in as u64), *segment))
            .collect();
        tiers.sort_unstable_by_key(|(tier, segment)| (*tier, segment.bytes, segment.id));
        let due = |tier: &[(u32, Candidate)]| {
            let lowest = tier.first().is_some_and(|(tier, _)| *tier == 0);
            let due = if lowest { alike(tier) } else { tier.len() }.min(fan_in * 2);
            (due >= fan_in).then(|| tier.iter().take(due).map(|(_, s)| s.id).collect::<Vec<u64>>())
        };
        let mut ids = tiers.chunk_by(|a, b| a.0 == b.0).find_map(due)?;
        ids.sort_unstable();
        Some(ids)
    }
}

/// Segments below this size are of the lowest tier, however much they differ.
const LOWEST_TIER_BYTES: u64 = 256 << 10;

/// Each tier is `fan_in` times the one below.
fn tier(bytes: u64, fan_in: u64) -> u32 {
    (bytes / LOWEST_TIER_BYTES).checked_ilog(fan_in).map_or(0, |log| log + 1)
}

/// Segments up to this size are alike: they hold little but what any segment does.
const ALIKE_BYTES: u64 = 4 << 10;

/// How many of the smallest segments, which ascend by size, are to be merged together in the lowest
/// tier: as many as there are up to one that is no larger than all smaller ones together. So what
/// has been merged is not written again for each few spans that come late.
fn alike(segments: &[(u32, Candidate)]) -> usize {
    let (mut smaller, mut alike) = (0u64, 0);
    for ((_, segment), at) in segments.iter().zip(1..) {
        if segment.bytes <= smaller.max(ALIKE_BYTES) {
            alike = at;
        }
        smaller = smaller.saturating_add(segment.bytes);
    }
    alike
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy = Policy { fan_in: 3, lateness: Duration::from_nanos(100) };

    fn segments(bytes: &[u64]) -> Vec<Candidate> {
        let segment = |(&bytes, id)| Candidate { id, bytes, is_merged: false, is_full: false };
        bytes.iter().zip(1..).map(segment).collect()
    }

    /// A partition up to moment 1,000.
    fn partition(segments: &[Candidate]) -> Facts<'_> {
        let last = Timestamp::from_nanos(1000);
        let first_arrival = Timestamp::ZERO;
        let last_arrival = first_arrival;
        Facts { last, first_arrival, last_arrival, is_flushed: true, sealed: None, segments }
    }

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn a_full_tier_is_due_and_larger_segments_are_left_alone() {
        let sizes = segments(&[90_000_000, 1000, 2000, 3000]);
        assert_eq!(POLICY.next(&partition(&sizes), at(0)), Some(Step::Merge(vec![2, 3, 4])));
        let wider = Policy { fan_in: 4, ..POLICY };
        assert_eq!(wider.next(&partition(&sizes), at(0)), None);
    }

    #[test]
    fn what_was_merged_waits_until_as_much_has_come() {
        assert_eq!(POLICY.merge(&partition(&segments(&[9000, 1000, 1000]))), None);
        let more = segments(&[9000, 4000, 4000, 1000]);
        assert_eq!(POLICY.merge(&partition(&more)), Some(vec![1, 2, 3, 4]));
    }

    #[test]
    fn a_partition_is_sealed_once_it_has_been_quiet_for_its_lateness() {
        let sizes = segments(&[90_000_000, 1000]);
        let mut facts = partition(&sizes);
        assert_eq!(POLICY.next(&facts, at(1099)), None);
        assert_eq!(POLICY.next(&facts, at(1100)), Some(Step::Seal(vec![1, 2])));
        facts.last_arrival = at(1050);
        assert_eq!(POLICY.next(&facts, at(1149)), None);
        assert_eq!(POLICY.next(&facts, at(1150)), Some(Step::Seal(vec![1, 2])));
        // Something always comes.
        facts.last_arrival = at(3399);
        assert_eq!(POLICY.next(&facts, at(3399)), None);
        assert_eq!(POLICY.next(&facts, at(3400)), Some(Step::Seal(vec![1, 2])));
        // So it does while an old file is imported, of which more is to come.
        facts.first_arrival = at(3000);
        assert_eq!(POLICY.next(&facts, at(3498)), None);
        assert_eq!(POLICY.next(&facts, at(3499)), Some(Step::Seal(vec![1, 2])));
        facts.is_flushed = false;
        assert_eq!(POLICY.next(&facts, at(9000)), None);
    }

    #[test]
    fn nothing_is_sealed_where_lateness_has_no_end() {
        let sizes = segments(&[90_000_000, 1000]);
        let policy = Policy { lateness: Duration::MAX, ..POLICY };
        assert_eq!(policy.seal_due(&partition(&sizes)), None);
        let merge = Some(Step::Merge(vec![1, 2]));
        assert_eq!(policy.whole(&partition(&sizes), Timestamp::MAX), merge);
    }

    #[test]
    fn a_lone_merged_segment_is_sealed_as_it_is() {
        let only = [Candidate { id: 7, bytes: 5, is_merged: true, is_full: false }];
        assert_eq!(POLICY.next(&partition(&only), at(5000)), Some(Step::Seal(Vec::new())));
        let facts = Facts { sealed: Some(7), ..partition(&only) };
        assert_eq!(POLICY.next(&facts, at(5000)), None);
    }

    #[test]
    fn late_segments_tier_among_themselves_until_there_is_enough_to_gather_all() {
        let sizes = segments(&[9000, 100, 100, 100]);
        let facts = Facts { sealed: Some(1), ..partition(&sizes) };
        assert_eq!(POLICY.next(&facts, at(5000)), Some(Step::Merge(vec![2, 3, 4])));
        let sizes = segments(&[9000, 1100, 1200]);
        let mut facts = Facts { sealed: Some(1), ..partition(&sizes) };
        facts.last_arrival = at(4950);
        assert_eq!(POLICY.next(&facts, at(5000)), None);
        assert_eq!(POLICY.next(&facts, at(5050)), Some(Step::Seal(vec![1, 2, 3])));
    }

    #[test]
    fn who_asks_for_a_merge_gets_the_sealing_of_what_is_over() {
        let sizes = segments(&[90_000_000, 1000]);
        let facts = partition(&sizes);
        assert_eq!(POLICY.whole(&facts, at(1099)), Some(Step::Merge(vec![1, 2])));
        assert_eq!(POLICY.whole(&facts, at(1100)), Some(Step::Seal(vec![1, 2])));
        let sealed = Facts { sealed: Some(1), ..facts };
        assert_eq!(POLICY.whole(&sealed, at(1100)), Some(Step::Seal(vec![1, 2])));
        assert_eq!(POLICY.whole(&Facts { sealed: Some(2), ..facts }, at(1100)), None);
        let mut full = sizes.clone();
        full.iter_mut().take(1).for_each(|segment| segment.is_full = true);
        assert_eq!(POLICY.whole(&partition(&full), at(0)), Some(Step::Merge(vec![2])));
    }

    proptest! {
        /// Growth by equal flushes leaves few segments and rewrites each span a few times: once a
        /// tier, and in the lowest once a doubling, or more often while it is tiny.
        #[test]
        fn write_amplification_is_logarithmic(
            flushes in 1usize..600,
            size in prop_oneof![1u64..2000, 1000u64..400_000, 1u64..40_000_000],
            fan_in in 2usize..10,
        ) {
            let policy = Policy { fan_in, ..POLICY };
            let fresh = Candidate { id: 0, bytes: size, is_merged: false, is_full: false };
            let (mut live, mut written, mut next_id) = (Vec::new(), 0u64, 0u64);
            for _ in 0..flushes {
                live.push(Candidate { id: next_id, ..fresh });
                next_id += 1;
                written += size;
                while let Some(due) = policy.merge(&partition(&live)) {
                    let bytes = live.iter().filter(|s| due.contains(&s.id)).map(|s| s.bytes).sum();
                    live.retain(|s| !due.contains(&s.id));
                    live.push(Candidate { id: next_id, bytes, is_merged: true, is_full: false });
                    next_id += 1;
                    written += bytes;
                }
            }
            let all = flushes as u64 * size;
            let tiers = (all / LOWEST_TIER_BYTES).checked_ilog(fan_in as u64).unwrap_or(0) + 2;
            let doublings = (all.min(LOWEST_TIER_BYTES * fan_in as u64) / size).checked_ilog2();
            let doublings = doublings.unwrap_or(0) + 1;
            prop_assert!(live.len() <= (fan_in - 1) * tiers as usize + doublings as usize);
            let tiny = (flushes / (fan_in - 1) + 1) as u64 * ALIKE_BYTES;
            prop_assert!(written <= all * u64::from(tiers + doublings + 1) + tiny);
        }
    }
}
