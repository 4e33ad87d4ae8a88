//! The few things that were asked for last, kept at hand.

use std::sync::Mutex;

/// Up to so many things, the latest first. Nobody waits for it: who finds it in use goes without.
#[derive(Debug)]
pub struct Recent<T> {
    held: Mutex<Vec<T>>,
    most: usize,
}

impl<T> Recent<T> {
    /// Keeps up to `most` things.
    pub const fn new(most: usize) -> Self {
        Self { held: Mutex::new(Vec::new()), most }
    }

    /// What `look` makes of the first thing of which it makes anything.
    #[inline]
    pub fn find<R>(&self, look: impl FnMut(&T) -> Option<R>) -> Option<R> {
        self.held.try_lock().ok()?.iter().find_map(look)
    }

    /// Lets go of all.
    pub fn clear(&self) {
        if let Ok(mut held) = self.held.try_lock() {
            held.clear();
        }
    }

    /// Keeps a thing, in place of the oldest if there are too many.
    pub fn keep(&self, thing: T) {
        if let Ok(mut held) = self.held.try_lock() {
            held.truncate(self.most.saturating_sub(1));
            held.insert(0, thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_found_and_the_oldest_go() {
        let recent = Recent::new(2);
        let find = |wanted| recent.find(|&(key, value)| (key == wanted).then_some(value));
        assert_eq!(find(1), None);
        for (key, value) in [(1, 'a'), (2, 'b'), (3, 'c')] {
            recent.keep((key, value));
        }
        assert_eq!((find(1), find(2), find(3)), (None, Some('b'), Some('c')));
        recent.keep((2, 'd'));
        assert_eq!(find(2), Some('d'));
        recent.clear();
        assert_eq!((find(2), find(3)), (None, None));
    }
}
