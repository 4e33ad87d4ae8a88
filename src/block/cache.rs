//! Decoded pages, opened blocks and what segments are read with, which several readers share, in
//! bounded memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync;

use crate::base::kept::Room;
use crate::base::observer::{Observer, StoreEvent};
use crate::block::decode::OpenBlock;
use crate::block::pages::Page;
use crate::disk::bytes::ByteView;

/// A page's or block's place: the number of its file within the process, and its offset there.
type Place = (u64, u64);

/// Keeps what was read last, up to a number of bytes; several stores may share what is held.
#[derive(Debug)]
pub struct Cache {
    held: Arc<sync::Cache<Place, Held, HeldBytes>>,
    /// Room for what the rows of segments are decoded by.
    models: Arc<Room>,
    /// Reads that found what they wanted, and those that did not; counted for all handles.
    counts: Arc<[AtomicU64; 2]>,
    /// Told of hits and misses.
    observer: Option<Arc<dyn Observer>>,
}

#[derive(Clone, Debug)]
enum Held {
    Page(Arc<Page>),
    Block(Arc<OpenBlock>),
    Bytes(ByteView),
}

#[derive(Clone, Debug)]
struct HeldBytes;

impl Weighter<Place, Held> for HeldBytes {
    fn weight(&self, _: &Place, held: &Held) -> u64 {
        match held {
            Held::Page(page) => page.memory_bytes() as u64,
            Held::Block(block) => block.memory_bytes() as u64,
            Held::Bytes(bytes) => (bytes.len() + size_of::<Held>()) as u64,
        }
    }
}

impl Cache {
    /// A cache of at most about `bytes` bytes, and as many for models; with 0 it keeps nothing but
    /// the models of one segment.
    pub fn new(bytes: u64) -> Self {
        Self::with_models(bytes, usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// The same with another number of bytes for models.
    pub fn with_models(bytes: u64, model_bytes: usize) -> Self {
        // How many pages of the usual size that is; only a hint.
        let pages = usize::try_from(bytes / 8192).unwrap_or(usize::MAX).min(1 << 20);
        let held = Arc::new(sync::Cache::with_weighter(pages, bytes, HeldBytes));
        let models = Arc::new(Room::new(model_bytes));
        Self { held, models, counts: Arc::default(), observer: None }
    }

    /// The same cache, of whose use through this handle `observer` is told.
    #[must_use]
    pub fn observed(&self, observer: Option<Arc<dyn Observer>>) -> Self {
        let (held, models) = (Arc::clone(&self.held), Arc::clone(&self.models));
        Self { held, models, counts: Arc::clone(&self.counts), observer }
    }

    fn find(&self, place: Place) -> Option<Held> {
        let held = self.held.get(&place);
        let [hits, misses] = &*self.counts;
        (if held.is_some() { hits } else { misses }).fetch_add(1, Ordering::Relaxed);
        if let Some(observer) = &self.observer {
            observer.observe(&StoreEvent::Cache { hit: held.is_some() });
        }
        held
    }

    /// The page of file number `file` at `offset`, if it is held.
    pub fn get(&self, file: u64, offset: u64) -> Option<Arc<Page>> {
        match self.find((file, offset)) {
            Some(Held::Page(page)) => Some(page),
            Some(Held::Block(_) | Held::Bytes(_)) | None => None,
        }
    }

    /// Holds a page for later readers.
    pub fn insert(&self, file: u64, offset: u64, page: Arc<Page>) {
        self.held.insert((file, offset), Held::Page(page));
    }

    /// The block of file number `file` at `offset`, if it is held.
    pub fn get_block(&self, file: u64, offset: u64) -> Option<Arc<OpenBlock>> {
        match self.find((file, offset)) {
            Some(Held::Block(block)) => Some(block),
            Some(Held::Page(_) | Held::Bytes(_)) | None => None,
        }
    }

    /// Holds a block for later readers.
    pub fn insert_block(&self, file: u64, offset: u64, block: Arc<OpenBlock>) {
        self.held.insert((file, offset), Held::Block(block));
    }

    /// The decoded bytes of file number `file` at `offset`, if they are held.
    pub fn get_bytes(&self, file: u64, offset: u64) -> Option<ByteView> {
        match self.find((file, offset)) {
            Some(Held::Bytes(bytes)) => Some(bytes),
            Some(Held::Page(_) | Held::Block(_)) | None => None,
        }
    }

    /// Holds decoded bytes for later readers.
    pub fn insert_bytes(&self, file: u64, offset: u64, bytes: ByteView) {
        self.held.insert((file, offset), Held::Bytes(bytes));
    }

    /// Reads that found what they wanted, and those that did not.
    pub fn counts(&self) -> (u64, u64) {
        let [hits, misses] = &*self.counts;
        (hits.load(Ordering::Relaxed), misses.load(Ordering::Relaxed))
    }

    /// The room for what the rows of segments are decoded by.
    pub fn models(&self) -> &Room {
        &self.models
    }

    /// The bytes of pages and blocks held.
    pub fn memory_bytes(&self) -> u64 {
        self.held.weight()
    }
}
