//! What is decoded once and kept while there is room: [`Kept`] values, and the [`Room`] that many
//! of them share.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

/// Values that tell how much memory they take.
pub trait TakesMemory: fmt::Debug + Send + Sync {
    /// About how many bytes it takes, now. Asked of all values whenever a new one is made.
    fn memory_bytes(&self) -> usize;
}

/// A bounded number of bytes for values that can be made again.
///
/// What is forgotten first is what nobody has asked for since its last turn: the second chance of
/// Corbató's *A Paging Experiment with the Multics System*. Whoever uses a value holds on to it, so
/// forgetting it takes it from nobody.
#[derive(Debug)]
pub struct Room {
    limit: usize,
    /// Those that hold a value, in the order of their turns.
    held: Mutex<VecDeque<Weak<dyn Holds>>>,
}

/// What a [`Room`] knows of a value.
trait Holds: fmt::Debug + Send + Sync {
    /// How many bytes it takes.
    fn memory_bytes(&self) -> usize;
    /// Whether anybody has asked for it since this was last asked.
    fn was_used(&self) -> bool;
    fn forget(&self);
}

impl Room {
    /// Room for `limit` bytes; the value that was made last is kept whatever it takes.
    pub const fn new(limit: usize) -> Self {
        Self { limit, held: Mutex::new(VecDeque::new()) }
    }

    /// The bytes of all values that are held.
    pub fn memory_bytes(&self) -> usize {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().filter_map(Weak::upgrade).map(|own| own.memory_bytes()).sum()
    }

    /// Takes a new value in, and forgets others until all that is held has room.
    fn take(&self, new: &Arc<dyn Holds>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|own| own.strong_count() > 0);
        let mut bytes = new.memory_bytes();
        bytes += held.iter().filter_map(Weak::upgrade).map(|own| own.memory_bytes()).sum::<usize>();
        // All turns come twice at most: the first takes away the chance of a second.
        let mut turns = 2 * held.len();
        while bytes > self.limit && turns > 0 {
            turns -= 1;
            let Some(own) = held.pop_front() else { break };
            let Some(oldest) = own.upgrade() else { continue };
            if oldest.was_used() {
                held.push_back(own);
            } else {
                bytes = bytes.saturating_sub(oldest.memory_bytes());
                oldest.forget();
            }
        }
        held.push_back(Arc::downgrade(new));
    }
}

/// A value that is made when it is asked for, and made again once it was forgotten.
#[derive(Debug)]
pub struct Kept<T> {
    cell: Arc<Cell<T>>,
}

#[derive(Debug)]
struct Cell<T> {
    value: RwLock<Option<Arc<T>>>,
    used: AtomicBool,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { cell: Arc::new(Cell { value: RwLock::new(None), used: AtomicBool::new(false) }) }
    }
}

impl<T: TakesMemory + 'static> Kept<T> {
    /// The value, made by `make` if none is held. Two threads may make it side by side; both get
    /// the same one.
    #[inline]
    pub fn get<E>(&self, room: &Room, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        match self.cell.held() {
            Some(value) => Ok(value),
            None => make().map(|made| self.put(room, made)),
        }
    }

    #[cold]
    fn put(&self, room: &Room, made: T) -> Arc<T> {
        let value = {
            let mut held = self.cell.value.write().unwrap_or_else(PoisonError::into_inner);
            match &*held {
                Some(value) => return Arc::clone(value),
                None => Arc::clone(held.insert(Arc::new(made))),
            }
        };
        let cell: Arc<dyn Holds> = Arc::clone(&self.cell) as _;
        room.take(&cell);
        value
    }
}

impl<T> Cell<T> {
    #[inline]
    fn held(&self) -> Option<Arc<T>> {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        // Mostly it is set already, and many threads read what none writes at less cost.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        Some(value)
    }
}

impl<T: TakesMemory> Holds for Cell<T> {
    fn memory_bytes(&self) -> usize {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        value.as_ref().map_or(0, |value| value.memory_bytes())
    }

    fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    fn forget(&self) {
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl TakesMemory for usize {
        fn memory_bytes(&self) -> usize {
            *self
        }
    }

    fn get(kept: &Kept<usize>, room: &Room, made: usize) -> usize {
        *kept.get(room, || Ok::<_, ()>(made)).unwrap()
    }

    #[test]
    fn what_was_not_asked_for_is_forgotten_first() {
        let room = Room::new(30);
        let kept: Vec<Kept<usize>> = (0..4).map(|_| Kept::default()).collect();
        for own in kept.iter().take(3) {
            get(own, &room, 10);
        }
        assert_eq!(get(kept.first().unwrap(), &room, 11), 10);
        get(kept.get(3).unwrap(), &room, 10);
        let now: Vec<usize> = kept.iter().map(|own| get(own, &room, 0)).collect();
        assert_eq!(now, [10, 0, 10, 10]);
    }

    #[test]
    fn what_is_in_use_is_forgotten_without_harm() {
        let room = Room::new(10);
        let (first, second) = (Kept::<usize>::default(), Kept::default());
        let mine = first.get(&room, || Ok::<_, ()>(10)).unwrap();
        get(&second, &room, 7);
        assert_eq!((*mine, room.memory_bytes()), (10, 7));
        drop(second);
        assert_eq!(room.memory_bytes(), 0);
    }

    #[test]
    fn what_cannot_be_made_is_tried_again() {
        let (room, kept) = (Room::new(10), Kept::<usize>::default());
        assert_eq!(kept.get(&room, || Err("not now")).unwrap_err(), "not now");
        assert_eq!(get(&kept, &room, 3), 3);
    }

    proptest! {
        #[test]
        fn values_keep_within_their_room_but_for_the_last(
            asked in prop::collection::vec((0usize..12, 0usize..40), 0..80), limit in 0usize..90,
        ) {
            let room = Room::new(limit);
            let kept: Vec<Kept<usize>> = (0..12).map(|_| Kept::default()).collect();
            for (which, bytes) in asked {
                let got = get(kept.get(which).unwrap(), &room, bytes);
                prop_assert!(room.memory_bytes() <= limit.max(got));
            }
        }
    }
}
