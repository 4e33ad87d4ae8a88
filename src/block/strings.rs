//! Models of text: what the values of one column have in common, and how the rest is packed.

use std::cell::RefCell;

use crate::base::text::Str;
use crate::base::varint;
use crate::base::view::StrRef;
use crate::block::bits::{BitWriter, bit_length, get_bits};
use crate::block::ints::IntModel;
use crate::block::pattern::Pattern;
use crate::block::shape;

/// Bits of the record number with which a run of [`StrModel::Pages`] begins.
const RECORD_BITS: u32 = 40;

thread_local! {
    /// Text is put together here, so that a value costs one allocation and not two.
    static SCRATCH: RefCell<String> = const { RefCell::new(String::new()) };
}

/// How the text of a column is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrModel {
    /// All values are this one.
    Const(Str),
    /// Codes into a dictionary that the caller owns; the most frequent values first is best.
    Codes(IntModel),
    /// Literals and variables: ids and numbers, alone or inside longer texts.
    Pattern(Pattern),
    /// Records in pages, a run's one behind another.
    Pages,
}

/// One value of a run, as far as the model alone can tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// The text.
    Text(StrRef<'a>),
    /// The text's code in the caller's dictionary.
    Code(u64),
    /// The number of the record that holds the text.
    Record(u64),
}

/// Numbers of the variants on disk.
mod tag {
    pub const CONST: u8 = 0;
    pub const CODES: u8 = 1;
    pub const PATTERN: u8 = 2;
    pub const PAGES: u8 = 3;
}

impl StrModel {
    /// The model that fits the shape of all values, and the bits that they take under it, its own
    /// size included; `None` if they have no shape in common. Then codes of a dictionary or pages
    /// have to hold them. O(bytes); stops at the first value that is different.
    pub fn classify(values: &[&str]) -> Option<(Self, u64)> {
        let first = values.first()?;
        if values.iter().all(|value| value == first) {
            let model = Self::Const(Str::from(*first));
            let bits = model.model_bits();
            return Some((model, bits));
        }
        let (pattern, run_bits) = shape::fit(values)?;
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

    /// Appends a run of a constant or a pattern; `None`, with part of it written, if a value does
    /// not fit. Runs of codes come from their [`IntModel`], those of pages from
    /// [`Self::encode_records`].
    pub fn encode_run(&self, values: &[&str], out: &mut BitWriter) -> Option<()> {
        match self {
            Self::Const(all) => values.iter().all(|value| *all == **value).then_some(()),
            Self::Pattern(pattern) => pattern.encode_run(values, out),
            Self::Codes(_) | Self::Pages => None,
        }
    }

    /// Appends a run of pages: records one behind another from number `first` on.
    pub fn encode_records(first: u64, out: &mut BitWriter) -> Option<()> {
        (bit_length(first) <= RECORD_BITS).then(|| out.put(first, RECORD_BITS))
    }

    /// How many bits the run of `count` values at bit `at` takes.
    pub fn run_bits(&self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        match self {
            Self::Const(_) => Some(0),
            Self::Codes(model) => model.run_bits(bytes, at, count),
            Self::Pattern(pattern) => pattern.run_bits(bytes, at, count),
            Self::Pages => Some(if count > 0 { RECORD_BITS as usize } else { 0 }),
        }
    }

    /// The value at `index` of the run of `count` values at bit `at`.
    pub fn get(&self, bytes: &[u8], at: usize, count: usize, index: usize) -> Option<Cell<'_>> {
        if index >= count {
            return None;
        }
        Some(match self {
            Self::Const(all) => Cell::Text(StrRef::Shared(all)),
            Self::Codes(model) => {
                Cell::Code(u64::try_from(model.get(bytes, at, count, index)?).ok()?)
            }
            Self::Pattern(pattern) => {
                let made = SCRATCH.with_borrow_mut(|text| {
                    text.clear();
                    pattern.get(bytes, at, count, index, text)?;
                    Some(Str::from(text.as_str()))
                });
                Cell::Text(StrRef::Made(made?))
            }
            Self::Pages => Cell::Record(get_bits(bytes, at, RECORD_BITS)? + index as u64),
        })
    }

    /// Appends the model.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Const(all) => {
                out.push(tag::CONST);
                varint::write_prefixed(out, all.as_bytes());
            }
            Self::Codes(model) => {
                out.push(tag::CODES);
                model.write(out);
            }
            Self::Pattern(pattern) => {
                out.push(tag::PATTERN);
                pattern.write(out);
            }
            Self::Pages => out.push(tag::PAGES),
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
            tag::CODES => Self::Codes(IntModel::read(input)?),
            tag::PATTERN => Self::Pattern(Pattern::read(input)?),
            tag::PAGES => Self::Pages,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
