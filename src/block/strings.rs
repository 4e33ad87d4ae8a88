//! Models of text: what the values of one column have in common, and how the rest is packed.

use std::cell::RefCell;

use crate::base::effort::Effort;
use crate::base::text::Str;
use crate::base::varint;
use crate::base::view::StrRef;
use crate::block::bits::BitWriter;
use crate::block::forms::Forms;
use crate::block::pattern::Pattern;
use crate::block::shape;
use crate::block::vocabulary::WordCodes;
use crate::block::words::Words;

thread_local! {
    /// Text is put together here, so that a value costs one allocation and not two.
    static SCRATCH: RefCell<String> = const { RefCell::new(String::new()) };
}

/// How the text of a column is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrModel {
    /// All values are this one.
    Const(Str),
    /// Literals and variables: ids and numbers, alone or inside longer texts.
    Pattern(Pattern),
    /// One of several patterns, which may hold words of the segment.
    Forms(Forms),
}

/// Numbers of the variants on disk.
mod tag {
    pub const CONST: u8 = 0;
    pub const PATTERN: u8 = 2;
    pub const FORMS: u8 = 3;
}

impl StrModel {
    /// The model that fits the shape of all values, and the bits that they take under it, its own
    /// size included; `None` if they have no shape in common. Then a
    /// dictionary or pages have to hold them. O(bytes); stops at the first value that is different.
    pub fn classify(values: &[&str], effort: Effort) -> Option<(Self, u64)> {
        let first = values.first()?;
        if values.iter().all(|value| value == first) {
            let model = Self::Const(Str::from(*first));
            let bits = model.model_bits();
            return Some((model, bits));
        }
        let (pattern, run_bits) = shape::fit(values, effort)?;
        let model = Self::Pattern(pattern);
        let bits = run_bits + model.model_bits();
        Some((model, bits))
    }

    /// The bits that the model itself takes on disk, a caller's dictionary not included.
    pub fn model_bits(&self) -> u64 {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes.len() as u64 * 8
    }

    /// Appends a run of texts, which are taken apart, each with its form where there are several;
    /// `None`, with part of it written, if a text does not fit.
    pub fn encode_run(
        &self,
        texts: &mut [&[u8]],
        forms: &[u16],
        codes: &WordCodes<'_>,
        out: &mut BitWriter,
    ) -> Option<()> {
        match self {
            Self::Const(all) => texts.iter().all(|text| all.as_bytes() == *text).then_some(()),
            Self::Pattern(pattern) => pattern.encode_run(texts, codes, out),
            Self::Forms(patterns) => patterns.encode_run(texts, forms, codes, out),
        }
    }

    /// How many bits the run of `count` values at bit `at` takes.
    pub fn run_bits(&self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        match self {
            Self::Const(_) => Some(0),
            Self::Pattern(pattern) => pattern.run_bits(bytes, at, count),
            Self::Forms(forms) => forms.run_bits(bytes, at, count),
        }
    }

    /// The value at `index` of the run of `count` values at bit `at`.
    pub fn get<'a>(
        &'a self,
        bytes: &[u8],
        at: usize,
        count: usize,
        index: usize,
        words: &'a Words,
    ) -> Option<StrRef<'a>> {
        if index >= count {
            return None;
        }
        match self {
            Self::Const(all) => Some(StrRef::Shared(all)),
            Self::Pattern(pattern) => {
                made(|text| pattern.get(bytes, at, count, index, words, text))
            }
            Self::Forms(forms) => match forms.word(bytes, at, count, index) {
                Some(code) => words.shared(code).map(StrRef::Shared),
                None => made(|text| forms.get(bytes, at, count, index, words, text)),
            },
        }
    }

    /// Appends the model.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Const(all) => {
                out.push(tag::CONST);
                varint::write_prefixed(out, all.as_bytes());
            }
            Self::Pattern(pattern) => {
                out.push(tag::PATTERN);
                pattern.write(out);
            }
            Self::Forms(forms) => {
                out.push(tag::FORMS);
                forms.write(out);
            }
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let (&tag, rest) = input.split_first()?;
        *input = rest;
        Some(match tag {
            tag::CONST => {
                Self::Const(std::str::from_utf8(varint::read_prefixed(input)?).ok()?.into())
            }
            tag::PATTERN => Self::Pattern(Pattern::read(input)?),
            tag::FORMS => Self::Forms(Forms::read(input)?),
            _ => return None,
        })
    }
}

/// Text that `print` puts together.
fn made<'a>(print: impl FnOnce(&mut String) -> Option<()>) -> Option<StrRef<'a>> {
    let text = SCRATCH.with_borrow_mut(|text| {
        text.clear();
        print(text).map(|()| Str::from(text.as_str()))
    });
    text.map(StrRef::Made)
}

#[cfg(test)]
mod tests;
