//! Which segments to merge: size-tiered, as a pure function of the catalog's numbers.
//!
//! Segments of one partition fall into tiers by size, each tier `fan_in` times the one below. A
//! tier that holds `fan_in` segments is merged into one segment of the next, so a span is
//! rewritten once a tier: write amplification is about `1 + log(segment sizes' range) / log(fan_in)`
//! (the scheme of Bigtable and of Cassandra's size-tiered compaction).

/// What the plan needs to know of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The segment's id.
    pub id: u64,
    /// Its file size.
    pub bytes: u64,
}

/// Segments below this size count as the lowest tier: merging them costs next to nothing.
const LOWEST_TIER_BYTES: u64 = 256 << 10;

/// The segments to merge next, oldest ids first; empty when nothing is due.
pub fn next_merge(segments: &[Candidate], fan_in: usize) -> Vec<u64> {
    let fan_in = fan_in.max(2);
    let mut tiers: Vec<(u32, u64)> =
        segments.iter().map(|s| (tier(s.bytes, fan_in as u64), s.id)).collect();
    tiers.sort_unstable();
    let due = tiers.chunk_by(|a, b| a.0 == b.0).find(|tier| tier.len() >= fan_in);
    due.map(|tier| tier.iter().take(fan_in * 2).map(|&(_, id)| id).collect()).unwrap_or_default()
}

fn tier(bytes: u64, fan_in: u64) -> u32 {
    (bytes / LOWEST_TIER_BYTES).checked_ilog(fan_in).map_or(0, |log| log + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segments(bytes: &[u64]) -> Vec<Candidate> {
        bytes.iter().zip(1..).map(|(&bytes, id)| Candidate { id, bytes }).collect()
    }

    #[test]
    fn a_full_tier_is_due_and_larger_segments_are_left_alone() {
        let sizes = [90_000_000, 1000, 2000, 3000];
        assert_eq!(next_merge(&segments(&sizes), 3), [2, 3, 4]);
        assert!(next_merge(&segments(&sizes), 4).is_empty());
    }

    proptest! {
        /// Growth by equal flushes leaves few segments and rewrites each span a few times; only in
        /// the lowest tier what is there already is rewritten at each merge, so long as it is small.
        #[test]
        fn write_amplification_is_logarithmic(
            flushes in 1usize..600,
            size in prop_oneof![1u64..2000, 1000u64..400_000, 1u64..40_000_000],
            fan_in in 2usize..10,
        ) {
            let (mut live, mut written, mut next_id) = (Vec::new(), 0u64, 0u64);
            for _ in 0..flushes {
                live.push(Candidate { id: next_id, bytes: size });
                next_id += 1;
                written += size;
                loop {
                    let due = next_merge(&live, fan_in);
                    if due.is_empty() { break; }
                    let bytes = live.iter().filter(|s| due.contains(&s.id)).map(|s| s.bytes).sum();
                    live.retain(|s| !due.contains(&s.id));
                    live.push(Candidate { id: next_id, bytes });
                    next_id += 1;
                    written += bytes;
                }
            }
            let tiers = (flushes as u64 * size / LOWEST_TIER_BYTES).checked_ilog(fan_in as u64).unwrap_or(0) + 2;
            prop_assert!(live.len() <= (fan_in - 1) * tiers as usize);
            let lowest = (flushes / (fan_in - 1) + 1) as u64 * LOWEST_TIER_BYTES;
            prop_assert!(written <= flushes as u64 * size * u64::from(tiers + 1) + lowest);
        }
    }
}
