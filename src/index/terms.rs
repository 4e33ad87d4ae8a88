//! The tag index of a segment: for each key of each scope its values, and the traces that have them.
//!
//! The section is [`crate::index::folded`]; its raw bytes are:
//! ```text
//! | traces | directory bytes | record bytes | part bytes |              varints
//! | directory: front-coded texts, each a scope's code and a key; then record offsets, packed |
//! | records   | one per key:                                                             |
//! |           |   posting pointer of the traces that have the key                        |
//! |           |   offset of its first part | number of parts                             |
//! |           |   per part: form | type << 4: u8, bytes                                  |
//! | parts     | form 0 values:     dictionary, then posting pointers, packed             |
//! |           |   of texts: place and bytes of their dictionary, varints, instead of it  |
//! |           | form 1 dictionary: the same without postings, for columns only           |
//! |           | form 2 hashed:     table of hash -> ordinal; type string, int or double   |
//! |           | form 3 buckets:    numbers by magnitude -> posting pointers              |
//! |           | form 4 covered:    homes: u8, number and words of each: varints, then as form 2 |
//! |           | form 5 scarce:     [`crate::index::scarce`]: of the keys that have no record    |
//! |           | form 6 scarce texts: how many, varint; they are found by the form 5             |
//! | heap of posting lists, to the end                                                    |
//! ```
//! Dictionaries of texts stand in a section of their own, one behind another, folded as well: rows
//! need them, and nothing else of the index.
//! The parts of a key together cover its values, so that no trace is missed. Where a dictionary
//! stands beside a hashed part of its type, the hashed part holds the dictionary's values too.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::base::error::Result;
use crate::base::recent::Recent;
use crate::base::text::Str;
use crate::block::cache::Cache;
use crate::disk::bytes::ByteView;
use crate::index::asked::{Asked, Found, Known, RECENT};
use crate::index::buckets::Buckets;
use crate::index::dictionary::Values;
use crate::index::folded::{Folded, Joined};
use crate::index::front::Texts;
use crate::index::hashes::HashTable;
use crate::index::homes::MAX_HOMES;
use crate::index::ordinals::OrdinalSet;
use crate::index::packed::Packed;
use crate::index::postings::Postings;
use crate::index::scarce::{SCARCE, Scarce};
use crate::index::source::{Cursor, Source};
use crate::index::term::{TagScope, TermKind};
use crate::index::terms_builder::{
    PART_BUCKETS, PART_COVERED, PART_DICTIONARY, PART_HASHED, PART_SCARCE, PART_SCARCE_TEXTS,
    PART_VALUES,
};

/// Forms times types: no key has more parts.
const MAX_PARTS: u64 = 24;

/// Reads the tag index.
#[derive(Clone, Debug)]
pub struct Terms {
    pub(crate) source: Arc<Joined>,
    pub(crate) traces: u32,
    pub(crate) postings: Postings,
    names: Texts,
    offsets: Packed,
    records: Range<usize>,
    parts: Range<usize>,
    /// Keys asked for last, found or not: searches ask every segment for the same few.
    recent: Arc<Recent<Asked>>,
}

/// One key of the index, its parts found, and opened when they are first needed.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// Where the attribute stands.
    pub scope: TagScope,
    /// Its key.
    pub key: Str,
    pub(crate) present: u64,
    pub(crate) parts: Vec<PartEntry>,
}

/// Where a part of a key lies in the section.
#[derive(Clone, Debug)]
pub(crate) struct PartEntry {
    pub(crate) kind: TermKind,
    pub(crate) form: u8,
    pub(crate) range: Range<usize>,
    opened: OnceLock<Part>,
}

impl PartEntry {
    pub(crate) fn is_hashed(&self) -> bool {
        matches!(self.form, PART_HASHED | PART_COVERED)
    }

    pub(crate) fn is_buckets(&self) -> bool {
        self.form == PART_BUCKETS
    }
}

