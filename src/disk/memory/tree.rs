//! Folders and names: as a program sees them, as they are on the medium, and what lies between.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use crate::disk::DirEntry;
use crate::disk::memory::content::Content;

/// A file or folder, whatever it is called.
pub type NodeId = u64;

const ROOT: NodeId = 0;

pub struct Tree {
    nodes: BTreeMap<NodeId, Node>,
    next_node: NodeId,
    /// Those that are not synced, in order.
    changes: Vec<(u64, Change)>,
}

enum Node {
    Folder(Folder),
    File(Content),
}

#[derive(Default)]
struct Folder {
    seen: BTreeMap<String, NodeId>,
    synced: BTreeMap<String, NodeId>,
}

/// A change of names that happens as a whole.
#[derive(Clone)]
pub struct Change {
    /// The folder whose sync makes it durable.
    folder: NodeId,
    edits: Vec<Edit>,
}

/// What a name stands for from now on.
#[derive(Clone)]
pub struct Edit {
    pub folder: NodeId,
    pub name: String,
    pub node: Option<NodeId>,
}

impl Change {
    pub fn of(folder: NodeId, edits: Vec<Edit>) -> Self {
        Self { folder, edits }
    }
}

impl Default for Tree {
    fn default() -> Self {
        let nodes = BTreeMap::from([(ROOT, Node::Folder(Folder::default()))]);
        Self { nodes, next_node: ROOT + 1, changes: Vec::new() }
    }
}

impl Edit {
    fn apply(&self, names: &mut BTreeMap<String, NodeId>) {
        match self.node {
            Some(node) => names.insert(self.name.clone(), node),
            None => names.remove(&self.name),
        };
    }
}

/// The names on the way from the root. The working directory is the root.
fn names(path: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.to_string_lossy().into_owned()),
            Component::ParentDir => drop(names.pop()),
            _ => {}
        }
    }
    names
}

