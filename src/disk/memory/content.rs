//! A file's bytes: as a program sees them, as they are on the medium, and what lies between.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::disk::LockKind;

#[derive(Default)]
pub struct Content {
    /// Shared with whoever reads it; a write copies it then.
    seen: Arc<Vec<u8>>,
    synced: Vec<u8>,
    /// What turns `synced` into `seen`, unless a sync has failed.
    patches: Vec<Patch>,
    held: Held,
    /// Writers and locks that have it open, so that it outlives its name.
    pub handles: usize,
}

/// A change of contents that is not synced.
pub struct Patch {
    /// When it was made, in the order of all changes of the disk.
    pub sequence: u64,
    pub what: Written,
}

pub enum Written {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Default)]
enum Held {
    #[default]
    Free,
    Shared(usize),
    Exclusive,
}

impl Content {
    /// A file with `bytes`, all of them synced.
    pub fn on_medium(bytes: Vec<u8>) -> Self {
        Self { seen: Arc::new(bytes.clone()), synced: bytes, ..Self::default() }
    }

    pub fn bytes(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.seen)
    }

    pub fn len(&self) -> usize {
        self.seen.len()
    }

    pub fn synced(&self) -> &[u8] {
        &self.synced
    }

    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    pub fn write(&mut self, sequence: u64, what: Written) {
        what.apply(Arc::make_mut(&mut self.seen));
        self.patches.push(Patch { sequence, what });
    }

    pub fn sync(&mut self) {
        for patch in std::mem::take(&mut self.patches) {
            patch.what.apply(&mut self.synced);
        }
    }

    /// What a failed fsync leaves: the kernel goes on to show the bytes, takes them for written,
    /// and will never write them.
    pub fn fail_sync(&mut self) {
        self.patches.clear();
    }

    pub fn lock(&mut self, kind: LockKind) -> bool {
        self.held = match (&self.held, kind) {
            (Held::Free, LockKind::Exclusive) => Held::Exclusive,
            (Held::Free, LockKind::Shared) => Held::Shared(1),
            (Held::Shared(others), LockKind::Shared) => Held::Shared(others + 1),
            _ => return false,
        };
        self.handles += 1;
        true
    }

    pub fn unlock(&mut self) {
        self.held = match self.held {
            Held::Shared(holders) if holders > 1 => Held::Shared(holders - 1),
            _ => Held::Free,
        };
        self.handles -= 1;
    }
}

impl Written {
    pub fn bytes_at(offset: u64, bytes: &[u8]) -> io::Result<Self> {
        let start = position(offset)?;
        match start.checked_add(bytes.len()) {
            Some(_) => Ok(Self::Bytes { offset: start, bytes: bytes.to_vec() }),
            None => Err(ErrorKind::FileTooLarge.into()),
        }
    }

    pub fn length(len: u64) -> io::Result<Self> {
        Ok(Self::Length(position(len)?))
    }

    /// How long it makes a shorter file.
    pub fn extent(&self) -> usize {
        match self {
            Self::Bytes { offset, bytes } => offset.saturating_add(bytes.len()),
            Self::Length(len) => *len,
        }
    }

    pub fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Bytes { offset, bytes } => overwrite(file, *offset, bytes),
            Self::Length(len) => file.resize(*len, 0),
        }
    }
}

/// Writes `bytes` at `offset`, over zeros where the file ends before.
pub fn overwrite(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(place) = file.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| ErrorKind::FileTooLarge.into())
}