/// A key that covers texts of another one.
#[derive(Clone, Debug)]
pub(crate) struct HomeEntry {
    pub(crate) key: u64,
    /// A bit for each word that is looked for in it, the lowest for the text itself.
    pub(crate) words: u64,
    parts: OnceLock<Vec<PartEntry>>,
}

/// A part of a key, opened.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Values(Values, Packed),
    Dictionary(Values),
    Hashed(HashTable),
    /// The numbers of the keys that cover further pairs, and the pairs that none covers.
    Covered(Vec<HomeEntry>, HashTable),
    Buckets(Buckets, Packed),
    Scarce(Scarce),
    /// How many there are, to be found in the table of what is scarce.
    ScarceTexts(u64),
}

impl Terms {
    /// Opens the index that makes up the first section, with the dictionaries that make up the
    /// second, of a segment of so many traces. Decoded pages go into `cache`, as of the files `numbers`,
    /// which have no others.
    pub fn open(
        sections: [Arc<dyn Source>; 2],
        traces: u32,
        cache: Arc<Cache>,
        numbers: [u64; 2],
    ) -> Result<Self> {
        let [index, dictionaries] = sections;
        let index = Folded::open(index, Arc::clone(&cache), numbers[0])?;
        let dictionaries = Folded::open(dictionaries, cache, numbers[1])?;
        let source = Arc::new(Joined::new(index, dictionaries));
        let mut cursor = Cursor::new(&*source, 0..source.seam())?;
        if cursor.varint()? != u64::from(traces) {
            return Err(cursor.corrupt("an index of another number of traces"));
        }
        let [directory, records, parts] = [(); 3].map(|()| cursor.varint_len());
        let (directory, records, parts) = (directory?, records?, parts?);
        let directory = cursor.skip(directory)?;
        let records = cursor.skip(records)?;
        let parts = cursor.skip(parts)?;
        let postings = Postings::new(traces, parts.end, source.seam());
        let mut cursor = Cursor::new(&*source, directory)?;
        let names = Texts::open(&mut cursor)?;
        let offsets = Packed::open(&mut cursor)?;
        if offsets.len() != names.len() {
            return Err(cursor.corrupt("keys without records"));
        }
        let recent = Arc::new(Recent::new(RECENT));
        Ok(Self { source, traces, postings, names, offsets, records, parts, recent })
    }

    /// Whether every key has an entry: if not, there are scarce ones, which only rows tell.
    pub fn tells_all_keys(&self) -> Result<bool> {
        let Some(scarce) = self.key(TagScope::Intrinsic, SCARCE)? else { return Ok(true) };
        self.postings.read(&*self.source, scarce.present).map(|traces| traces.is_empty())
    }

    /// The table of what is scarce, if anything is.
    pub(crate) fn scarce(&self) -> Result<Option<Scarce>> {
        let known = self.known(TagScope::Intrinsic, SCARCE)?;
        let Found::Entry(entry, _) = &known.found else { return Ok(None) };
        match entry.parts.first().map(|part| self.part(part)).transpose()? {
            Some(Part::Scarce(scarce)) => Ok(Some(scarce.clone())),
            _ => Ok(None),
        }
    }

    /// Names and texts that other sections are likely to say, too: the first page of dictionaries,
    /// which their frames have as their dictionary.
    pub fn vocabulary(&self) -> Result<ByteView> {
        self.source.vocabulary()
    }

    /// Lets go of the pages at hand: who has read what it needs, and will not come again soon, leaves
    /// them to the cache.
    pub fn put_away(&self) {
        self.source.put_away();
    }

    /// All keys that have an entry, by scope and key.
    pub fn keys(&self) -> Result<Vec<KeyEntry>> {
        let mut keys = Vec::new();
        self.names.scan(&*self.source, 0..self.names.len(), &mut |index, name| {
            keys.push(self.record(index, name)?);
            Ok(())
        })?;
        Ok(keys)
    }

    /// One key; `None` if it has no entry: no attribute of the segment has it, or it is scarce.
    pub fn key(&self, scope: TagScope, key: &str) -> Result<Option<KeyEntry>> {
        Ok(match &self.known(scope, key)?.found {
            Found::Entry(entry, _) => Some(entry.clone()),
            Found::Scarce(_) => None,
        })
    }