impl Tree {
    fn names_of(&self, node: NodeId) -> io::Result<&BTreeMap<String, NodeId>> {
        match self.nodes.get(&node) {
            Some(Node::Folder(folder)) => Ok(&folder.seen),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn walk(&self, names: &[String]) -> io::Result<Option<NodeId>> {
        let mut node = ROOT;
        for name in names {
            match self.names_of(node)?.get(name) {
                Some(&next) => node = next,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// What `path` leads to.
    pub fn lookup(&self, path: &Path) -> io::Result<Option<NodeId>> {
        self.walk(&names(path))
    }

    pub fn file(&self, path: &Path) -> io::Result<NodeId> {
        let node = self.lookup(path)?.ok_or(ErrorKind::NotFound)?;
        if self.is_folder(node) { Err(ErrorKind::IsADirectory.into()) } else { Ok(node) }
    }

    pub fn folder(&self, path: &Path) -> io::Result<NodeId> {
        let node = self.lookup(path)?.ok_or(ErrorKind::NotFound)?;
        self.names_of(node).map(|_| node)
    }

    pub fn is_folder(&self, node: NodeId) -> bool {
        self.names_of(node).is_ok()
    }

    /// The existing folder of `path`, and its name there.
    pub fn parent(&self, path: &Path) -> io::Result<(NodeId, String)> {
        let mut names = names(path);
        let name = names.pop().ok_or(ErrorKind::InvalidInput)?;
        let folder = self.walk(&names)?.ok_or(ErrorKind::NotFound)?;
        self.names_of(folder).map(|_| (folder, name))
    }

    /// The folders on the way to `dir`, itself included, that do not exist yet.
    pub fn missing_folders(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut missing = Vec::new();
        let mut path = PathBuf::from("/");
        for name in names(dir) {
            path.push(name);
            match self.lookup(&path)? {
                Some(node) => drop(self.names_of(node)?),
                None => missing.push(path.clone()),
            }
        }
        Ok(missing)
    }

    pub fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let names = self.names_of(self.folder(dir)?)?.iter();
        let entries = names.map(|(name, node)| {
            let len = self.content(*node).map_or(0, |content| content.len() as u64);
            DirEntry { name: name.clone(), is_dir: self.is_folder(*node), len }
        });
        Ok(entries.collect())
    }

    pub fn content(&self, node: NodeId) -> io::Result<&Content> {
        match self.nodes.get(&node) {
            Some(Node::File(content)) => Ok(content),
            Some(Node::Folder(_)) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    pub fn content_mut(&mut self, node: NodeId) -> io::Result<&mut Content> {
        match self.nodes.get_mut(&node) {
            Some(Node::File(content)) => Ok(content),
            Some(Node::Folder(_)) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    /// The bytes of all files with a name, each once.
    pub fn used_bytes(&self) -> u64 {
        let named: BTreeSet<_> = self.folders().flat_map(|folder| folder.seen.values()).collect();
        named.into_iter().filter_map(|node| self.content(*node).ok()).map(|c| c.len() as u64).sum()
    }

    fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.nodes.values().filter_map(|node| match node {
            Node::Folder(folder) => Some(folder),
            Node::File(_) => None,
        })
    }

    /// A file without a name.
    pub fn add_file(&mut self) -> NodeId {
        self.add(Node::File(Content::default()))
    }

    /// An empty folder without a name.
    pub fn add_folder(&mut self) -> NodeId {
        self.add(Node::Folder(Folder::default()))
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = self.next_node;
        self.next_node += 1;
        self.nodes.insert(id, node);
        id
    }

    fn folder_mut(&mut self, node: NodeId) -> Option<&mut Folder> {
        match self.nodes.get_mut(&node) {
            Some(Node::Folder(folder)) => Some(folder),
            _ => None,
        }
    }

    pub fn change(&mut self, sequence: u64, change: Change) {
        for edit in &change.edits {
            if let Some(folder) = self.folder_mut(edit.folder) {
                edit.apply(&mut folder.seen);
            }
        }
        self.changes.push((sequence, change));
    }

    /// Makes the changes of `folder` durable.
    pub fn sync(&mut self, folder: NodeId) {
        let mut later: Vec<(u64, Change)> = Vec::new();
        for (sequence, change) in std::mem::take(&mut self.changes) {
            if change.folder != folder {
                later.push((sequence, change));
                continue;
            }
            for edit in &change.edits {
                if let Some(folder) = self.folder_mut(edit.folder) {
                    edit.apply(&mut folder.synced);
                }
                // An older change of the same name, whose own folder is not synced yet, must not
                // come back over it.
                for (_, older) in &mut later {
                    older.edits.retain(|e| (e.folder, &e.name) != (edit.folder, &edit.name));
                }
            }
        }
        self.changes = later;
        self.collect();
    }

    /// Forgets what no name leads to, seen, synced or about to be, and no one has open.
    fn collect(&mut self) {
        let mut used = BTreeSet::from([ROOT]);
        for folder in self.folders() {
            used.extend(folder.seen.values().chain(folder.synced.values()));
        }
        let edits = self.changes.iter().flat_map(|(_, change)| &change.edits);
        used.extend(edits.flat_map(|edit| edit.node.into_iter().chain([edit.folder])));
        self.nodes.retain(|id, node| {
            used.contains(id) || matches!(node, Node::File(content) if content.handles > 0)
        });
    }

    #[cfg(test)]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The order of all changes that are not synced, of names and of contents.
    pub fn unsynced(&self) -> Vec<u64> {
        let contents = self.nodes.values().filter_map(|node| match node {
            Node::File(content) => Some(content),
            Node::Folder(_) => None,
        });
        let patches = contents.flat_map(|content| content.patches()).map(|patch| patch.sequence);
        let mut all: Vec<_> = patches.chain(self.changes.iter().map(|(at, _)| *at)).collect();
        all.sort_unstable();
        all
    }

    /// The tree on a medium where the names of the changes that `keep` chooses have survived, and
    /// of each file the bytes that `bytes` gives.
    pub fn on_medium(
        &self,
        mut keep: impl FnMut(u64) -> bool,
        mut bytes: impl FnMut(&Content) -> Vec<u8>,
    ) -> Self {
        let mut tree = Self { next_node: self.next_node, ..Self::default() };
        for (id, node) in &self.nodes {
            let node = match node {
                Node::Folder(folder) => {
                    Node::Folder(Folder { seen: folder.synced.clone(), ..Folder::default() })
                }
                Node::File(content) => Node::File(Content::on_medium(bytes(content))),
            };
            tree.nodes.insert(*id, node);
        }
        for (sequence, change) in &self.changes {
            if keep(*sequence) {
                tree.change(*sequence, change.clone());
            }
        }
        tree.changes.clear();
        for node in tree.nodes.values_mut() {
            if let Node::Folder(folder) = node {
                folder.synced = folder.seen.clone();
            }
        }
        tree.collect();
        tree
    }
}
