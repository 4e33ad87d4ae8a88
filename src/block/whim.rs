//! Decisions between encodings that are both right, where only size speaks for one of them.
//!
//! Tests can let a whim decide instead, so that every encoding meets every value, not only those
//! for which it is the shortest.

/// Whether to take what saves bytes: yes, if it `saves`.
#[cfg(not(test))]
#[inline]
pub fn take(saves: bool) -> bool {
    saves
}

#[cfg(test)]
pub use tests::{take, with};

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    thread_local! {
        /// The state of this thread's whim.
        static WHIM: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// As outside of tests, unless this thread has a whim.
    pub fn take(saves: bool) -> bool {
        WHIM.get().map_or(saves, |state| {
            // Marsaglia's xorshift.
            let mut next = state;
            next ^= next << 13;
            next ^= next >> 7;
            next ^= next << 17;
            WHIM.set(Some(next));
            next >> 40 & 1 == 1
        })
    }

    /// Runs `work` with decisions by whim, or by size where there is no seed.
    pub fn with<T>(seed: Option<u64>, work: impl FnOnce() -> T) -> T {
        WHIM.set(seed.map(|seed| seed | 1));
        let done = work();
        WHIM.set(None);
        done
    }

    #[test]
    fn a_whim_takes_both_ways_and_ends() {
        let taken = with(Some(7), || (0..64).filter(|_| take(false)).count());
        assert!((16..48).contains(&taken));
        assert!(take(true) && !take(false));
        assert!(with(None, || take(true)));
    }
}
