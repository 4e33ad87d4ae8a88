//! Retention: which partitions have had their time, as a pure function of a few numbers.
//!
//! The unit is the partition: what expires is unlinked, not rewritten. A rule keeps a partition
//! only if all of its limits do, and drops the oldest first, so that what is left is one stretch of
//! time up to now.

use std::time::Duration;

use crate::base::time::Timestamp;
use crate::catalog::PartitionKey;

/// What a store keeps: everything, unless a limit is set.
///
/// Whole partitions go, once the last span that may be in them is beyond a limit; so up to one
/// [`Options::partition`](crate::Options::partition) more than asked for is kept. A trace whose
/// spans lie on both sides of the border loses those on the older side: runs report how many do.
///
/// ```
/// use std::time::Duration;
/// use tracekeep::Retention;
/// let rule = Retention::days(7).max_bytes(50 << 30);
/// assert_eq!(rule.max_age, Some(Duration::from_secs(7 * 86_400)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Partitions go in which every span started longer ago than this. Default none.
    pub max_age: Option<Duration>,
    /// The oldest partitions go while the files of all take more than this. The newest stays,
    /// whatever it takes. Default none.
    pub max_bytes: Option<u64>,
    /// The oldest partitions go while there are more than this; the newest stays. Default none.
    pub max_partitions: Option<usize>,
}

/// Why a partition goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expiry {
    /// All of its spans are older than [`Retention::max_age`].
    Age,
    /// It and the newer ones take more than [`Retention::max_bytes`].
    Bytes,
    /// There are [`Retention::max_partitions`] newer ones.
    Partitions,
}

impl Expiry {
    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Bytes => "bytes",
            Self::Partitions => "partitions",
        }
    }
}

impl Retention {
    /// Keeps what started within the last so many days.
    pub fn days(days: u64) -> Self {
        Self::default().max_age(Duration::from_secs(days.saturating_mul(86_400)))
    }

    /// Sets [`Retention::max_age`].
    #[must_use]
    pub fn max_age(self, max_age: Duration) -> Self {
        Self { max_age: Some(max_age), ..self }
    }

