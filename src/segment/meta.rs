//! What a segment's blocks and pages are read with, decoded once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::base::error::Result;
use crate::base::kept::TakesMemory;
use crate::base::model::{ResourceContext, ScopeContext};
use crate::base::recent::Recent;
use crate::base::text::Str;
use crate::base::varint::{read_len, read_u64};
use crate::base::wire::{decode_resource_context, decode_scope_context};
use crate::block::column::ColumnModel;
use crate::block::models::{Models, SLOTS};
use crate::block::page_reader::PageReader;
use crate::block::pages::{Page, PageDirectory};
use crate::block::words::TextList;
use crate::disk::bytes::ByteView;
use crate::index::known_values::Dictionary;
use crate::index::source::Source;
use crate::index::term::{Term, TermKind};
use crate::index::terms::Terms;
use crate::segment::footer::{Footer, HEADER_BYTES};
use crate::segment::kind;
use crate::segment::sections::{Directory, Section};
use crate::segment::tagging::dictionary_of;

/// Decoded pages of resources and scopes that are kept: what a walk over rows needs of each.
const PAGES_AT_HAND: usize = 2;

/// Models, places of blocks and pages, dictionaries.
#[derive(Debug)]
pub struct Meta {
    /// What blocks are encoded with.
    pub models: Models,
    /// Where the blocks begin in the file, and where the last ends.
    pub blocks: Vec<u64>,
    /// The pages.
    pub pages: PageReader,
    /// Resources and scopes.
    pub contexts: Contexts,
    /// The dictionaries that columns use.
    dictionaries: Vec<Texts>,
    /// For each template and column the number of its dictionary.
    used: Vec<Vec<Option<u32>>>,
    /// The memory of all that reading rows adds nothing to.
    fixed_bytes: usize,
}

impl Meta {
    /// Reads what every row needs; dictionaries and contexts follow where they are used.
    pub fn read(
        footer: &Footer,
        directory: &Directory,
        terms: &Terms,
        open_pages: impl FnOnce(PageDirectory, ByteView) -> PageReader,
    ) -> Result<Self> {
        let vocabulary = terms.vocabulary()?;
        let section = directory.get(kind::MODELS)?;
        let models = Models::read(&mut section.unpacked(&vocabulary)?.as_slice());
        let models = models.ok_or_else(|| section.corrupt(0, "models that do not decode"))?;
        let section = directory.get(kind::PAGES)?;
        let pages = PageDirectory::read(&mut section.unpacked(&vocabulary)?.as_slice());
        let pages = pages.ok_or_else(|| section.corrupt(0, "a directory that does not decode"))?;
        if pages.bytes() != footer.pages_end().saturating_sub(footer.pages_offset) {
            return Err(section.corrupt(0, "pages of another length"));
        }
        let section = directory.get(kind::CONTEXTS)?;
        let contexts = Contexts::read(section, vocabulary.clone(), footer.summary.rows)?;
        let section = directory.get(kind::BLOCKS)?;
        let blocks = read_blocks(&section.unpacked(&vocabulary)?, footer);
        let blocks = blocks.ok_or_else(|| section.corrupt(0, "places of blocks that cannot be"))?;
        let pages = open_pages(pages, vocabulary);
        let (dictionaries, used) = (Vec::new(), Vec::new());
        let mut meta = Self { models, blocks, pages, contexts, dictionaries, used, fixed_bytes: 0 };
        meta.find_dictionaries(terms)?;
        let told = meta.tell_words(terms)?;
        let section = directory.get(kind::MODELS)?;
        told.ok_or_else(|| section.corrupt(0, "a word that no dictionary has"))?;
        terms.put_away();
        meta.fixed_bytes = meta.count_fixed_bytes();
        Ok(meta)
    }

    fn count_fixed_bytes(&self) -> usize {
        let columns: usize = self.used.iter().map(Vec::len).sum();
        let used = size_of_val(&*self.used) + columns * size_of::<Option<u32>>();
        let places = size_of_val(&*self.blocks) + self.pages.directory().memory_bytes();
        self.models.memory_bytes() + places + used
    }

    /// Puts the words together; `None` if the dictionaries do not have them.
    fn tell_words(&mut self, terms: &Terms) -> Result<Option<()>> {
        let list = std::mem::take(&mut self.models.word_list);
        let mut texts = Vec::new();
        for place in list.dictionaries() {
            let template = self.models.get(place.template).and_then(|t| t.template.as_ref());
            let slot = (place.column as usize).checked_sub(SLOTS);
            let slot = template.zip(slot).and_then(|(template, slot)| template.slots.get(slot));
            let Some((scope, key)) = slot.and_then(|slot| dictionary_of(&slot.place)) else {
                return Ok(None);
            };
            let Some(dictionary) = terms.dictionary(scope, &key, TermKind::Str)? else {
                return Ok(None);
            };
            let mut own = TextList::default();
            dictionary.texts(&mut |text| own.push(text))?;
            texts.push(own);
        }
        let Some(words) = list.tell(&texts) else { return Ok(None) };
        self.models.words = words;
        Ok(Some(()))
    }

