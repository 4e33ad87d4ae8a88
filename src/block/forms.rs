//! Text of a few forms: each row follows one of several patterns.
//!
//! ```text
//! run:  | plane 0: bit 0 of every row's form | plane 1 | ... | run of the rows of form 0 | of form 1 | ... |
//! ```
//! There are as many planes as the number of the last form has bits. Planes, and not a number a
//! row, so that the rows of a form before a row are counted 64 at a time.

use crate::block::bits::{BitWriter, bit_length, get_bits, mask};
use crate::block::pattern::Pattern;
use crate::block::vocabulary::WordCodes;
use crate::block::words::Words;

/// Forms of a column at most: choosing among more costs more than it saves.
pub const MAX_FORMS: usize = 64;
const MAX_PLANES: usize = 6;

/// The patterns of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forms {
    patterns: Vec<Pattern>,
}

/// Where a value stands: its form, its place among the rows of that form, and how many rows each
/// form up to its own has.
struct Found {
    form: usize,
    index: usize,
    counts: [usize; MAX_FORMS],
}

impl Forms {
    /// Text of these patterns; `None` if there are none or too many.
    pub fn new(patterns: Vec<Pattern>) -> Option<Self> {
        (1..=MAX_FORMS).contains(&patterns.len()).then_some(Self { patterns })
    }

    /// The patterns, by form.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    fn planes(&self) -> usize {
        bit_length(self.patterns.len() as u64 - 1) as usize
    }

    /// Appends a run of texts, which are taken apart, with the form of each, or of the first form
    /// where `forms` is shorter; `None`, with part of it written, if one does not follow its form.
    pub fn encode_run(
        &self,
        texts: &mut [&[u8]],
        forms: &[u16],
        codes: &WordCodes<'_>,
        out: &mut BitWriter,
    ) -> Option<()> {
        if let [only] = self.patterns.as_slice() {
            return only.encode_run(texts, codes, out);
        }
        let form = |row: usize| forms.get(row).copied().unwrap_or(0);
        for plane in 0..self.planes() {
            (0..texts.len()).for_each(|row| out.put(u64::from(form(row) >> plane & 1), 1));
        }
        let mut rows = Vec::new();
        for (number, pattern) in (0..).zip(&self.patterns) {
            rows.clear();
            rows.extend(
                texts.iter().zip(0..).filter(|&(_, row)| form(row) == number).map(|(t, _)| *t),
            );
            pattern.encode_run(&mut rows, codes, out)?;
        }
        let is_known = |row| usize::from(form(row)) < self.patterns.len();
        (0..texts.len()).all(is_known).then_some(())
    }

    /// How many bits the run of `count` values at bit `at` takes.
    pub fn run_bits(&self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        let counts = self.count(bytes, at, count, self.patterns.len())?;
        let mut end = at.checked_add(self.planes().checked_mul(count)?)?;
        for (pattern, &rows) in self.patterns.iter().zip(&counts) {
            end = end.checked_add(pattern.run_bits(bytes, end, rows)?)?;
        }
        // A form beyond the last has no run: such a run is not sound.
        (counts.iter().take(self.patterns.len()).sum::<usize>() == count).then_some(end - at)
    }

    /// The code, if the value at `index` of the run of `count` at bit `at` is one word and nothing
    /// else.
    pub fn word(&self, bytes: &[u8], at: usize, count: usize, index: usize) -> Option<i64> {
        let [pattern] = self.patterns.as_slice() else { return None };
        pattern.single_word()?.get(bytes, at, count, index)
    }

    /// Appends the text at `index` of the run of `count` values at bit `at` to `text`.
    pub fn get(
        &self,
        bytes: &[u8],
        at: usize,
        count: usize,
        index: usize,
        words: &Words,
        text: &mut String,
    ) -> Option<()> {
        let found = self.find(bytes, at, count, index)?;
        let mut place = at.checked_add(self.planes().checked_mul(count)?)?;
        for (pattern, &rows) in self.patterns.iter().zip(&found.counts).take(found.form) {
            place = place.checked_add(pattern.run_bits(bytes, place, rows)?)?;
        }
        let rows = *found.counts.get(found.form)?;
        self.patterns.get(found.form)?.get(bytes, place, rows, found.index, words, text)
    }

    fn find(&self, bytes: &[u8], at: usize, count: usize, index: usize) -> Option<Found> {
        if index >= count {
            return None;
        }
        if self.planes() == 0 {
            return Some(Found { form: 0, index, counts: self.count(bytes, at, count, 1)? });
        }
        let mut form = 0;
        for plane in 0..self.planes() {
            let bit = plane.checked_mul(count)?.checked_add(index)?.checked_add(at)?;
            form |= (get_bits(bytes, bit, 1)? as usize) << plane;
        }
        let counts = self.count(bytes, at, count, form + 1)?;
        let mut before = 0;
        self.each_chunk(bytes, at, index, count, |chunk| before += chunk.rows_of(form))?;
        Some(Found { form, index: before, counts })
    }

    /// How many rows each of the first `forms` forms has.
    fn count(
        &self,
        bytes: &[u8],
        at: usize,
        count: usize,
        forms: usize,
    ) -> Option<[usize; MAX_FORMS]> {
        let mut counts = [0; MAX_FORMS];
        if self.planes() == 0 {
            *counts.first_mut()? = count;
            return Some(counts);
        }
        self.each_chunk(bytes, at, count, count, |chunk| {
            for (form, rows) in counts.iter_mut().enumerate().take(forms) {
                *rows += chunk.rows_of(form);
            }
        })?;
        Some(counts)
    }

    /// Hands over the planes of the first `rows` of `count` rows, 64 at a time.
    #[inline]
    fn each_chunk(
        &self,
        bytes: &[u8],
        at: usize,
        rows: usize,
        count: usize,
        mut each: impl FnMut(Chunk),
    ) -> Option<()> {
        let mut from = 0;
        while from < rows {
            let width = (rows - from).min(64) as u32;
            let mut chunk =
                Chunk { planes: [0; MAX_PLANES], used: self.planes(), rows: mask(width) };
            for (plane, bits) in chunk.planes.iter_mut().enumerate().take(chunk.used) {
                let bit = plane.checked_mul(count)?.checked_add(from)?.checked_add(at)?;
                *bits = get_bits(bytes, bit, width)?;
            }
            each(chunk);
            from += 64;
        }
        Some(())
    }

    /// Appends the forms.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.patterns.len() as u8);
        for pattern in &self.patterns {
            pattern.write(out);
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let (&count, rest) = input.split_first()?;
        *input = rest;
        let mut patterns = Vec::new();
        for _ in 0..count.min(MAX_FORMS as u8 + 1) {
            patterns.push(Pattern::read(input)?);
        }
        Self::new(patterns)
    }
}

/// The forms of up to 64 rows, by plane.
#[derive(Clone, Copy)]
struct Chunk {
    planes: [u64; MAX_PLANES],
    used: usize,
    /// A bit for each row.
    rows: u64,
}

impl Chunk {
    /// How many of the rows have this form.
    #[inline]
    fn rows_of(&self, form: usize) -> usize {
        let planes = self.planes.iter().take(self.used).enumerate();
        let of_form = planes.fold(self.rows, |rows, (plane, &bits)| {
            rows & if form >> plane & 1 == 1 { bits } else { !bits }
        });
        of_form.count_ones() as usize
    }
}
