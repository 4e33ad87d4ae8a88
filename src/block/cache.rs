//! Decoded pages that several readers share, in bounded memory.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync;

use crate::block::pages::Page;

/// A page's place: the number of its file within the process, and its offset there.
type Place = (u64, u64);

/// Keeps the pages read last, up to a number of bytes; shared by all stores of a process.
#[derive(Debug)]
pub struct Cache {
    pages: sync::Cache<Place, Arc<Page>, PageBytes>,
}

#[derive(Clone, Debug)]
struct PageBytes;

impl Weighter<Place, Arc<Page>> for PageBytes {
    fn weight(&self, _: &Place, page: &Arc<Page>) -> u64 {
        page.memory_bytes() as u64
    }
}

impl Cache {
    /// A cache of at most about `bytes` bytes; with 0 it keeps nothing.
    pub fn new(bytes: u64) -> Self {
        // How many pages of the usual size that is; only a hint.
        let pages = usize::try_from(bytes / 8192).unwrap_or(usize::MAX).min(1 << 20);
        Self { pages: sync::Cache::with_weighter(pages, bytes, PageBytes) }
    }

    /// The page of file number `file` at `offset`, if it is held.
    pub fn get(&self, file: u64, offset: u64) -> Option<Arc<Page>> {
        self.pages.get(&(file, offset))
    }

    /// Holds a page for later readers.
    pub fn insert(&self, file: u64, offset: u64, page: Arc<Page>) {
        self.pages.insert((file, offset), page);
    }

    /// The bytes held.
    pub fn memory_bytes(&self) -> u64 {
        self.pages.weight()
    }
}
