//! Operations by number, and those that are to fail.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// How an operation fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The system refuses: nothing is done. If it is a file's sync, what was written since the
    /// last one never reaches the medium, though it can still be read and later syncs succeed.
    Io,
    /// The disk is full for this operation: a write ends half way. A sync fails as under `Io`.
    NoSpace,
    /// The power goes off while it is done: it may take effect after [`crash`], whole or in part,
    /// like all that was not synced; it and everything after it fails.
    ///
    /// [`crash`]: super::MemDisk::crash
    PowerOff,
}

impl Fault {
    pub(super) fn error(self) -> io::Error {
        match self {
            Self::Io => io::Error::other("made to fail"),
            Self::NoSpace => ErrorKind::StorageFull.into(),
            Self::PowerOff => io::Error::other("the power is off"),
        }
    }
}

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpKind {
    /// Makes one folder.
    CreateDir,
    /// Makes or empties a file.
    Create,
    /// Writes bytes.
    Write,
    /// Cuts or extends a file.
    SetLen,
    /// Syncs a file's contents.
    Sync,
    /// Moves a name.
    Rename,
    /// Adds a name to a file.
    Link,
    /// Removes a file's name.
    RemoveFile,
    /// Removes a folder.
    RemoveDir,
    /// Syncs a folder's names.
    SyncDir,
}

/// One operation that changed something, or would have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Op {
    /// Counted from 0.
    pub number: u64,
    /// What it does.
    pub kind: OpKind,
    /// The path it changes; of a rename, the new one.
    pub path: PathBuf,
    /// How many bytes it writes.
    pub bytes: u64,
}

#[derive(Default)]
pub struct Ops {
    count: u64,
    faults: BTreeMap<u64, Fault>,
    power_is_off: bool,
    record: Option<Vec<Op>>,
}

impl Ops {
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn fail_at(&mut self, operation: u64, fault: Fault) {
        self.faults.insert(operation, fault);
    }

    pub fn record(&mut self) {
        self.record.get_or_insert_default();
    }

    pub fn recorded(&self) -> Vec<Op> {
        self.record.clone().unwrap_or_default()
    }

    pub fn check_power(&self) -> io::Result<()> {
        if self.power_is_off { Err(Fault::PowerOff.error()) } else { Ok(()) }
    }

    /// Counts an operation, and says how it is to fail.
    pub fn next(&mut self, kind: OpKind, path: &Path, bytes: u64) -> io::Result<Option<Fault>> {
        self.check_power()?;
        let number = self.count;
        self.count += 1;
        if let Some(record) = &mut self.record {
            record.push(Op { number, kind, path: path.to_path_buf(), bytes });
        }
        let fault = self.faults.remove(&number);
        self.power_is_off = fault == Some(Fault::PowerOff);
        Ok(fault)
    }
}
