//! Log files that wait to be overwritten.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// A file to be overwritten.
#[derive(Debug)]
pub struct Spare {
    /// Where it lies.
    pub path: PathBuf,
    /// How long it is.
    pub len: u64,
    /// Whether its name surely survives power loss. If it does not, the file may come back under
    /// the name of its former life, and must not have been overwritten then.
    pub is_named: bool,
}

/// The spares, the next to be used first.
#[derive(Debug)]
pub struct Spares {
    /// Each with how many were kept before it, of all that ever were.
    files: VecDeque<(u64, Spare)>,
    count: u64,
    max_files: usize,
    max_file_bytes: u64,
}

impl Spares {
    /// None yet, and later at most `max_files`, none of them longer than `max_file_bytes`.
    pub fn new(max_files: usize, max_file_bytes: u64) -> Self {
        Self { files: VecDeque::new(), count: 0, max_files, max_file_bytes }
    }

    /// Keeps the file at `path`, which was just given that name, unless it is to be removed.
    #[must_use]
    pub fn keep(&mut self, path: &Path, len: u64) -> bool {
        let wanted = len <= self.max_file_bytes && self.files.len() < self.max_files;
        if wanted {
            self.files.push_back((self.count, Spare { path: path.into(), len, is_named: false }));
            self.count += 1;
        }
        wanted
    }

    /// Takes the next one.
    pub fn take(&mut self) -> Option<Spare> {
        self.files.pop_front().map(|(_, spare)| spare)
    }

    /// Gives one back that could not be used.
    pub fn give_back(&mut self, spare: Spare) {
        self.files.push_front((0, spare));
    }

    /// How many were ever kept.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The folder has been synced since `count` had been kept: their names are durable.
    pub fn set_named(&mut self, count: u64) {
        let named = self.files.iter_mut().filter(|(before, _)| *before < count);
        named.for_each(|(_, spare)| spare.is_named = true);
    }
}
