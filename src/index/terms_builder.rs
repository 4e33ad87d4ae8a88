//! Builds the tag index of a segment: see [`crate::index::terms`] for its layout.

use std::collections::BTreeMap;

use crate::base::effort::Effort;
use crate::base::number::Number;
use crate::base::varint::write_u64;
use crate::index::bits;
use crate::index::buckets::write_buckets;
use crate::index::dictionary::DictionaryValue;
use crate::index::folded::fold;
use crate::index::front::write_texts;
use crate::index::hashes::write_table;
use crate::index::homes::{Home, Texts, settle, widest};
use crate::index::packed::pack;
use crate::index::postings_builder::PostingsBuilder;
use crate::index::scarce::{SCARCE, ScarceBuilder, ScarceKey};
use crate::index::term::{TagScope, TermKind, hash_text};

/// Lookups of an absent hash meet a candidate once in 16 times: looking at one costs microseconds,
/// and each further bit costs an eighth of a byte for every span that has a unique id.
const SPARE_BITS: u32 = 4;

/// The codes of parts on disk.
pub(crate) const PART_VALUES: u8 = 0;
pub(crate) const PART_DICTIONARY: u8 = 1;
pub(crate) const PART_HASHED: u8 = 2;
pub(crate) const PART_BUCKETS: u8 = 3;
pub(crate) const PART_COVERED: u8 = 4;
pub(crate) const PART_SCARCE: u8 = 5;
pub(crate) const PART_SCARCE_TEXTS: u8 = 6;

/// Collects the tag index of a segment of a known number of traces, in any order of keys.
///
/// What is told of a key must cover it: every attribute of the key is in some part, or else its
/// trace is in [`Self::add_present`]. A key that is never added has no attributes.
#[derive(Debug)]
pub struct TermsBuilder {
    effort: Effort,
    postings: PostingsBuilder,
    /// One bit a trace, all zero between uses.
    scratch: Vec<u64>,
    keys: BTreeMap<(TagScope, String), Key>,
    /// Texts to be hashed, once all keys are known that may be their homes.
    texts: Vec<Texts>,
    homes: Vec<Home>,
    scarce: ScarceBuilder,
}

/// The tag index of a segment, as it is stored.
#[derive(Debug, Default)]
pub struct TermsSections {
    /// The index.
    pub index: Vec<u8>,
    /// The dictionaries of texts.
    pub dictionaries: Vec<u8>,
    /// The first of these, raw: what other sections say, too.
    pub vocabulary: Vec<u8>,
}

#[derive(Debug)]
struct Key {
    /// Ordinals of traces that have the key, ascending.
    present: Vec<u32>,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    code: u8,
    kind: TermKind,
    /// The dictionary, if it stands in the section of dictionaries.
    texts: Vec<u8>,
    bytes: Vec<u8>,
}

impl Part {
    fn new(code: u8, kind: TermKind, bytes: Vec<u8>) -> Self {
        Self { code, kind, texts: Vec::new(), bytes }
    }

    /// A part that begins with a dictionary.
    fn of_values<'v, V: DictionaryValue + 'v>(
        code: u8,
        values: impl ExactSizeIterator<Item = &'v V>,
    ) -> Self {
        let mut part = Self::new(code, V::KIND, Vec::new());
        V::write(values, if V::KIND == TermKind::Str { &mut part.texts } else { &mut part.bytes });
        part
    }

    /// Whether its dictionary stands elsewhere.
    fn has_texts(&self) -> bool {
        matches!(self.code, PART_VALUES | PART_DICTIONARY) && self.kind == TermKind::Str
    }
}

impl TermsBuilder {
    /// For a segment of so many traces, of which scarce keys and texts tell groups of 2^`shift`.
    pub fn new(traces: u32, shift: u32, effort: Effort) -> Self {
        let scratch = vec![0; traces.div_ceil(64) as usize];
        Self {
            effort,
            postings: PostingsBuilder::new(traces, effort),
            scratch,
            keys: BTreeMap::new(),
            texts: Vec::new(),
            homes: Vec::new(),
            scarce: ScarceBuilder::new(shift),
        }
    }