    /// What is known of a key; what was asked for last is at hand.
    pub(crate) fn known(&self, scope: TagScope, key: &str) -> Result<Arc<Known>> {
        let is_it = |asked: &Asked| asked.0 == scope && asked.1.as_str() == key;
        if let Some(known) = self.recent.find(|a| is_it(a).then(|| Arc::clone(&a.2))) {
            return Ok(known);
        }
        let name = format!("{}{key}", char::from(scope.code()));
        let known = match self.names.find(&*self.source, &name)? {
            Some(index) => Known::entry(self.record(index, &name)?),
            // What tells of scarce keys is no such itself.
            None if key == SCARCE => Known::scarce(OrdinalSet::none(self.traces)),
            None => Known::scarce(self.scarce_traces(scope, key)?),
        };
        let known = Arc::new(known);
        self.recent.keep((scope, Str::from(key), Arc::clone(&known)));
        Ok(known)
    }

    /// The traces that may have a key without an entry, and all that do.
    pub(crate) fn scarce_traces(&self, scope: TagScope, key: &str) -> Result<OrdinalSet> {
        let Some(scarce) = self.scarce()? else { return Ok(OrdinalSet::none(self.traces)) };
        let ordinals = scarce.find_key(&*self.source, self.traces, scope, key)?;
        Ok(OrdinalSet::from_ordinals(self.traces, ordinals))
    }

