//! Finding the forms of a column whose texts do not all follow one pattern: commands, queries,
//! addresses, messages.
//!
//! A text is cut into words (letters and digits) and what stands between them. Texts with the same
//! between, and words of the same classes (numbers, hex digits, UUIDs, others), have one form:
//! words that never differ become literal, numbers and ids variables, the others words of the
//! segment. Texts of rare forms become whole words. (The idea, logs by templates and variables, is
//! that of CLP, Rodrigues et al., OSDI 2021; that variables of one place share a code is ours.)

use crate::base::effort::Effort;
use crate::base::quick::QuickMap;
use crate::base::text::Str;
use crate::block::bits::bit_length;
use crate::block::cut::{Class, MAX_TEXT_BYTES, Token, Tokens};
use crate::block::digits;
use crate::block::forms::{Forms, MAX_FORMS};
use crate::block::ints::IntModel;
use crate::block::pattern::{MAX_PARTS, Part, Pattern, Variable};
use crate::block::shared_ids::SharedIds;
use crate::block::vocabulary::{WordCodes, WordCounts};
use crate::block::whim;

/// A form of fewer rows than these does not pay for itself.
const MIN_ROWS: usize = 4;
/// Of all bytes, the share of texts of rare forms at most, and what is always allowed of them.
const RARE_SHARE: usize = 8;
const RARE_BYTES: usize = 512;
/// The stored bytes of a page record for each byte of text, in tenths, and at least: about what
/// zstd makes of pages of short texts.
const PAGED_TENTHS: usize = 3;
const PAGED_BYTES: usize = 3;

/// The forms of a column before its words have codes.
#[derive(Debug)]
pub struct Draft {
    /// The parts of each form.
    forms: Vec<Vec<Kind>>,
    /// The form of each row.
    pub of_row: Vec<u16>,
}

/// What a part of a form is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Literal(Str),
    /// A variable that looks like this.
    Variable(Class),
    Whole,
}

impl Draft {
    /// The forms of these texts; `None` if they have too few in common to be worth it. Words that
    /// the forms need are counted; those that others need already cost nothing. O(bytes).
    pub fn of<'a>(
        texts: &[&'a str],
        ids: &SharedIds<'_>,
        counts: &mut WordCounts<'a>,
    ) -> Option<Self> {
        if texts.is_empty() {
            return None;
        }
        let mut groups = group(texts);
        groups.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));
        let mut draft = Self { forms: Vec::new(), of_row: vec![0; texts.len()] };
        let mut said = Said::default();
        let mut rare: Vec<usize> = Vec::new();
        let mut bits = 0;
        for Group { rows, places } in groups {
            let form = match whim::take(rows.len() >= MIN_ROWS) && draft.forms.len() + 1 < MAX_FORMS
            {
                true => Form::of(texts, &rows, places, ids),
                false => None,
            };
            let Some(form) = form else {
                rare.extend(rows);
                continue;
            };
            bits += form.bits;
            said.extend(form.said);
            for row in rows {
                *draft.of_row.get_mut(row)? = draft.forms.len() as u16;
            }
            draft.forms.push(form.kinds);
        }
        let all: usize = texts.iter().map(|text| text.len()).sum();
        if !rare.is_empty() {
            let mut rare_bytes = 0;
            for &row in &rare {
                let text = *texts.get(row)?;
                if said.add(text) {
                    rare_bytes += text.len();
                }
                *draft.of_row.get_mut(row)? = draft.forms.len() as u16;
            }
            bits += rare.len() * 10;
            if !whim::take(rare_bytes <= RARE_BYTES.max(all / RARE_SHARE)) {
                return None;
            }
            draft.forms.push(vec![Kind::Whole]);
        }
        bits += texts.len() * bit_length(draft.forms.len() as u64 - 1) as usize;
        let new = said.0.keys().filter(|word| !counts.has(word));
        let own = new.map(|word| word.len() + 1).sum::<usize>();
        let paged = all * PAGED_TENTHS / 10 + texts.len() * PAGED_BYTES;
        if !whim::take(bits / 8 + own <= paged)
            || !said.0.into_iter().all(|(word, n)| counts.add(word, n))
        {
            return None;
        }
        Some(draft)
    }

    /// Texts that are words as they are, which are counted.
    pub fn whole<'a>(texts: &[&'a str], counts: &mut WordCounts<'a>) -> Option<Self> {
        let of_row = vec![0; texts.len()];
        let counted = texts.iter().all(|text| counts.add(text, 1));
        counted.then(|| Self { forms: vec![vec![Kind::Whole]], of_row })
    }

    /// The model, once words have codes; `None` if a text does not follow its form after all.
    pub fn settle(&self, texts: &[&str], codes: &WordCodes<'_>, effort: Effort) -> Option<Forms> {
        let mut patterns = Vec::with_capacity(self.forms.len());
        for (number, kinds) in (0u16..).zip(&self.forms) {
            let rows = self.of_row.iter().zip(texts).filter(|(form, _)| **form == number);
            let mut rests: Vec<&[u8]> = rows.map(|(_, text)| text.as_bytes()).collect();
            let parts = kinds.iter().map(|kind| kind.settle(&mut rests, codes, effort));
            patterns.push(Pattern::new(parts.collect::<Option<_>>()?)?);
            rests.iter().all(|rest| rest.is_empty()).then_some(())?;
        }
        Forms::new(patterns)
    }
}

