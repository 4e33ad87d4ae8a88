//! Log files that wait to be overwritten.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::base::error::Result;
use crate::disk::Disk;

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
    files: VecDeque<Spare>,
    max_files: usize,
    max_file_bytes: u64,
}

impl Spares {
    /// None yet, and later at most `max_files`, none of them longer than `max_file_bytes`.
    pub fn new(max_files: usize, max_file_bytes: u64) -> Self {
        Self { files: VecDeque::new(), max_files, max_file_bytes }
    }

    /// Keeps the file at `path`, which was just given that name, or removes it.
    pub fn keep(&mut self, disk: &dyn Disk, path: PathBuf, len: u64) -> Result<()> {
        if len <= self.max_file_bytes && self.files.len() < self.max_files {
            self.files.push_back(Spare { path, len, is_named: false });
            return Ok(());
        }
        disk.remove_file(&path)
    }

    /// Takes the next one.
    pub fn take(&mut self) -> Option<Spare> {
        self.files.pop_front()
    }

    /// Gives one back that could not be used.
    pub fn give_back(&mut self, spare: Spare) {
        self.files.push_front(spare);
    }

    /// The folder has been synced: all names are durable.
    pub fn set_named(&mut self) {
        self.files.iter_mut().for_each(|spare| spare.is_named = true);
    }
}
