//! A disk that is too slow: chosen syncs wait until they are let go.

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Which syncs wait. No clock is involved: a test says when the disk has caught up.
#[derive(Default)]
pub struct Stall {
    state: Mutex<State>,
    let_go: Condvar,
}

#[derive(Default)]
struct State {
    /// The end of the paths whose syncs wait.
    suffix: Option<String>,
    waiting: usize,
}

impl Stall {
    /// From here on syncs of files whose path ends so wait.
    pub fn hold(&self, suffix: &str) {
        self.state().suffix = Some(suffix.to_owned());
    }

    /// Lets all syncs go.
    pub fn let_go(&self) {
        self.state().suffix = None;
        self.let_go.notify_all();
    }

    /// How many syncs wait now.
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// Waits if the sync of `path` is to wait.
    pub fn pass(&self, path: &Path) {
        let path = path.to_string_lossy();
        let held = |state: &State| state.suffix.as_ref().is_some_and(|end| path.ends_with(end));
        let mut state = self.state();
        while held(&state) {
            state.waiting += 1;
            state = self.let_go.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