/// Words that a draft needs, and how often.
#[derive(Default)]
struct Said<'a>(QuickMap<&'a str, u64>);

impl<'a> Said<'a> {
    /// Counts a word; whether it is new.
    fn add(&mut self, word: &'a str) -> bool {
        let count = self.0.entry(word).or_default();
        *count += 1;
        *count == 1
    }

    fn extend(&mut self, other: Self) {
        for (word, count) in other.0 {
            *self.0.entry(word).or_default() += count;
        }
    }
}

/// The words at one place of texts that are cut alike, and how often each occurs. Most are the same
/// as in the row before: a compare is cheaper than a hash.
struct Place<'a> {
    last: &'a str,
    /// How often it occurred in a row, beside what is counted.
    run: u64,
    counted: QuickMap<&'a str, u64>,
}

impl<'a> Place<'a> {
    fn new(first: &'a str) -> Self {
        Self { last: first, run: 0, counted: QuickMap::default() }
    }

    fn add(&mut self, word: &'a str) {
        if word != self.last {
            *self.counted.entry(self.last).or_default() += std::mem::take(&mut self.run);
            self.last = word;
        }
        self.run += 1;
    }

    fn finish(mut self) -> QuickMap<&'a str, u64> {
        *self.counted.entry(self.last).or_default() += self.run;
        self.counted
    }
}

/// A form in the making.
struct Form<'a> {
    kinds: Vec<Kind>,
    said: Said<'a>,
    /// Bits of its rows, about.
    bits: usize,
}

impl<'a> Form<'a> {
    /// The form of rows whose texts are cut alike, given the words at their places where those are
    /// known; `None` if it is none worth having.
    fn of(
        texts: &[&'a str],
        rows: &[usize],
        places: Option<Vec<Place<'a>>>,
        ids: &SharedIds<'_>,
    ) -> Option<Self> {
        let first = *texts.get(*rows.first()?)?;
        if first.len() > MAX_TEXT_BYTES {
            return None;
        }
        let mut cut = Tokens::of(first);
        let tokens: Vec<Token<'a>> = cut.by_ref().collect();
        let places = places.unwrap_or_else(|| places_of(texts, rows));
        let mut form = Self { kinds: Vec::new(), said: Said::default(), bits: 0 };
        for (token, place) in tokens.iter().zip(places) {
            let uses = place.finish();
            form.literal(token.between);
            if uses.len() == 1 {
                form.literal(token.text);
                continue;
            }
            let repeats = whim::take(uses.len() * 2 <= rows.len());
            let is_id = matches!(token.class, Class::Hex { .. } | Class::Uuid);
            let class = match is_id && (repeats || ids.repeat(uses.keys().copied())) {
                true => Class::Word,
                false => token.class,
            };
            let kind = Kind::Variable(class);
            form.bits += rows.len() * kind.bits(uses.len());
            form.kinds.push(kind);
            if class == Class::Word {
                form.said.extend(Said(uses));
            }
        }
        form.literal(cut.rest());
        if form.kinds.len() > MAX_PARTS {
            return None;
        }
        Some(form)
    }

    fn literal(&mut self, text: &str) {
        match self.kinds.last_mut() {
            _ if text.is_empty() => {}
            Some(Kind::Literal(last)) => *last = Str::from(format!("{last}{text}")),
            _ => self.kinds.push(Kind::Literal(Str::from(text))),
        }
    }
}

impl Kind {
    /// Bits of a value, about, where so many differ.
    fn bits(&self, distinct: usize) -> usize {
        match self {
            Self::Literal(_) => 0,
            Self::Variable(Class::Uuid) => 128,
            Self::Variable(Class::Hex { bytes, .. }) => usize::from(*bytes) * 8,
            Self::Variable(_) | Self::Whole => bit_length(distinct as u64) as usize + 1,
        }
    }