    fn find_dictionaries(&mut self, terms: &Terms) -> Result<()> {
        let mut known: HashMap<_, u32> = HashMap::new();
        for template in &self.models.templates {
            let mut used = vec![None; template.columns.len()];
            let slots = template.template.iter().flat_map(|template| &template.slots);
            let columns = template.columns.iter().zip(&mut used).skip(SLOTS);
            for ((column, used), slot) in columns.zip(slots) {
                if !matches!(column, ColumnModel::Codes { .. }) {
                    continue;
                }
                let Some(key) = dictionary_of(&slot.place) else { continue };
                let number = match known.get(&key) {
                    Some(&number) => number,
                    None => {
                        let found = terms.dictionary(key.0, &key.1, TermKind::Str)?;
                        let Some(dictionary) = found else { continue };
                        let number = self.dictionaries.len() as u32;
                        self.dictionaries.push(Texts::new(dictionary));
                        known.insert(key, number);
                        number
                    }
                };
                *used = Some(number);
            }
            self.used.push(used);
        }
        Ok(())
    }

    /// The text of a code in the dictionary of a column; `None` if there is none.
    #[inline]
    pub fn text(&self, template: u32, column: usize, code: u32) -> Result<Option<&Str>> {
        let used = self.used.get(template as usize).and_then(|columns| columns.get(column));
        let dictionary = used.copied().flatten().and_then(|d| self.dictionaries.get(d as usize));
        dictionary.map_or(Ok(None), |dictionary| dictionary.get(code))
    }

    /// Where a block lies in the file: offset and length.
    pub fn block(&self, number: usize) -> Option<(u64, usize)> {
        let (begin, end) = (*self.blocks.get(number)?, *self.blocks.get(number + 1)?);
        Some((begin, (end - begin) as usize))
    }
}

impl TakesMemory for Meta {
    fn memory_bytes(&self) -> usize {
        self.fixed_bytes
            + self.models.words.memory_bytes()
            + self.contexts.memory_bytes()
            + self.dictionaries.iter().map(Texts::memory_bytes).sum::<usize>()
    }
}

fn read_blocks(mut input: &[u8], footer: &Footer) -> Option<Vec<u64>> {
    let count = footer.summary.rows.div_ceil(footer.block_rows.into());
    if count > input.len() as u64 {
        return None;
    }
    let mut blocks = vec![HEADER_BYTES as u64];
    for _ in 0..count {
        let end = (HEADER_BYTES as u64).checked_add(read_u64(&mut input)?)?;
        let ascends = blocks.last().is_some_and(|&last| last < end);
        blocks.push(ascends.then_some(end)?);
    }
    let whole = input.is_empty() && blocks.last() == Some(&footer.pages_offset);
    whole.then_some(blocks)
}

/// A dictionary's texts, each shared from the first time it is read.
#[derive(Debug)]
struct Texts {
    dictionary: Dictionary,
    values: OnceLock<Box<[OnceLock<Str>]>>,
    /// The bytes of those that were read.
    bytes: AtomicUsize,
}

impl Texts {
    fn new(dictionary: Dictionary) -> Self {
        Self { dictionary, values: OnceLock::new(), bytes: AtomicUsize::new(0) }
    }

    #[inline]
    fn get(&self, code: u32) -> Result<Option<&Str>> {
        let values = self
            .values
            .get_or_init(|| (0..self.dictionary.len()).map(|_| OnceLock::new()).collect());
        let Some(cell) = values.get(code as usize) else { return Ok(None) };
        if let Some(text) = cell.get() {
            return Ok(Some(text));
        }
        match self.dictionary.get(code.into())? {
            Term::Str(text) => Ok(Some(cell.get_or_init(|| {
                self.bytes.fetch_add(text.len() + SHARED_TEXT_BYTES, Ordering::Relaxed);
                text
            }))),
            _ => Ok(None),
        }
    }

    fn memory_bytes(&self) -> usize {
        let cells = self.values.get().map_or(0, |cells| size_of_val(&**cells));
        size_of::<Self>() + cells + self.bytes.load(Ordering::Relaxed)
    }
}

/// What a shared text takes beside its bytes: two counters, and what the allocator rounds up to.
const SHARED_TEXT_BYTES: usize = 24;

/// So many times its bytes a resource or scope takes once it is decoded, about.
const DECODED: usize = 3;

/// Resources and scopes, each decoded when it is first asked for.
#[derive(Debug)]
pub struct Contexts {
    section: Section,
    directory: PageDirectory,
    /// What its pages may repeat.
    vocabulary: ByteView,
    /// Where the pages begin in the section.
    start: usize,
    /// Pages decoded last, by their first record: neighbours are asked for together.
    at_hand: Recent<(u64, Arc<Page>)>,
    resources: Box<[OnceLock<Arc<ResourceContext>>]>,
    scopes: Box<[OnceLock<Arc<ScopeContext>>]>,
    /// About how many bytes those take that were decoded.
    decoded: AtomicUsize,
}