    /// Sets [`Retention::max_bytes`].
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes: Some(max_bytes), ..self }
    }

    /// Sets [`Retention::max_partitions`].
    #[must_use]
    pub fn max_partitions(self, max_partitions: usize) -> Self {
        Self { max_partitions: Some(max_partitions), ..self }
    }

    /// Whether it keeps everything.
    pub fn keeps_all(&self) -> bool {
        *self == Self::default()
    }

    /// What of `partitions`, which ascend by time with the bytes of their files, has expired by
    /// `now`, and why.
    pub(crate) fn expired(
        &self,
        partitions: &[(PartitionKey, u64)],
        now: Timestamp,
    ) -> Vec<(PartitionKey, Expiry)> {
        let (mut newer, mut newer_bytes) = (0, 0u64);
        let judge = |(key, bytes): &(PartitionKey, u64)| {
            newer_bytes = newer_bytes.saturating_add(*bytes);
            let why = self.judge(key, now, newer, newer_bytes);
            newer += 1;
            Some((*key, why?))
        };
        let mut expired: Vec<_> = partitions.iter().rev().map(judge).collect();
        // What is older than something that goes, goes: that holds of each limit by itself.
        expired.reverse();
        expired.into_iter().flatten().collect()
    }

    /// Why a partition goes that has so many newer ones, and with them so many bytes.
    fn judge(
        &self,
        key: &PartitionKey,
        now: Timestamp,
        newer: usize,
        bytes: u64,
    ) -> Option<Expiry> {
        let is_old = |age| key.last() < now.saturating_sub(age);
        if self.max_age.is_some_and(is_old) {
            return Some(Expiry::Age);
        }
        if newer == 0 {
            return None;
        }
        if self.max_partitions.is_some_and(|most| newer >= most) {
            return Some(Expiry::Partitions);
        }
        self.max_bytes.is_some_and(|most| bytes > most).then_some(Expiry::Bytes)
    }

    /// Spans that start before this would come into a partition that has expired by age, where
    /// partitions are `width_nanos` wide.
    pub(crate) fn horizon(&self, now: Timestamp, width_nanos: u64) -> Timestamp {
        let oldest = self.max_age.map_or(Timestamp::ZERO, |age| now.saturating_sub(age));
        PartitionKey::aligned(oldest, width_nanos).first()
    }

    /// When the oldest of some partitions expires by age, if none is dropped or added before.
    pub(crate) fn next_expiry(&self, oldest: &PartitionKey) -> Option<Timestamp> {
        self.max_age.map(|age| oldest.last().saturating_add(age))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const WIDTH: u64 = 10;

    fn key(number: u64) -> PartitionKey {
        PartitionKey { start_nanos: number * WIDTH, width_nanos: WIDTH }
    }

    #[test]
    fn a_partition_goes_when_its_last_span_is_too_old() {
        let rule = Retention::default().max_age(Duration::from_nanos(100));
        let goes = |now| rule.expired(&[(key(2), 7)], Timestamp::from_nanos(now));
        assert_eq!(goes(129), []);
        assert_eq!(goes(130), [(key(2), Expiry::Age)]);
        assert_eq!(rule.next_expiry(&key(2)), Some(Timestamp::from_nanos(129)));
        assert_eq!(rule.horizon(Timestamp::from_nanos(129), WIDTH), Timestamp::from_nanos(20));
        assert_eq!(rule.horizon(Timestamp::from_nanos(130), WIDTH), Timestamp::from_nanos(30));
    }

    #[test]
    fn the_newest_partition_stays_unless_it_is_too_old() {
        let partitions = [(key(1), 50), (key(2), 50)];
        let now = Timestamp::from_nanos(25);
        let by_bytes = Retention::default().max_bytes(0).expired(&partitions, now);
        assert_eq!(by_bytes, [(key(1), Expiry::Bytes)]);
        let by_number = Retention::default().max_partitions(0).expired(&partitions, now);
        assert_eq!(by_number, [(key(1), Expiry::Partitions)]);
    }

    proptest! {
        /// What stays is the newest stretch, fulfils every limit, and would not if one more stayed.
        #[test]
        fn what_stays_is_the_longest_newest_stretch_within_all_limits(
            bytes in vec(0u64..100, 0..12),
            max_age in proptest::option::of(0u64..150),
            max_bytes in proptest::option::of(0u64..600),
            max_partitions in proptest::option::of(0usize..12),
            now in 0u64..250,
        ) {
            let rule = Retention {
                max_age: max_age.map(Duration::from_nanos), max_bytes, max_partitions,
            };
            let partitions: Vec<_> = (0..).map(key).zip(bytes.iter().copied()).collect();
            let expired = rule.expired(&partitions, Timestamp::from_nanos(now));
            let gone = expired.len();
            for ((key, _), (expected, _)) in expired.iter().zip(&partitions) {
                prop_assert_eq!(key, expected);
            }
            let fits = |stay: &[(PartitionKey, u64)]| {
                let ages = stay.iter().all(|(key, _)| {
                    max_age.is_none_or(|age| key.last().nanos() >= now.saturating_sub(age))
                });
                let bytes: u64 = stay.iter().map(|(_, bytes)| bytes).sum();
                let few = max_partitions.is_none_or(|most| stay.len() <= most);
                ages && (stay.len() <= 1 || (few && max_bytes.is_none_or(|most| bytes <= most)))
            };
            prop_assert!(fits(partitions.get(gone..).unwrap_or_default()));
            if let Some(one_more) = gone.checked_sub(1) {
                prop_assert!(!fits(partitions.get(one_more..).unwrap_or_default()));
            }
        }
    }
}