    /// The part, fitted to what it takes off the front of all texts.
    fn settle(&self, rests: &mut [&[u8]], codes: &WordCodes<'_>, effort: Effort) -> Option<Part> {
        let any = || IntModel::Const(0);
        let part = match self {
            Self::Literal(text) => Part::Literal(text.clone()),
            Self::Variable(Class::Uuid) => Part::Uuid { version: None },
            Self::Variable(Class::Hex { bytes, upper }) => {
                Part::Hex { bytes: *bytes, upper: *upper }
            }
            Self::Variable(Class::Decimal) => Part::Decimal(any()),
            Self::Variable(Class::Padded(digits)) => Part::Padded { digits: *digits, model: any() },
            Self::Variable(Class::Word) => Part::Word { whole: false, codes: any() },
            Self::Whole => Part::Word { whole: true, codes: any() },
        };
        let mut numbers = Vec::new();
        let mut versions = Vec::new();
        for rest in rests {
            match part.take(rest)? {
                Some(Variable::Int(number)) => numbers.push(number),
                Some(Variable::Word(word)) => numbers.push(codes.code(word)?),
                Some(Variable::Uuid(uuid)) => versions.push(digits::version(uuid)),
                Some(Variable::Hex(_)) | None => {}
            }
        }
        Some(match part {
            Part::Decimal(_) => Part::Decimal(IntModel::fit(&numbers, effort)),
            Part::Padded { digits, .. } => {
                Part::Padded { digits, model: IntModel::fit(&numbers, effort) }
            }
            Part::Word { whole, .. } => {
                Part::Word { whole, codes: IntModel::fit(&numbers, effort) }
            }
            Part::Uuid { .. } => Part::Uuid { version: digits::common_version(&versions) },
            other => other,
        })
    }
}

/// The words at the places of rows whose texts are cut alike.
fn places_of<'a>(texts: &[&'a str], rows: &[usize]) -> Vec<Place<'a>> {
    let mut rows = rows.iter().filter_map(|&row| texts.get(row));
    let Some(first) = rows.next() else { return Vec::new() };
    let mut places: Vec<Place<'a>> = Tokens::of(first).map(|t| Place::new(t.text)).collect();
    for text in [first].into_iter().chain(rows) {
        places.iter_mut().zip(Tokens::of(text)).for_each(|(place, token)| place.add(token.text));
    }
    places
}

/// Rows whose texts are cut alike.
#[derive(Default)]
struct Group<'a> {
    rows: Vec<usize>,
    /// The words at their places, once there are enough rows for a form.
    places: Option<Vec<Place<'a>>>,
}

/// The rows, grouped. Each text is cut once, but for the first of a group.
fn group<'a>(texts: &[&'a str]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut by_cut: QuickMap<Vec<u8>, usize> = QuickMap::default();
    let (mut cut, mut words) = (Vec::new(), Vec::new());
    for (row, &text) in texts.iter().enumerate() {
        cut.clear();
        words.clear();
        let is_short = text.len() <= MAX_TEXT_BYTES;
        if is_short {
            let mut tokens = Tokens::of(text);
            for token in tokens.by_ref() {
                cut.extend_from_slice(token.between.as_bytes());
                token.class.mark(&mut cut);
                words.push(token.text);
            }
            cut.extend_from_slice(tokens.rest().as_bytes());
        } else {
            cut.push(0xff);
        }
        let number = match by_cut.get(&cut) {
            Some(&number) => number,
            None => {
                by_cut.insert(cut.clone(), groups.len());
                groups.push(Group::default());
                groups.len() - 1
            }
        };
        let Some(Group { rows, places }) = groups.get_mut(number) else { continue };
        rows.push(row);
        match places {
            Some(places) => {
                places.iter_mut().zip(&words).for_each(|(place, word)| place.add(word));
            }
            None if is_short && rows.len() == MIN_ROWS => *places = Some(places_of(texts, rows)),
            None => {}
        }
    }
    groups
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests;