impl Contexts {
    /// Each is of at least one of `rows`: counts are believed no further.
    fn read(section: &Section, vocabulary: ByteView, rows: u64) -> Result<Self> {
        let stored = section.all()?;
        let mut input: &[u8] = &stored;
        let parts = (|| {
            let resources = read_len(&mut input)?;
            let scopes = read_len(&mut input)?;
            let directory = PageDirectory::read(&mut input)?;
            let sound = (resources.max(scopes) as u64) <= rows
                && directory.records() == (resources as u64).checked_add(scopes as u64)?
                && directory.bytes() == input.len() as u64;
            sound.then_some((resources, scopes, directory))
        })();
        let (resources, scopes, directory) =
            parts.ok_or_else(|| section.corrupt(0, "a directory that does not decode"))?;
        Ok(Self {
            section: section.clone(),
            vocabulary,
            directory,
            start: stored.len() - input.len(),
            at_hand: Recent::new(PAGES_AT_HAND),
            resources: (0..resources).map(|_| OnceLock::new()).collect(),
            scopes: (0..scopes).map(|_| OnceLock::new()).collect(),
            decoded: AtomicUsize::new(0),
        })
    }

    fn memory_bytes(&self) -> usize {
        let cells = size_of_val(&*self.resources) + size_of_val(&*self.scopes);
        let pages = self.vocabulary.len() + self.directory.memory_bytes();
        cells + pages + self.decoded.load(Ordering::Relaxed)
    }

    /// How many resources and scopes there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.resources.len(), self.scopes.len())
    }

    fn record(&self, record: usize) -> Result<Vec<u8>> {
        let corrupt = |detail: &str| self.section.corrupt(self.start, detail);
        let entry = self.directory.page_of(record as u64);
        let entry = entry.ok_or_else(|| corrupt("no such resource or scope"))?;
        let index = (record as u64 - entry.first) as usize;
        let known =
            |(first, page): &(u64, Arc<Page>)| (*first == entry.first).then(|| page.clone());
        let page = match self.at_hand.find(known) {
            Some(page) => page,
            None => {
                let at = self.start + entry.offset as usize;
                let stored = self.section.bytes(at, entry.stored_len)?;
                let page = Page::decode(&self.vocabulary, entry, &stored);
                let page = Arc::new(page.map_err(corrupt)?);
                self.at_hand.keep((entry.first, Arc::clone(&page)));
                page
            }
        };
        page.record(index).map(<[u8]>::to_vec).ok_or_else(|| corrupt("a record beyond its page"))
    }

    /// The canonical bytes of a resource.
    pub fn resource_bytes(&self, code: u32) -> Result<Vec<u8>> {
        match self.resources.get(code as usize) {
            Some(_) => self.record(code as usize),
            None => Err(self.section.corrupt(0, "no such resource")),
        }
    }

    /// The canonical bytes of a scope.
    pub fn scope_bytes(&self, code: u32) -> Result<Vec<u8>> {
        match self.scopes.get(code as usize) {
            Some(_) => self.record(self.resources.len() + code as usize),
            None => Err(self.section.corrupt(0, "no such scope")),
        }
    }

    /// A resource.
    pub fn resource(&self, code: u32) -> Result<&Arc<ResourceContext>> {
        let bytes = || self.resource_bytes(code);
        self.context(&self.resources, code, bytes, decode_resource_context, "a resource's bytes")
    }

    /// A scope.
    pub fn scope(&self, code: u32) -> Result<&Arc<ScopeContext>> {
        let bytes = || self.scope_bytes(code);
        self.context(&self.scopes, code, bytes, decode_scope_context, "a scope's bytes")
    }

    /// The context of a code, decoded from its bytes if it has not been.
    fn context<'a, T>(
        &self,
        cells: &'a [OnceLock<Arc<T>>],
        code: u32,
        bytes: impl FnOnce() -> Result<Vec<u8>>,
        decode: impl FnOnce(&[u8]) -> Option<T>,
        what: &str,
    ) -> Result<&'a Arc<T>> {
        let cell = cells.get(code as usize);
        if let Some(known) = cell.and_then(OnceLock::get) {
            return Ok(known);
        }
        // Of a code that there is not, there are no bytes.
        let bytes = bytes()?;
        let decoded = cell.zip(decode(&bytes));
        let (cell, context) = decoded.ok_or_else(|| self.section.corrupt(0, what))?;
        Ok(cell.get_or_init(|| {
            self.decoded.fetch_add(DECODED * bytes.len(), Ordering::Relaxed);
            Arc::new(context)
        }))
    }
}