    /// Adds exact values of one type, each with the ascending ordinals of the traces that have it.
    /// They are sorted in place, so that afterwards a value's index is its code; equal values must
    /// have been brought together.
    pub fn add_values<V: DictionaryValue>(
        &mut self,
        scope: TagScope,
        key: &str,
        values: &mut [(V, Vec<u32>)],
    ) {
        values.sort_by_key(|(value, _)| value.order());
        debug_assert!(values.is_sorted_by(|a, b| a.0.order() < b.0.order()), "values differ");
        let mut part = Part::of_values(PART_VALUES, values.iter().map(|(value, _)| value));
        let mut pointers = Vec::with_capacity(values.len());
        pointers.extend(values.iter().map(|(_, ordinals)| self.postings.add(ordinals)));
        pack(&pointers, &mut part.bytes);
        self.add_part(scope, key, part);
        self.add_lists(scope, key, values.iter().map(|(_, ordinals)| ordinals.as_slice()));
        if self.effort == Effort::Thorough {
            self.add_home(scope, key, values);
        }
    }

    /// Remembers texts of few traces each.
    fn add_home<V: DictionaryValue>(
        &mut self,
        scope: TagScope,
        key: &str,
        values: &[(V, Vec<u32>)],
    ) {
        let traces = self.postings.traces();
        let narrow = values.iter().filter(|(_, ordinals)| ordinals.len() <= widest(traces));
        let hashed = narrow.filter_map(|(value, ordinals)| Some((value.text_hash()?, ordinals)));
        let pairs: Vec<(u64, u32)> =
            hashed.flat_map(|(hash, ordinals)| ordinals.iter().map(move |&o| (hash, o))).collect();
        if !pairs.is_empty() {
            self.homes.push(Home::new(scope, key, pairs, traces));
        }
    }

    /// Adds values of one type that serve only columns, sorted in place as by
    /// [`Self::add_values`]. Say which traces have them by [`Self::add_hashed`] of *all* values of
    /// the type, or at least by [`Self::add_present`].
    #[cfg(test)]
    pub fn add_dictionary<V: DictionaryValue>(
        &mut self,
        scope: TagScope,
        key: &str,
        values: &mut [V],
    ) {
        values.sort_by_key(DictionaryValue::order);
        debug_assert!(values.is_sorted_by(|a, b| a.order() < b.order()), "values differ");
        self.add_part(scope, key, Part::of_values(PART_DICTIONARY, values.iter()));
    }

    /// Adds values by their hash ([`crate::index::term::hash_text`], or
    /// [`crate::index::term::hash_number`]) and the ordinal of a trace that has it, in any order:
    /// some 22 bits a pair, found by equality only. For unique-like values, and for long ones.
    pub fn add_hashed(&mut self, scope: TagScope, key: &str, kind: TermKind, pairs: &[(u64, u32)]) {
        let mut bytes = Vec::new();
        write_table(pairs, SPARE_BITS, &mut bytes);
        self.add_part(scope, key, Part::new(PART_HASHED, kind, bytes));
        self.add_traces(scope, key, pairs.iter().map(|&(_, ordinal)| ordinal));
    }

