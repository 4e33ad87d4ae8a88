//! Builds the tag index of a segment: see [`crate::index::terms`] for its layout.

use std::collections::BTreeMap;

use crate::base::number::Number;
use crate::base::varint::write_u64;
use crate::index::buckets::write_buckets;
use crate::index::dictionary::DictionaryValue;
use crate::index::front::write_texts;
use crate::index::hashes::write_table;
use crate::index::packed::pack;
use crate::index::postings::PostingsBuilder;
use crate::index::term::{TagScope, TermKind};

/// Lookups of an absent hash meet a candidate once in 32 times: looking at one costs microseconds,
/// and each further bit costs an eighth of a byte for every span that has a unique id.
const SPARE_BITS: u32 = 5;

/// The codes of parts on disk.
pub(crate) const PART_VALUES: u8 = 0;
pub(crate) const PART_DICTIONARY: u8 = 1;
pub(crate) const PART_HASHED: u8 = 2;
pub(crate) const PART_BUCKETS: u8 = 3;

/// Collects the tag index of a segment of a known number of traces, in any order of keys.
///
/// What is told of a key must cover it: every attribute of the key is in some part, or else its
/// trace is in [`Self::add_present`]. A key that is never added has no attributes.
#[derive(Debug)]
pub struct TermsBuilder {
    postings: PostingsBuilder,
    /// One bit a trace, all zero between uses.
    scratch: Vec<u64>,
    keys: BTreeMap<(TagScope, String), Key>,
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
    bytes: Vec<u8>,
}

impl TermsBuilder {
    /// For a segment of so many traces.
    pub fn new(traces: u32) -> Self {
        let scratch = vec![0; traces.div_ceil(64) as usize];
        Self { postings: PostingsBuilder::new(traces), scratch, keys: BTreeMap::new() }
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
        let mut bytes = Vec::new();
        V::write(values.iter().map(|(value, _)| value), &mut bytes);
        let mut pointers = Vec::with_capacity(values.len());
        pointers.extend(values.iter().map(|(_, ordinals)| self.postings.add(ordinals)));
        pack(&pointers, &mut bytes);
        self.add_part(scope, key, Part { code: PART_VALUES, kind: V::KIND, bytes });
        self.add_traces(scope, key, values.iter().flat_map(|(_, ordinals)| ordinals).copied());
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
        let mut bytes = Vec::new();
        V::write(values.iter(), &mut bytes);
        self.add_part(scope, key, Part { code: PART_DICTIONARY, kind: V::KIND, bytes });
    }

    /// Adds values by their hash ([`crate::index::term::hash_text`], or
    /// [`crate::index::term::hash_number`]) and the ordinal of a trace that has it, in any order:
    /// some 22 bits a pair, found by equality only. For unique-like values, and for long ones.
    pub fn add_hashed(&mut self, scope: TagScope, key: &str, kind: TermKind, pairs: &[(u64, u32)]) {
        let mut bytes = Vec::new();
        write_table(pairs, SPARE_BITS, &mut bytes);
        self.add_part(scope, key, Part { code: PART_HASHED, kind, bytes });
        self.add_traces(scope, key, pairs.iter().map(|&(_, ordinal)| ordinal));
    }

    /// Adds numbers, int and double together, by magnitude, with the ordinal of a trace that has
    /// it, in any order. Range probes then find candidates, of which those near the bounds are to
    /// be verified.
    pub fn add_buckets(&mut self, scope: TagScope, key: &str, pairs: &[(Number, u32)]) {
        let mut bytes = Vec::new();
        write_buckets(pairs, &mut self.postings, &mut bytes);
        self.add_part(scope, key, Part { code: PART_BUCKETS, kind: TermKind::Double, bytes });
        self.add_traces(scope, key, pairs.iter().map(|&(_, ordinal)| ordinal));
    }

    /// Says that these traces have the key, with values that no part covers: bytes, arrays, maps.
    pub fn add_present(&mut self, scope: TagScope, key: &str, ordinals: &[u32]) {
        self.add_traces(scope, key, ordinals.iter().copied());
    }

    /// Adds to the traces that have a key, in any order.
    fn add_traces(&mut self, scope: TagScope, key: &str, ordinals: impl Iterator<Item = u32>) {
        let mut present = std::mem::take(&mut self.key(scope, key).present);
        present.extend(ordinals);
        if present.len() < self.scratch.len() {
            present.sort_unstable();
            present.dedup();
        } else {
            self.sort_by_bits(&mut present);
        }
        self.key(scope, key).present = present;
    }

    /// Sorts ordinals and drops repeated ones: faster than comparing where there are many.
    fn sort_by_bits(&mut self, ordinals: &mut Vec<u32>) {
        for ordinal in ordinals.drain(..) {
            if let Some(word) = self.scratch.get_mut(ordinal as usize / 64) {
                *word |= 1 << (ordinal % 64);
            }
        }
        for (word, base) in self.scratch.iter_mut().zip((0u32..).step_by(64)) {
            let mut bits = std::mem::take(word);
            while bits != 0 {
                ordinals.push(base + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
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

    /// The section.
    pub fn finish(mut self) -> Vec<u8> {
        let mut names = Vec::with_capacity(self.keys.len());
        let mut offsets = Vec::with_capacity(self.keys.len());
        let (mut records, mut parts) = (Vec::new(), Vec::new());
        for ((scope, name), mut key) in self.keys {
            names.push(format!("{}{name}", char::from(scope.code())));
            offsets.push(records.len() as u64);
            write_u64(&mut records, self.postings.add(&key.present));
            write_u64(&mut records, parts.len() as u64);
            key.parts.sort_by_key(|part| (part.code, part.kind));
            write_u64(&mut records, key.parts.len() as u64);
            for part in &key.parts {
                records.push(part.code | part.kind.code() << 4);
                write_u64(&mut records, part.bytes.len() as u64);
                parts.extend_from_slice(&part.bytes);
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
        for area in [directory, records, parts, self.postings.finish()] {
            out.extend_from_slice(&area);
        }
        out
    }
}
