//! Reading single records out of pages, through the shared cache.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::block::cache::Cache;
use crate::block::pages::{Page, PageDirectory};
use crate::disk::bytes::ByteView;

/// Gives the records of one file's pages.
#[derive(Clone, Debug)]
pub struct PageReader {
    directory: PageDirectory,
    /// What the pages may repeat.
    before: ByteView,
    /// Where the first page begins in the file.
    base: u64,
    /// The file's number in the cache.
    file: u64,
    path: PathBuf,
    cache: Arc<Cache>,
}

/// A record, with the page that holds it.
#[derive(Clone, Debug)]
pub struct Record {
    page: Arc<Page>,
    index: usize,
}

impl Deref for Record {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.page.record(self.index).unwrap_or_default()
    }
}

impl PageReader {
    /// Reads the pages that were written after `before`, and begin at byte `base` of the file at
    /// `path`, which has the number `file` in `cache`.
    pub fn new(
        directory: PageDirectory,
        before: ByteView,
        base: u64,
        path: PathBuf,
        file: u64,
        cache: Arc<Cache>,
    ) -> Self {
        Self { directory, before, base, file, path, cache }
    }

    /// Where the pages lie.
    pub fn directory(&self) -> &PageDirectory {
        &self.directory
    }

    /// What the pages may repeat.
    pub fn before(&self) -> &[u8] {
        &self.before
    }

    /// The record of that number. `fetch` reads so many bytes at an offset of the file; it is
    /// called only if the page is not in the cache.
    pub fn get<B: Deref<Target = [u8]>>(
        &self,
        record: u64,
        fetch: impl FnOnce(u64, usize) -> Result<B>,
    ) -> Result<Record> {
        let corrupt = |offset: u64, detail: &str| {
            Error::corrupt(&self.path, self.base.saturating_add(offset), "pages", detail)
        };
        let entry = self.directory.page_of(record);
        let entry = entry.ok_or_else(|| corrupt(0, "a record beyond the last"))?;
        let index = (record - entry.first) as usize;
        let offset = self.base.saturating_add(entry.offset);
        if let Some(page) = self.cache.get(self.file, offset) {
            return Ok(Record { page, index });
        }
        let stored = fetch(offset, entry.stored_len)?;
        let page = Page::decode(&self.before, entry, &stored);
        let page = Arc::new(page.map_err(|what| corrupt(entry.offset, what))?);
        self.cache.insert(self.file, offset, page.clone());
        Ok(Record { page, index })
    }
}