    /// The parts of a home.
    pub(crate) fn parts_of<'h>(&self, home: &'h HomeEntry) -> Result<&'h [PartEntry]> {
        match home.parts.get() {
            Some(parts) => Ok(parts),
            None => {
                let (_, parts) = self.parts_at(home.key)?;
                Ok(home.parts.get_or_init(|| parts))
            }
        }
    }

    /// The scope and key of a number.
    pub(crate) fn key_name(&self, number: u64) -> Result<(TagScope, Str)> {
        self.split(&self.names.get(&*self.source, number)?)
    }

    /// The scope and key that a text of the directory means.
    fn split(&self, name: &str) -> Result<(TagScope, Str)> {
        let scope = name.as_bytes().first().and_then(|&code| TagScope::from_code(code));
        let parts = scope.zip(name.get(1..).map(Str::from));
        parts.ok_or_else(|| self.source.corrupt(self.records.start, "a key of an unknown scope"))
    }

    fn record(&self, index: u64, name: &str) -> Result<KeyEntry> {
        let (scope, key) = self.split(name)?;
        let (present, parts) = self.parts_at(index)?;
        Ok(KeyEntry { scope, key, present, parts })
    }

    /// The pointer and the parts in the record of a number.
    fn parts_at(&self, index: u64) -> Result<(u64, Vec<PartEntry>)> {
        let corrupt = |detail| self.source.corrupt(self.records.start, detail);
        let offset = usize::try_from(self.offsets.get(&*self.source, index)?).ok();
        let at = offset.and_then(|offset| self.records.start.checked_add(offset));
        let at = at.filter(|&at| at < self.records.end);
        let at = at.ok_or_else(|| corrupt("a record beyond its area"))?;
        let mut cursor = Cursor::new(&*self.source, at..self.records.end)?;
        let present = cursor.varint()?;
        let first = usize::try_from(cursor.varint()?).ok();
        let mut start = first.and_then(|first| self.parts.start.checked_add(first));
        let count = cursor.varint()?;
        if count > MAX_PARTS {
            return Err(cursor.corrupt("too many parts"));
        }
        let mut parts = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let code = cursor.byte()?;
            let len = usize::try_from(cursor.varint()?).ok();
            let kind = TermKind::from_code(code >> 4);
            let kind = kind.ok_or_else(|| cursor.corrupt("an unknown type of terms"))?;
            let range = start.zip(len).and_then(|(from, len)| Some(from..from.checked_add(len)?));
            let range = range.filter(|range| range.end <= self.parts.end);
            let range = range.ok_or_else(|| cursor.corrupt("a part beyond its area"))?;
            start = Some(range.end);
            parts.push(PartEntry { kind, form: code & 15, range, opened: OnceLock::new() });
        }
        Ok((present, parts))
    }

    /// A part, opened.
    pub(crate) fn part<'p>(&self, part: &'p PartEntry) -> Result<&'p Part> {
        match part.opened.get() {
            Some(opened) => Ok(opened),
            None => self.open_part(part).map(|opened| part.opened.get_or_init(|| opened)),
        }
    }

    fn open_part(&self, part: &PartEntry) -> Result<Part> {
        let mut cursor = Cursor::new(&*self.source, part.range.clone())?;
        match part.form {
            PART_VALUES => {
                let values = self.values(part.kind, &mut cursor)?;
                let pointers = Packed::open(&mut cursor)?;
                if pointers.len() != values.len() {
                    return Err(cursor.corrupt("values without postings"));
                }
                Ok(Part::Values(values, pointers))
            }
            PART_DICTIONARY => self.values(part.kind, &mut cursor).map(Part::Dictionary),
            PART_HASHED => HashTable::open(&mut cursor).map(Part::Hashed),
            PART_COVERED => {
                let count = usize::from(cursor.byte()?);
                if count > MAX_HOMES || part.kind != TermKind::Str {
                    return Err(cursor.corrupt("a bad header of covered texts"));
                }
                let mut home = || {
                    let (key, words) = (cursor.varint()?, cursor.varint()?);
                    Ok(HomeEntry { key, words, parts: OnceLock::new() })
                };
                let homes = (0..count).map(|_| home()).collect::<Result<_>>()?;
                Ok(Part::Covered(homes, HashTable::open(&mut cursor)?))
            }
            PART_BUCKETS => {
                let buckets = Buckets::open(&mut cursor)?;
                let pointers = Packed::open(&mut cursor)?;
                if pointers.len() != buckets.len() {
                    return Err(cursor.corrupt("buckets without postings"));
                }
                Ok(Part::Buckets(buckets, pointers))
            }
            PART_SCARCE => Scarce::open(&mut cursor).map(Part::Scarce),
            PART_SCARCE_TEXTS if part.kind == TermKind::Str => {
                cursor.varint().map(Part::ScarceTexts)
            }
            _ => Err(cursor.corrupt("an unknown form of terms")),
        }
    }

    /// Opens the dictionary at the cursor, or where the cursor says that it is.
    fn values(&self, kind: TermKind, cursor: &mut Cursor<'_>) -> Result<Values> {
        if kind != TermKind::Str {
            return Values::open(kind, cursor);
        }
        let range = self.texts(cursor)?;
        Values::open(kind, &mut Cursor::new(&*self.source, range)?)
    }

    /// Where the dictionary of texts is that the cursor tells.
    pub(crate) fn texts(&self, cursor: &mut Cursor<'_>) -> Result<Range<usize>> {
        let numbers = [cursor.varint()?, cursor.varint()?].map(|n| usize::try_from(n).ok());
        let [place, len] = numbers;
        let begin = place.and_then(|place| self.source.seam().checked_add(place));
        let range = begin.zip(len).and_then(|(from, len)| Some(from..from.checked_add(len)?));
        let range = range.filter(|range| range.end <= self.source.len());
        range.ok_or_else(|| cursor.corrupt("a dictionary beyond its section"))
    }
}

impl KeyEntry {
    /// Whether texts of the key are found by their hash.
    pub fn has_hashed_texts(&self) -> bool {
        let is_hashed = |part: &PartEntry| part.is_hashed() || part.form == PART_SCARCE_TEXTS;
        self.parts.iter().any(|part| is_hashed(part) && part.kind == TermKind::Str)
    }

    /// Whether every text, number and truth value of the key is in one of its dictionaries, so
    /// that they list its values.
    pub fn has_only_dictionaries(&self) -> bool {
        self.parts.iter().all(|part| matches!(part.form, PART_VALUES | PART_DICTIONARY))
    }
}
