//! Sketches of durations: how many spans lasted how long, to within 4.4 %.
//!
//! The buckets are those of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable
//! quantile sketch with relative-error guarantees", VLDB 2019) with eight to the doubling: the
//! bounds of one are 2^(1/8) = 1.0905 apart. They are found with integers alone, so that every
//! machine and language puts a duration into the same bucket. All sketches have the same buckets,
//! so adding the counts of two gives exactly the sketch of all their spans.

/// Buckets of a doubling.
const STEPS: u16 = 8;

/// The highest bucket there is.
pub const MAX_BUCKET: u16 = 64 * STEPS;

/// `2^31 * 2^(i/8)`, rounded up: where the buckets of a doubling begin, in 32 bits.
const BEGINS: [u32; STEPS as usize] = [
    2_147_483_648,
    2_341_847_524,
    2_553_802_834,
    2_784_941_738,
    3_037_000_500,
    3_311_872_530,
    3_611_622_603,
    3_938_502_376,
];

/// The bucket of a duration in nanoseconds: 0 for zero, then eight to each power of two. Longer
/// durations never have a lower one.
pub fn bucket(nanos: u64) -> u16 {
    let Some(octave) = nanos.checked_ilog2() else { return 0 };
    // The highest 32 bits, the first of them set.
    let leading = (nanos << (63 - octave) >> 32) as u32;
    let step: u16 = BEGINS.iter().skip(1).map(|&begin| u16::from(begin <= leading)).sum();
    1 + octave as u16 * STEPS + step
}

/// The shortest duration of a bucket, if it were in one; of one beyond the last 2^64. Buckets of a
/// few nanoseconds may be empty: they begin where the next one does.
pub fn begin(bucket: u16) -> u128 {
    let Some(place) = bucket.checked_sub(1) else { return 0 };
    let step = BEGINS.get(usize::from(place % STEPS)).copied().unwrap_or_default();
    // At most 2^32 shifted by 64.
    (u128::from(step) << (place / STEPS).min(64)).div_ceil(1 << 31)
}

/// How many spans fall into each bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Buckets with spans, ascending.
    buckets: Vec<(u16, u64)>,
}

impl Sketch {
    /// Counts spans of a bucket.
    pub fn add(&mut self, bucket: u16, spans: u64) {
        match self.buckets.binary_search_by_key(&bucket, |&(known, _)| known) {
            Ok(at) => {
                if let Some((_, count)) = self.buckets.get_mut(at) {
                    *count = count.saturating_add(spans);
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, spans)),
        }
    }

    /// Takes a span of a bucket out again.
    pub fn remove(&mut self, bucket: u16) {
        if let Ok(at) = self.buckets.binary_search_by_key(&bucket, |&(known, _)| known) {
            if let Some((_, spans)) = self.buckets.get_mut(at) {
                *spans = spans.saturating_sub(1);
            }
            if self.buckets.get(at).is_some_and(|(_, spans)| *spans == 0) {
                self.buckets.remove(at);
            }
        }
    }

    /// Adds the spans of another sketch.
    pub fn merge(&mut self, other: &Self) {
        other.buckets.iter().for_each(|&(bucket, spans)| self.add(bucket, spans));
    }

    /// Counts spans of a bucket above all others; `None` if it is not.
    pub(super) fn push(&mut self, bucket: u16, spans: u64) -> Option<()> {
        let ascends = self.buckets.last().is_none_or(|&(last, _)| last < bucket);
        ascends.then(|| self.buckets.push((bucket, spans)))
    }

    /// Takes all spans out.
    pub(super) fn clear(&mut self) {
        self.buckets.clear();
    }

    /// The buckets with spans, ascending, each with how many.
    pub fn buckets(&self) -> &[(u16, u64)] {
        &self.buckets
    }

    /// The duration that so many of a thousand spans do not exceed, estimated: at most 4.4 % away
    /// from that of the span at that place, and a nanosecond. `None` without spans.
    pub fn quantile(&self, of_thousand: u64) -> Option<u64> {
        let spans: u128 = self.buckets.iter().map(|&(_, spans)| u128::from(spans)).sum();
        let place = (spans * u128::from(of_thousand.min(1000))).div_ceil(1000).max(1);
        let mut before = 0;
        let found = self.buckets.iter().find(|&&(_, spans)| {
            before += u128::from(spans);
            place <= before
        });
        found.map(|&(bucket, _)| estimate(bucket))
    }
}

/// The duration told for a bucket: the one whose ratio to both its bounds is the same distance
/// from 1, which keeps the error least.
fn estimate(bucket: u16) -> u64 {
    let (low, high) = (begin(bucket), begin(bucket + 1));
    let last = high.saturating_sub(1).max(low);
    // 2 x low x last / (low + last), which would not fit where they are long.
    let middle = low + (low * (last - low)).checked_div(low + last).unwrap_or(0);
    u64::try_from(middle).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn p5_a_duration_lies_in_its_bucket_and_is_told_to_within_4_4_percent(
            bits in 0u32..64, low: u64,
        ) {
            let nanos = 1 << bits | (low & ((1 << bits) - 1));
            let own = bucket(nanos);
            prop_assert!(begin(own) <= nanos.into() && u128::from(nanos) < begin(own + 1));
            let told = u128::from(estimate(own));
            let error = told.abs_diff(nanos.into());
            prop_assert!(error * 1000 <= u128::from(nanos) * 44 + 1000, "{nanos} {told}");
        }

        #[test]
        fn a_quantile_is_that_of_the_sorted_durations(
            mut all in prop::collection::vec(0u64..100_000, 1..60), of_thousand in 0u64..=1000,
        ) {
            let mut sketch = Sketch::default();
            all.iter().for_each(|&nanos| sketch.add(bucket(nanos), 1));
            all.sort_unstable();
            let place = (all.len() as u64 * of_thousand).div_ceil(1000).max(1);
            let exact = all.get(place as usize - 1).copied().unwrap();
            prop_assert_eq!(sketch.quantile(of_thousand), Some(estimate(bucket(exact))));
        }
    }

    /// These numbers are on disk.
    #[test]
    fn buckets_are_pinned() {
        let buckets: Vec<u16> = (0..10).map(bucket).collect();
        assert_eq!(buckets, [0, 1, 9, 13, 17, 19, 21, 23, 25, 26]);
        assert_eq!((bucket(1_000_000), bucket(u64::MAX)), (160, MAX_BUCKET));
        let begins = [0, 1, 2, 160, 161, 512, 513].map(begin);
        let last = 16_915_738_900_138_295_296;
        assert_eq!(begins, [0, 1, 2, 961_549, 1_048_576, last, 1 << 64]);
    }

    #[test]
    fn zero_is_told_as_zero_and_nothing_as_none() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.quantile(500), None);
        sketch.add(0, 3);
        assert_eq!(sketch.quantile(1000), Some(0));
    }
}
