//! Answers probes of the tag index: which traces may have what is asked of a key.

use std::ops::{Bound, Range};

use crate::base::error::Result;
use crate::base::number::Number;
use crate::base::text::Str;
use crate::index::asked::{Found, Known};
use crate::index::dictionary::Values;
use crate::index::homes::widest;
use crate::index::ordinals::OrdinalSet;
use crate::index::packed::Packed;
use crate::index::source::Source;
use crate::index::term::{Candidates, Probe, TagScope, Term, TermKind, hash_number, hash_text};
use crate::index::terms::{HomeEntry, KeyEntry, Part, Terms};
use crate::index::words::words;

/// Answers with more traces, or of longer texts, are not kept at hand: one takes 8 KiB at most.
const MOST_AT_HAND: u64 = 4096;

impl Terms {
    /// The traces that may answer a probe of a key: never one too few.
    pub fn postings(&self, scope: TagScope, key: &str, probe: &Probe<'_>) -> Result<Candidates> {
        self.postings_of_known(&*self.known(scope, key)?, probe)
    }

    /// The same, and what `beside` makes of the key for whoever asks: it is asked itself when the key
    /// is met first, and then no more as long as the key is at hand.
    pub fn postings_beside(
        &self,
        scope: TagScope,
        key: &str,
        probe: &Probe<'_>,
        beside: impl FnOnce() -> Result<OrdinalSet>,
    ) -> Result<(Candidates, OrdinalSet)> {
        let known = self.known(scope, key)?;
        let set = match known.beside.get() {
            Some(set) => set,
            None => {
                let set = beside()?;
                known.beside.get_or_init(|| set)
            }
        };
        Ok((self.postings_of_known(&known, probe)?, set.clone()))
    }

    fn postings_of_known(&self, known: &Known, probe: &Probe<'_>) -> Result<Candidates> {
        match &known.found {
            Found::Entry(entry, answers) => {
                let Probe::Str(text) = *probe else { return self.postings_of(entry, probe) };
                let same =
                    |(own, found): &(Str, Candidates)| (*own == *text).then(|| found.clone());
                if let Some(known) = answers.find(same) {
                    return Ok(known);
                }
                let found = self.postings_of(entry, probe)?;
                if found.set.len() <= MOST_AT_HAND && text.len() as u64 <= MOST_AT_HAND {
                    answers.keep((Str::from(text), found.clone()));
                }
                Ok(found)
            }
            Found::Scarce(set) => Ok(Candidates { exact: set.is_empty(), set: set.clone() }),
        }
    }

    /// The same for a key that was found before.
    pub fn postings_of(&self, entry: &KeyEntry, probe: &Probe<'_>) -> Result<Candidates> {
        let present = || self.postings.read(&*self.source, entry.present);
        if let Probe::Exists = probe {
            return Ok(Candidates { set: present()?, exact: true });
        }
        let mut union = Union { terms: self, ordinals: Vec::new(), sets: Vec::new(), exact: true };
        let hashed = |kind| entry.parts.iter().any(|p| p.kind == kind && p.is_hashed());
        for part in entry.parts.iter().filter(|part| asks(probe, part.kind, part.is_buckets())) {
            let covered = match self.part(part)? {
                Part::Values(values, pointers) => {
                    let codes = self.matching(values, probe)?;
                    union.add_codes(pointers, &codes)?;
                    true
                }
                // With a hash for every value the hashed part answers equality alone.
                Part::Dictionary(_) if hashed(part.kind) => true,
                Part::Dictionary(values) => self.matching(values, probe)?.is_empty(),
                Part::Covered(homes, table) => match *probe {
                    Probe::Str(text) => {
                        union.exact = false;
                        table.find(&*self.source, hash_text(text), &mut union.ordinals)?;
                        self.add_homes(homes, text, &mut union)?;
                        true
                    }
                    _ => table.len() == 0 && homes.is_empty(),
                },
                Part::Hashed(table) => match hash_of(probe) {
                    Some(hash) => {
                        union.exact = false;
                        table.find(&*self.source, hash, &mut union.ordinals)?;
                        true
                    }
                    None => table.len() == 0 || is_empty(probe),
                },
                Part::ScarceTexts(_) => match *probe {
                    Probe::Str(text) => {
                        union.exact = false;
                        if let Some(scarce) = self.scarce()? {
                            let found = scarce.find_text(&*self.source, self.traces, text)?;
                            union.ordinals.extend(found);
                        }
                        true
                    }
                    _ => false,
                },
                // It answers for other keys.
                Part::Scarce(_) => continue,
                Part::Buckets(buckets, pointers) => {
                    let Probe::Number { low, high } = *probe else { continue };
                    if !is_empty(probe) {
                        let (near, inside) = buckets.overlapping(&*self.source, low, high)?;
                        union.exact &= near == inside;
                        union.add_codes(pointers, &[near])?;
                    }
                    true
                }
            };
            if !covered {
                return Ok(Candidates { set: present()?, exact: false });
            }
        }
        union.finish()
    }

