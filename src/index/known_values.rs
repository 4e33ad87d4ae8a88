//! The values of a key that the tag index lists, by code.

use std::ops::Range;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::text::Str;
use crate::index::dictionary::Values;
use crate::index::folded::Joined;
use crate::index::ordinals::OrdinalSet;
use crate::index::packed::Packed;
use crate::index::postings::Postings;
use crate::index::term::{TagScope, Term, TermKind};
use crate::index::terms::{KeyEntry, Part, Terms};
use crate::index::terms_builder::{PART_DICTIONARY, PART_VALUES};

/// The distinct values of one key and type; a value's rank is its code.
#[derive(Clone, Debug)]
pub struct Dictionary {
    source: Arc<Joined>,
    postings: Postings,
    values: Values,
    pointers: Option<Packed>,
}

impl Dictionary {
    /// The values that lie in `source`, and the pointers of their lists if they have some.
    pub(super) fn new(
        source: Arc<Joined>,
        postings: Postings,
        values: Values,
        pointers: Option<Packed>,
    ) -> Self {
        Self { source, postings, values, pointers }
    }

    /// How many values there are.
    pub fn len(&self) -> u64 {
        self.values.len()
    }

    /// The value of a code; `Corrupt` beyond the last. A text costs decoding half a group.
    pub fn get(&self, code: u64) -> Result<Term> {
        self.values.get(&*self.source, code)
    }

    /// How many texts come before this one, or before and with it; 0 of other values.
    pub fn rank(&self, text: &str, with_equal: bool) -> Result<u64> {
        match &self.values {
            Values::Str(texts) => texts.rank(&*self.source, text.as_bytes(), with_equal),
            _ => Ok(0),
        }
    }

    /// Whether it tells the traces of its values.
    pub fn has_traces(&self) -> bool {
        self.pointers.is_some()
    }

    /// The code of a value, the same to the bit.
    #[cfg(test)]
    pub fn find(&self, value: &Term) -> Result<Option<u64>> {
        self.values.find(&*self.source, value)
    }

    /// Hands out the values of a range of codes in order, at the cost of decoding each once.
    pub fn scan(
        &self,
        codes: Range<u64>,
        each: &mut dyn FnMut(u64, Term) -> Result<()>,
    ) -> Result<()> {
        if let Values::Str(texts) = &self.values {
            return texts.scan(&*self.source, codes, &mut |code, text| {
                each(code, Term::Str(Str::from(text)))
            });
        }
        for code in codes.start..codes.end.min(self.len()) {
            each(code, self.get(code)?)?;
        }
        Ok(())
    }

    /// Hands out all texts in order; nothing if its values are none.
    pub fn texts(&self, each: &mut dyn FnMut(&str)) -> Result<()> {
        let Values::Str(texts) = &self.values else { return Ok(()) };
        texts.scan(&*self.source, 0..self.len(), &mut |_, text| {
            each(text);
            Ok(())
        })
    }

    /// The traces that have the value of a code; `None` if the dictionary serves columns only.
    pub fn traces(&self, code: u64) -> Result<Option<OrdinalSet>> {
        let Some(pointers) = &self.pointers else { return Ok(None) };
        let pointer = pointers.get(&*self.source, code)?;
        self.postings.read(&*self.source, pointer).map(Some)
    }
}

impl Terms {
    /// The values of one type of a key, if they have a dictionary.
    pub fn dictionary(
        &self,
        scope: TagScope,
        key: &str,
        kind: TermKind,
    ) -> Result<Option<Dictionary>> {
        let Some(entry) = self.key(scope, key)? else { return Ok(None) };
        let mut dictionaries = self.dictionaries(&entry)?;
        let found = dictionaries.iter().position(|(own, _)| *own == kind);
        Ok(found.map(|at| dictionaries.swap_remove(at).1))
    }

    /// All dictionaries of a key, by type.
    pub fn dictionaries(&self, entry: &KeyEntry) -> Result<Vec<(TermKind, Dictionary)>> {
        let mut found = Vec::new();
        for part in &entry.parts {
            let (values, pointers) = match part.form {
                PART_VALUES | PART_DICTIONARY => match self.part(part)? {
                    Part::Values(values, pointers) => (values.clone(), Some(pointers.clone())),
                    Part::Dictionary(values) => (values.clone(), None),
                    _ => continue,
                },
                _ => continue,
            };
            let (source, postings) = (Arc::clone(&self.source), self.postings.clone());
            found.push((part.kind, Dictionary::new(source, postings, values, pointers)));
        }
        Ok(found)
    }
}
