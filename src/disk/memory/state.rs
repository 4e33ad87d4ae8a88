//! The operations that change a disk: counted, made to fail, and bounded by its capacity.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::disk::memory::content::Written;
use crate::disk::memory::faults::{Fault, OpKind, Ops};
use crate::disk::memory::tree::{Change, Edit, NodeId, Tree};

#[derive(Default)]
pub struct State {
    pub tree: Tree,
    pub ops: Ops,
    pub capacity: Option<u64>,
    /// Orders changes of names and of contents among each other.
    sequence: u64,
}

impl State {
    pub fn with_tree(tree: Tree, capacity: Option<u64>) -> Self {
        Self { tree, capacity, ..Self::default() }
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Changes names, as one operation.
    pub fn change(&mut self, kind: OpKind, path: &Path, change: Change) -> io::Result<()> {
        let fault = self.ops.next(kind, path, 0)?;
        if fault.is_none() || fault == Some(Fault::PowerOff) {
            let sequence = self.next_sequence();
            self.tree.change(sequence, change);
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    /// A new or emptied file, with one handle more.
    pub fn create(&mut self, path: &Path) -> io::Result<NodeId> {
        let (folder, name) = self.tree.parent(path)?;
        if self.tree.lookup(path)?.is_some() {
            let node = self.tree.file(path)?;
            self.write(OpKind::Create, path, node, Written::Length(0))?;
            self.tree.content_mut(node)?.handles += 1;
            return Ok(node);
        }
        let node = self.tree.add_file();
        let edits = vec![Edit { folder, name, node: Some(node) }];
        self.change(OpKind::Create, path, Change::of(folder, edits))?;
        self.tree.content_mut(node)?.handles += 1;
        Ok(node)
    }

    pub fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.ops.check_power()?;
        let Some(node) = self.tree.lookup(from)? else {
            return Err(ErrorKind::NotFound.into());
        };
        let (old_folder, old_name) = self.tree.parent(from)?;
        let (folder, name) = self.tree.parent(to)?;
        match self.tree.lookup(to)? {
            Some(there) if there == node => return Ok(()),
            Some(there) if self.tree.is_folder(there) => {
                return Err(ErrorKind::AlreadyExists.into());
            }
            Some(_) if self.tree.is_folder(node) => return Err(ErrorKind::NotADirectory.into()),
            _ => {}
        }
        if to.starts_with(from) {
            return Err(ErrorKind::InvalidInput.into());
        }
        // One change, so that the file is under one of the names after any crash. It is durable
        // once the new folder is synced, as on a journalling file system.
        let edits = vec![
            Edit { folder: old_folder, name: old_name, node: None },
            Edit { folder, name, node: Some(node) },
        ];
        self.change(OpKind::Rename, to, Change::of(folder, edits))
    }

    pub fn remove(&mut self, kind: OpKind, path: &Path) -> io::Result<()> {
        let (folder, name) = self.tree.parent(path)?;
        let edits = vec![Edit { folder, name, node: None }];
        self.change(kind, path, Change::of(folder, edits))
    }

    /// Changes contents, as one operation.
    pub fn write(
        &mut self,
        kind: OpKind,
        path: &Path,
        node: NodeId,
        what: Written,
    ) -> io::Result<()> {
        let bytes = match &what {
            Written::Bytes { bytes, .. } => bytes.len(),
            Written::Length(_) => 0,
        };
        let fault = self.ops.next(kind, path, bytes as u64)?;
        let room = self.room(node, &what)?;
        let sequence = self.next_sequence();
        let content = self.tree.content_mut(node)?;
        match fault {
            Some(Fault::Io) => return Err(Fault::Io.error()),
            Some(Fault::NoSpace) => {
                if let Some(part) = first_part(what, bytes / 2) {
                    content.write(sequence, part);
                }
                return Err(Fault::NoSpace.error());
            }
            Some(Fault::PowerOff) => {
                content.write(sequence, what);
                return Err(Fault::PowerOff.error());
            }
            None => {}
        }
        if what.extent() <= room {
            content.write(sequence, what);
            return Ok(());
        }
        // A real disk, too, takes what still fits before it says that it is full.
        let fitting = match &what {
            Written::Bytes { offset, .. } => room.saturating_sub(*offset),
            Written::Length(_) => 0,
        };
        if let Some(part) = first_part(what, fitting) {
            content.write(sequence, part);
        }
        Err(Fault::NoSpace.error())
    }

    pub fn sync(&mut self, path: &Path, node: NodeId) -> io::Result<()> {
        let fault = self.ops.next(OpKind::Sync, path, 0)?;
        let content = self.tree.content_mut(node)?;
        match fault {
            None => content.sync(),
            // Whether it came to the medium is for the crash to say.
            Some(Fault::PowerOff) => {}
            Some(_) => content.fail_sync(),
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    /// How long the file may get; never less than it is, since overwriting needs no space.
    fn room(&self, node: NodeId, what: &Written) -> io::Result<usize> {
        let len = self.tree.content(node)?.len();
        let extent = what.extent();
        let Some(capacity) = self.capacity.filter(|_| extent > len) else {
            return Ok(usize::MAX);
        };
        let free = capacity.saturating_sub(self.tree.used_bytes());
        Ok(len.saturating_add(usize::try_from(free).unwrap_or(usize::MAX)))
    }
}

/// The first `len` bytes of a write, if any.
fn first_part(what: Written, len: usize) -> Option<Written> {
    match what {
        Written::Bytes { offset, mut bytes } if len > 0 => {
            bytes.truncate(len);
            Some(Written::Bytes { offset, bytes })
        }
        _ => None,
    }
}