    /// Adds the traces in which homes of a text have one of its words as a value of few traces.
    fn add_homes(&self, homes: &[HomeEntry], text: &str, union: &mut Union<'_>) -> Result<()> {
        let source = &*self.source;
        let widest = widest(self.traces) as u64;
        for home in homes {
            let parts = self.parts_of(home)?;
            let words = || words(text).enumerate().filter(|(n, _)| home.words >> n & 1 == 1);
            for part in parts.iter().filter(|part| part.kind == TermKind::Str) {
                match self.part(part)? {
                    Part::Values(Values::Str(texts), pointers) => {
                        for (_, word) in words() {
                            let Some(code) = texts.find(source, word)? else { continue };
                            let pointer = pointers.get(source, code)?;
                            let set = self.postings.read(source, pointer)?;
                            if set.len() <= widest {
                                union.ordinals.extend(set.iter());
                            }
                        }
                    }
                    Part::Hashed(table) => {
                        for (_, word) in words() {
                            table.find(source, hash_text(word), &mut union.ordinals)?;
                        }
                    }
                    // Homes are asked for what they store themselves: there are no chains.
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The codes of a dictionary's values that answer a probe.
    fn matching(&self, values: &Values, probe: &Probe<'_>) -> Result<Vec<Range<u64>>> {
        let source = &*self.source;
        let one = |code: Option<u64>| at_most_one(code.map_or(0..0, |code| code..code + 1));
        match (values, *probe) {
            (Values::Str(texts), Probe::Str(text)) => texts.find(source, text).map(one),
            (Values::Str(texts), Probe::StrRange { low, high }) => {
                let from = match low {
                    Bound::Unbounded => 0,
                    Bound::Included(low) => texts.rank(source, low.as_bytes(), false)?,
                    Bound::Excluded(low) => texts.rank(source, low.as_bytes(), true)?,
                };
                let to = match high {
                    Bound::Unbounded => texts.len(),
                    Bound::Included(high) => texts.rank(source, high.as_bytes(), true)?,
                    Bound::Excluded(high) => texts.rank(source, high.as_bytes(), false)?,
                };
                Ok(at_most_one(from..to))
            }
            (Values::Str(texts), Probe::Matches(matches)) => {
                let mut codes: Vec<Range<u64>> = Vec::new();
                texts.scan(source, 0..texts.len(), &mut |code, text| {
                    if matches(text) {
                        match codes.last_mut() {
                            Some(last) if last.end == code => last.end += 1,
                            _ => codes.push(code..code + 1),
                        }
                    }
                    Ok(())
                })?;
                Ok(codes)
            }
            (Values::Int(_) | Values::Double(_), Probe::Number { low, high }) => {
                if is_empty(probe) {
                    return Ok(Vec::new());
                }
                values.numbers(source, low, high).map(at_most_one)
            }
            (Values::Bool(_), Probe::Bool(value)) => {
                values.find(source, &Term::Bool(value)).map(one)
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// A range as a list of ranges: none if it is empty.
fn at_most_one(codes: Range<u64>) -> Vec<Range<u64>> {
    std::iter::once(codes).filter(|codes| !codes.is_empty()).collect()
}

/// Whether values of a type can answer a probe at all.
fn asks(probe: &Probe<'_>, kind: TermKind, buckets: bool) -> bool {
    match probe {
        Probe::Exists => true,
        Probe::Str(_) | Probe::StrRange { .. } | Probe::Matches(_) => kind == TermKind::Str,
        Probe::Bool(_) => kind == TermKind::Bool,
        Probe::Number { .. } => buckets || matches!(kind, TermKind::Int | TermKind::Double),
    }
}

/// The hash to look for, if the probe is for one value.
fn hash_of(probe: &Probe<'_>) -> Option<u64> {
    match *probe {
        Probe::Str(text) => Some(hash_text(text)),
        Probe::Number { low: Bound::Included(low), high: Bound::Included(high) } if low == high => {
            Some(hash_number(low))
        }
        _ => None,
    }
}

/// Whether no value at all can lie within the bounds, because one is NaN.
fn is_empty(probe: &Probe<'_>) -> bool {
    let nan = |bound: Bound<Number>| match bound {
        Bound::Included(number) | Bound::Excluded(number) => number.is_nan(),
        Bound::Unbounded => false,
    };
    matches!(*probe, Probe::Number { low, high } if nan(low) || nan(high))
}

/// Gathers traces from many lists.
struct Union<'a> {
    terms: &'a Terms,
    /// Single ordinals, in any order.
    ordinals: Vec<u32>,
    sets: Vec<OrdinalSet>,
    exact: bool,
}

impl Union<'_> {
    fn add_codes(&mut self, pointers: &Packed, codes: &[Range<u64>]) -> Result<()> {
        let source = &*self.terms.source;
        for code in codes.iter().cloned().flatten() {
            let pointer = pointers.get(source, code)?;
            if let Some(ordinal) = self.terms.postings.single(pointer) {
                self.ordinals.push(ordinal);
                continue;
            }
            let set = self.terms.postings.read(source, pointer)?;
            if set.is_all() {
                self.sets = vec![set];
                self.ordinals.clear();
                return Ok(());
            }
            match self.sets.pop() {
                Some(before) => self.sets.push(before.or(&set)),
                None => self.sets.push(set),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Candidates> {
        let traces = self.terms.traces;
        if self.ordinals.iter().any(|&ordinal| ordinal >= traces) {
            return Err(self.terms.source.corrupt(0, "a posting beyond the last trace"));
        }
        let singles = OrdinalSet::from_ordinals(traces, self.ordinals);
        let set = match self.sets.pop() {
            Some(set) => set.or(&singles),
            None => singles,
        };
        Ok(Candidates { set, exact: self.exact })
    }
}