    /// Adds texts by their hash, each with its number and the ordinal of a trace that has it, in
    /// any order; with all effort, pairs that other keys imply are not stored
    /// ([`crate::index::homes`]).
    pub fn add_texts<'a>(
        &mut self,
        scope: TagScope,
        key: &str,
        texts: impl Iterator<Item = &'a str>,
        pairs: Vec<(u32, u32)>,
    ) {
        if self.effort == Effort::Quick {
            let hashes: Vec<u64> = texts.map(hash_text).collect();
            let hashed = |(text, ordinal)| Some((*hashes.get(text as usize)?, ordinal));
            let pairs: Vec<(u64, u32)> = pairs.into_iter().filter_map(hashed).collect();
            return self.add_hashed(scope, key, TermKind::Str, &pairs);
        }
        self.add_traces(scope, key, pairs.iter().map(|&(_, ordinal)| ordinal));
        self.texts.push(Texts::new(scope, key, texts, pairs));
    }

    /// Stores the texts that wait for homes.
    fn settle_texts(&mut self) {
        let (texts, homes) = (std::mem::take(&mut self.texts), std::mem::take(&mut self.homes));
        for stored in settle(texts, homes, self.postings.traces()) {
            let mut bytes = Vec::new();
            let homes = stored.homes.iter().filter_map(|(scope, home, words)| {
                let mut keys = self.keys.keys().zip(0u64..);
                let found = keys.find(|((own, key), _)| own == scope && key == home);
                found.map(|(_, number)| (number, *words))
            });
            let homes: Vec<(u64, u64)> = homes.collect();
            let code = if homes.is_empty() { PART_HASHED } else { PART_COVERED };
            if code == PART_COVERED {
                bytes.push(homes.len() as u8);
                for (number, words) in homes {
                    write_u64(&mut bytes, number);
                    write_u64(&mut bytes, words);
                }
            }
            write_table(&stored.pairs, SPARE_BITS, &mut bytes);
            let part = Part::new(code, TermKind::Str, bytes);
            self.add_part(stored.scope, &stored.key, part);
        }
    }

    /// Adds numbers, int and double together, by magnitude, with the ordinal of a trace that has
    /// it, in any order. Range probes then find candidates, of which those near the bounds are to
    /// be verified.
    pub fn add_buckets(&mut self, scope: TagScope, key: &str, pairs: &[(Number, u32)]) {
        let mut bytes = Vec::new();
        write_buckets(pairs, &mut self.postings, &mut bytes);
        self.add_part(scope, key, Part::new(PART_BUCKETS, TermKind::Double, bytes));
        self.add_traces(scope, key, pairs.iter().map(|&(_, ordinal)| ordinal));
    }

    /// Says that these traces have the key, with values that no part covers: bytes, arrays, maps.
    pub fn add_present(&mut self, scope: TagScope, key: &str, ordinals: &[u32]) {
        self.add_lists(scope, key, std::iter::once(ordinals));
    }

    /// Adds scarce keys; nothing else is told of them.
    pub fn add_scarce(&mut self, keys: &[ScarceKey]) {
        keys.iter().for_each(|key| self.scarce.add_key(key));
        let traces = keys.iter().flat_map(|scarce| &scarce.ordinals).copied();
        self.add_traces(TagScope::Intrinsic, SCARCE, traces);
    }

    /// Adds texts that are as scarce, each with its number and the ordinal of a trace that has it, in
    /// any order. The key may have other texts by [`Self::add_values`].
    pub fn add_scarce_texts<'a>(
        &mut self,
        scope: TagScope,
        key: &str,
        texts: impl Iterator<Item = &'a str>,
        pairs: &[(u32, u32)],
    ) {
        let numbers: Vec<u32> = texts.map(|text| self.scarce.add_text(text)).collect();
        for &(text, ordinal) in pairs {
            if let Some(&number) = numbers.get(text as usize) {
                self.scarce.add_pair(number, ordinal);
            }
        }
        let mut bytes = Vec::new();
        write_u64(&mut bytes, numbers.len() as u64);
        self.add_part(scope, key, Part::new(PART_SCARCE_TEXTS, TermKind::Str, bytes));
        self.add_traces(scope, key, pairs.iter().map(|&(_, ordinal)| ordinal));
    }

    /// Stores what is scarce, if anything is.
    fn settle_scarce(&mut self) {
        let scarce = std::mem::replace(&mut self.scarce, ScarceBuilder::new(0));
        if !scarce.is_empty() {
            let mut bytes = Vec::new();
            scarce.write(&mut bytes);
            let part = Part::new(PART_SCARCE, TermKind::Str, bytes);
            self.add_part(TagScope::Intrinsic, SCARCE, part);
        }
    }

    /// Adds to the traces that have a key, in any order.
    fn add_traces(&mut self, scope: TagScope, key: &str, ordinals: impl Iterator<Item = u32>) {
        let mut present = std::mem::take(&mut self.key(scope, key).present);
        present.extend(ordinals);
        self.settle(&mut present);
        self.key(scope, key).present = present;
    }

    /// The same of lists.
    fn add_lists<'l>(
        &mut self,
        scope: TagScope,
        key: &str,
        lists: impl Iterator<Item = &'l [u32]> + Clone,
    ) {
        let traces = self.postings.traces() as usize;
        let mut present = std::mem::take(&mut self.key(scope, key).present);
        let told = present.len() + lists.clone().map(<[u32]>::len).sum::<usize>();
        if present.len() == traces {
            // They all have it already.
        } else if told < self.scratch.len() {
            lists.for_each(|list| present.extend_from_slice(list));
            self.settle(&mut present);
        } else {
            lists.for_each(|list| bits::set(&mut self.scratch, list.iter().copied()));
            self.sort_by_bits(&mut present);
        }
        self.key(scope, key).present = present;
    }

    /// Sorts ordinals and drops repeated ones.
    pub fn settle(&mut self, ordinals: &mut Vec<u32>) {
        if ordinals.is_sorted_by(|a, b| a < b) {
            return;
        }
        if ordinals.len() < self.scratch.len() {
            // Ascending runs behind one another, which this sort makes use of.
            ordinals.sort();
            ordinals.dedup();
        } else {
            self.sort_by_bits(ordinals);
        }
    }

    /// The same, faster than by comparing where there are many; adds those whose bits are set.
    fn sort_by_bits(&mut self, ordinals: &mut Vec<u32>) {
        bits::set(&mut self.scratch, ordinals.drain(..));
        bits::take(&mut self.scratch, ordinals);
    }

    fn key(&mut self, scope: TagScope, key: &str) -> &mut Key {
        let new = || Key { present: Vec::new(), parts: Vec::new() };
        self.keys.entry((scope, key.to_owned())).or_insert_with(new)
    }

    fn add_part(&mut self, scope: TagScope, key: &str, part: Part) {
        let parts = &mut self.key(scope, key).parts;
        debug_assert!(
            !parts.iter().any(|p| (p.code, p.kind) == (part.code, part.kind)),
            "one part of a form and type"
        );
        parts.push(part);
    }

    /// The section and that of its dictionaries, compressed at this level of zstd.
    pub fn finish(mut self, level: i32) -> TermsSections {
        self.settle_scarce();
        self.settle_texts();
        let mut names = Vec::with_capacity(self.keys.len());
        let mut offsets = Vec::with_capacity(self.keys.len());
        let (mut records, mut parts) = (Vec::new(), Vec::new());
        let mut part_ends = Vec::new();
        let (mut texts, mut text_ends) = (Vec::new(), Vec::new());
        for ((scope, name), mut key) in self.keys {
            names.push(format!("{}{name}", char::from(scope.code())));
            offsets.push(records.len() as u64);
            write_u64(&mut records, self.postings.add(&key.present));
            write_u64(&mut records, parts.len() as u64);
            key.parts.sort_by_key(|part| (part.code, part.kind));
            write_u64(&mut records, key.parts.len() as u64);
            for part in &key.parts {
                let begin = parts.len();
                if part.has_texts() {
                    write_u64(&mut parts, texts.len() as u64);
                    write_u64(&mut parts, part.texts.len() as u64);
                    texts.extend_from_slice(&part.texts);
                    text_ends.push(texts.len());
                }
                parts.extend_from_slice(&part.bytes);
                records.push(part.code | part.kind.code() << 4);
                write_u64(&mut records, (parts.len() - begin) as u64);
                part_ends.push(parts.len());
            }
        }
        let mut directory = Vec::new();
        write_texts(names.iter().map(String::as_str), &mut directory);
        pack(&offsets, &mut directory);
        let mut out = Vec::new();
        write_u64(&mut out, u64::from(self.postings.traces()));
        for area in [&directory, &records, &parts] {
            write_u64(&mut out, area.len() as u64);
        }
        out.extend_from_slice(&directory);
        out.extend_from_slice(&records);
        let mut ends = vec![out.len()];
        ends.extend(part_ends.iter().map(|end| out.len() + end));
        out.extend_from_slice(&parts);
        out.extend_from_slice(&self.postings.finish());
        let mut sections = TermsSections::default();
        fold(&out, &ends, level, &mut sections.index);
        let first = fold(&texts, &text_ends, level, &mut sections.dictionaries);
        texts.truncate(first);
        TermsSections { vocabulary: texts, ..sections }
    }
}
