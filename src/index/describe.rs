//! What the tag index holds and what it costs, for people. Bytes are those of the file, to which
//! compressed pages contribute in proportion.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::error::Result;
use crate::base::text::Str;
use crate::index::packed::Packed;
use crate::index::source::Cursor;
use crate::index::term::TermKind;
use crate::index::terms::{KeyEntry, Part, PartEntry, Terms};
use crate::index::terms_builder::{PART_DICTIONARY, PART_VALUES};

/// A key of the tag index.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyInfo {
    /// Where the attribute stands.
    pub scope: &'static str,
    /// Its key.
    pub key: String,
    /// How many traces have it.
    pub traces: u64,
    /// Its values, by form and type.
    pub parts: Vec<PartInfo>,
}

/// The values of a key that are kept in one form.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartInfo {
    /// `values`, `dictionary`, `hashed`, `covered`, `buckets`, `scarce` for all keys that are not
    /// listed, or `scarce texts`, which the table of these finds, too.
    pub form: &'static str,
    /// The type of the values; `number` for int and double together.
    pub kind: &'static str,
    /// How many values, pairs of hash and trace, or buckets there are; of `covered` texts the pairs
    /// that other keys do not imply; of `scarce` keys pairs of token and group of traces.
    pub distinct: u64,
    /// Of `covered` texts the keys that imply the pairs left out.
    pub homes: Vec<String>,
    /// Bytes of the values themselves.
    pub dictionary_bytes: u64,
    /// Bytes of pointers and posting lists; a list shared by several values counts where it is
    /// first used.
    pub postings_bytes: u64,
    /// How many lists there are of each form.
    pub lists: BTreeMap<&'static str, u64>,
    /// Why the values are kept so.
    pub why: &'static str,
}

/// Where each posting list stands in the heap, and how many bytes it takes.
type Lists = BTreeMap<u64, f64>;

impl Terms {
    /// Describes every key. Reads the whole index: for people, not for searches.
    pub fn describe(&self) -> Result<Vec<KeyInfo>> {
        let keys = self.keys()?;
        let mut lists = self.lists(&keys)?;
        keys.iter().map(|entry| self.describe_key(entry, &mut lists)).collect()
    }

    fn lists(&self, keys: &[KeyEntry]) -> Result<Lists> {
        let mut starts = Lists::new();
        for entry in keys {
            starts.extend(self.postings.heap_offset(entry.present).map(|at| (at, 0.0)));
            for part in &entry.parts {
                if let Part::Values(_, pointers) | Part::Buckets(_, pointers) = self.part(part)? {
                    for index in 0..pointers.len() {
                        let pointer = pointers.get(&*self.source, index)?;
                        starts.extend(self.postings.heap_offset(pointer).map(|at| (at, 0.0)));
                    }
                }
            }
        }
        let mut end = self.postings.heap_len() as u64;
        for (start, len) in starts.iter_mut().rev() {
            *len = self.postings.stored_bytes(&self.source, *start, end.saturating_sub(*start));
            end = *start;
        }
        Ok(starts)
    }

    fn describe_key(&self, entry: &KeyEntry, lists: &mut Lists) -> Result<KeyInfo> {
        let parts = entry.parts.iter().map(|part| self.describe_part(part, lists));
        Ok(KeyInfo {
            scope: entry.scope.name(),
            key: Str::as_str(&entry.key).to_owned(),
            parts: parts.collect::<Result<_>>()?,
            traces: self.postings.read(&*self.source, entry.present)?.len(),
        })
    }

    fn describe_part(&self, entry: &PartEntry, lists: &mut Lists) -> Result<PartInfo> {
        let raw = entry.range.len() as u64;
        let size = self.source.stored_bytes(entry.range.start as u64, raw).round() as u64;
        let texts = self.texts_bytes(entry)?;
        let mut homes = Vec::new();
        let (form, distinct, own, pointers) = match self.part(entry)? {
            Part::Values(values, pointers) => ("values", values.len(), None, Some(pointers)),
            Part::Dictionary(values) => ("dictionary", values.len(), Some(size), None),
            Part::Hashed(table) => ("hashed", table.len(), Some(0), None),
            Part::Covered(keys, table) => {
                for home in keys {
                    let name = self.key_name(home.key)?;
                    homes.push(format!("{}.{}", name.0, name.1));
                }
                ("covered", table.len(), Some(0), None)
            }
            Part::Buckets(_, pointers) => ("buckets", pointers.len(), None, Some(pointers)),
            Part::Scarce(scarce) => ("scarce", scarce.len(), Some(0), None),
            Part::ScarceTexts(texts) => ("scarce texts", *texts, Some(size), None),
        };
        let pointer_bytes = pointers.map_or(0, Packed::byte_len) as u64;
        let pointer_bytes = size * pointer_bytes / raw.max(1);
        let own = own.unwrap_or(size.saturating_sub(pointer_bytes));
        let mut forms = BTreeMap::new();
        let mut postings_bytes = size.saturating_sub(own) as f64;
        if let Some(pointers) = pointers {
            for index in 0..pointers.len() {
                let pointer = pointers.get(&*self.source, index)?;
                *forms.entry(self.postings.form(&*self.source, pointer)?).or_default() += 1;
                let list = self.postings.heap_offset(pointer).and_then(|at| lists.remove(&at));
                postings_bytes += list.unwrap_or(0.0);
            }
        }
        let why = match form {
            "values" => "values repeat: each has the list of its traces",
            "dictionary" => "values are for columns; they hardly tell traces apart",
            "hashed" => "values are long or hardly repeat: a hash leads to the trace",
            "covered" => "values hold words of other keys, which lead to most of their traces",
            "scarce" => "keys and texts of few spans each: a hash of a part leads to some traces",
            "scarce texts" => "texts of few spans each: the table of what is scarce leads there",
            _ => "many numbers: those of like magnitude share a list",
        };
        let kind = match form {
            "buckets" => "number",
            "scarce" => "key",
            _ => entry.kind.name(),
        };
        let (dictionary_bytes, postings_bytes) = (own + texts, postings_bytes.round() as u64);
        let lists = forms;
        Ok(PartInfo { form, kind, distinct, homes, dictionary_bytes, postings_bytes, lists, why })
    }
    /// Bytes of a part's dictionary, where it stands in the section of dictionaries.
    fn texts_bytes(&self, entry: &PartEntry) -> Result<u64> {
        if entry.kind != TermKind::Str || !matches!(entry.form, PART_VALUES | PART_DICTIONARY) {
            return Ok(0);
        }
        let range = self.texts(&mut Cursor::new(&*self.source, entry.range.clone())?)?;
        Ok(self.source.stored_bytes(range.start as u64, range.len() as u64).round() as u64)
    }
}
