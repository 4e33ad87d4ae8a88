//! Text that is made of literals and variables: ids, numbers, and both inside longer texts.
//!
//! ```text
//! run:  | values of the first variable | values of the second | ...
//! ```

use std::collections::BTreeSet;

use crate::base::text::Str;
use crate::base::varint;
use crate::block::bits::{BitWriter, get_bits};
use crate::block::digits;
use crate::block::ints::IntModel;
use crate::block::vocabulary::WordCodes;
use crate::block::words::Words;

/// More parts than this are no pattern worth having.
pub const MAX_PARTS: usize = 32;

/// A piece of every value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The same text in all values.
    Literal(Str),
    /// A UUID in lower case: 128 bits, or 122 where all are of one version (and of variant 1).
    Uuid {
        /// The version of all, if they have one in common.
        version: Option<u8>,
    },
    /// Hex digits of one case and number, as the bytes that they stand for.
    Hex {
        /// How many bytes, half the digits.
        bytes: u8,
        /// Whether the digits above 9 are in upper case.
        upper: bool,
    },
    /// A number written as it prints, without leading zeros.
    Decimal(IntModel),
    /// A number written in a fixed number of digits.
    Padded {
        /// How many digits, at most 18.
        digits: u8,
        /// The numbers.
        model: IntModel,
    },
    /// A word of the segment: letters and digits, or, if `whole`, all that is left.
    Word {
        /// Whether it is all that is left, whatever that is.
        whole: bool,
        /// The codes.
        codes: IntModel,
    },
}

/// What of a value differs from row to row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable<'a> {
    /// A UUID.
    Uuid(u128),
    /// Hex digits, not looked at yet.
    Hex(&'a [u8]),
    /// A number.
    Int(i64),
    /// A word.
    Word(&'a str),
}

/// How all values of a column are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

impl Part {
    /// What it is, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Literal(_) => "literal",
            Self::Uuid { version: None } => "uuid",
            Self::Uuid { version: Some(_) } => "uuid of one version",
            Self::Hex { upper: false, .. } => "hex",
            Self::Hex { upper: true, .. } => "upper hex",
            Self::Decimal(_) => "decimal",
            Self::Padded { .. } => "padded",
            Self::Word { whole: false, .. } => "word",
            Self::Word { whole: true, .. } => "whole word",
        }
    }

    /// Takes this part off the front of `text`; `None` if the part would not print the same.
    pub fn take<'a>(&self, text: &mut &'a [u8]) -> Option<Option<Variable<'a>>> {
        match self {
            Self::Literal(literal) => {
                *text = text.strip_prefix(literal.as_bytes())?;
                Some(None)
            }
            Self::Uuid { version } => {
                let uuid = digits::parse_uuid(varint::read_bytes(text, digits::UUID_LEN)?)?;
                let fits = version.is_none() || digits::version(uuid) == *version;
                fits.then_some(Some(Variable::Uuid(uuid)))
            }
            Self::Hex { bytes, upper } => {
                let hex = varint::read_bytes(text, usize::from(*bytes) * 2)?;
                digits::is_hex(hex, *upper).then_some(Some(Variable::Hex(hex)))
            }
            Self::Decimal(_) => Some(Some(Variable::Int(digits::take_decimal(text)?))),
            Self::Padded { digits, .. } => {
                let padded = varint::read_bytes(text, usize::from(*digits))?;
                Some(Some(Variable::Int(digits::parse_padded(padded)?)))
            }
            Self::Word { whole, .. } => {
                let len = match whole {
                    true => text.len(),
                    false => text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count(),
                };
                let word = std::str::from_utf8(varint::read_bytes(text, len)?).ok()?;
                Some(Some(Variable::Word(word)))
            }
        }
    }

    /// Takes this part off the front of all texts and appends the run of its variables; `numbers` is
    /// memory that is used again.
    fn encode_run(
        &self,
        rests: &mut [&[u8]],
        numbers: &mut Vec<i64>,
        codes: &WordCodes<'_>,
        out: &mut BitWriter,
    ) -> Option<()> {
        if let Self::Decimal(model) | Self::Padded { model, .. } | Self::Word { codes: model, .. } =
            self
        {
            numbers.clear();
            for rest in rests {
                numbers.push(match self.take(rest)?? {
                    Variable::Int(number) => number,
                    Variable::Word(word) => codes.code(word)?,
                    Variable::Uuid(_) | Variable::Hex(_) => return None,
                });
            }
            return model.encode_run(numbers, out);
        }
        for rest in rests {
            match (self.take(rest)?, self) {
                (Some(Variable::Uuid(uuid)), Self::Uuid { version }) => {
                    let bits = version.map_or(uuid, |_| digits::pack_versioned(uuid));
                    out.put(bits as u64, 64);
                    out.put((bits >> 64) as u64, uuid_bits(*version) as u32 - 64);
                }
                (Some(Variable::Hex(hex)), _) => {
                    for byte in digits::hex_bytes(hex) {
                        out.put(u64::from(byte?), 8);
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// How many bits a run of `count` takes.
    pub fn run_bits(&self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        match self {
            Self::Literal(_) => Some(0),
            Self::Uuid { version } => count.checked_mul(uuid_bits(*version)),
            Self::Hex { bytes, .. } => count.checked_mul(usize::from(*bytes) * 8),
            Self::Decimal(model) | Self::Padded { model, .. } | Self::Word { codes: model, .. } => {
                model.run_bits(bytes, at, count)
            }
        }
    }

    /// Appends the text of one row.
    fn print(
        &self,
        bytes: &[u8],
        at: usize,
        count: usize,
        index: usize,
        words: &Words,
        text: &mut String,
    ) -> Option<()> {
        match self {
            Self::Literal(literal) => text.push_str(literal),
            Self::Uuid { version } => {
                let width = uuid_bits(*version);
                let place = index.checked_mul(width)?.checked_add(at)?;
                let low = get_bits(bytes, place, 64)?;
                let high = get_bits(bytes, place.checked_add(64)?, width as u32 - 64)?;
                let bits = u128::from(high) << 64 | u128::from(low);
                let uuid = version.map_or(bits, |version| digits::unpack_versioned(bits, version));
                digits::print_uuid(uuid, text);
            }
            Self::Hex { bytes: len, upper } => {
                let width = usize::from(*len) * 8;
                let place = index.checked_mul(width)?.checked_add(at)?;
                place.checked_add(width)?;
                let mut hex = [0; u8::MAX as usize];
                for (byte, bit) in hex.iter_mut().zip((0..width).step_by(8)) {
                    *byte = get_bits(bytes, place + bit, 8)? as u8;
                }
                digits::print_hex(hex.get(..usize::from(*len))?, *upper, text);
            }
            Self::Decimal(model) => digits::print_int(model.get(bytes, at, count, index)?, 0, text),
            Self::Padded { digits, model } => {
                digits::print_int(model.get(bytes, at, count, index)?, usize::from(*digits), text);
            }
            Self::Word { codes, .. } => {
                text.push_str(words.get(codes.get(bytes, at, count, index)?)?)
            }
        }
        Some(())
    }
}

impl Pattern {
    /// Its parts, for people: each kind once.
    pub fn name(&self) -> String {
        let names: BTreeSet<&str> = self.parts.iter().map(Part::name).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// A pattern of these parts; `None` if they are too many or out of bounds.
    pub fn new(parts: Vec<Part>) -> Option<Self> {
        let sound = parts.iter().all(|part| match part {
            Part::Hex { bytes, .. } => *bytes > 0,
            Part::Padded { digits, .. } => (1..=digits::MAX_PADDED).contains(&usize::from(*digits)),
            _ => true,
        });
        (sound && parts.len() <= MAX_PARTS).then_some(Self { parts })
    }

    /// The codes, where all there is is a word.
    pub fn single_word(&self) -> Option<&IntModel> {
        match self.parts.as_slice() {
            [Part::Word { codes, .. }] => Some(codes),
            _ => None,
        }
    }

    /// Whether all there is is a UUID, or hex digits.
    pub fn is_id(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Uuid { .. } | Part::Hex { .. }])
    }

    /// The parts in order.
    #[cfg(test)]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Appends a run of texts, which are taken apart; `None`, with part of it written, if one does
    /// not follow the pattern.
    pub fn encode_run(
        &self,
        texts: &mut [&[u8]],
        codes: &WordCodes<'_>,
        out: &mut BitWriter,
    ) -> Option<()> {
        let mut numbers = Vec::new();
        for part in &self.parts {
            part.encode_run(texts, &mut numbers, codes, out)?;
        }
        texts.iter().all(|rest| rest.is_empty()).then_some(())
    }

    /// How many bits the run of `count` values at bit `at` takes.
    pub fn run_bits(&self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        let mut end = at;
        for part in &self.parts {
            end = end.checked_add(part.run_bits(bytes, end, count)?)?;
        }
        Some(end - at)
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
        let mut place = at;
        for (i, part) in self.parts.iter().enumerate() {
            part.print(bytes, place, count, index, words, text)?;
            if i + 1 < self.parts.len() {
                place = place.checked_add(part.run_bits(bytes, place, count)?)?;
            }
        }
        Some(())
    }

    /// Appends the pattern.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.parts.len() as u8);
        for part in &self.parts {
            match part {
                Part::Literal(literal) => {
                    out.push(tag::LITERAL);
                    varint::write_prefixed(out, literal.as_bytes());
                }
                Part::Uuid { version: None } => out.push(tag::UUID),
                Part::Uuid { version: Some(version) } => {
                    out.extend([tag::UUID_VERSION, *version]);
                }
                Part::Hex { bytes, upper } => {
                    out.push(if *upper { tag::HEX_UPPER } else { tag::HEX });
                    out.push(*bytes);
                }
                Part::Decimal(model) => {
                    out.push(tag::DECIMAL);
                    model.write(out);
                }
                Part::Padded { digits, model } => {
                    out.push(tag::PADDED);
                    out.push(*digits);
                    model.write(out);
                }
                Part::Word { whole, codes } => {
                    out.push(if *whole { tag::WHOLE } else { tag::WORD });
                    codes.write(out);
                }
            }
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let count = read_u8(input)?;
        if usize::from(count) > MAX_PARTS {
            return None;
        }
        let mut parts = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            parts.push(match read_u8(input)? {
                tag::LITERAL => {
                    Part::Literal(std::str::from_utf8(varint::read_prefixed(input)?).ok()?.into())
                }
                tag::UUID => Part::Uuid { version: None },
                tag::UUID_VERSION => {
                    let version = read_u8(input).filter(|&version| version < 16)?;
                    Part::Uuid { version: Some(version) }
                }
                tag::WORD => Part::Word { whole: false, codes: IntModel::read(input)? },
                tag::WHOLE => Part::Word { whole: true, codes: IntModel::read(input)? },
                tag::HEX => Part::Hex { bytes: read_u8(input)?, upper: false },
                tag::HEX_UPPER => Part::Hex { bytes: read_u8(input)?, upper: true },
                tag::DECIMAL => Part::Decimal(IntModel::read(input)?),
                tag::PADDED => {
                    Part::Padded { digits: read_u8(input)?, model: IntModel::read(input)? }
                }
                _ => return None,
            });
        }
        Self::new(parts)
    }
}

/// Numbers of the parts on disk.
mod tag {
    pub const LITERAL: u8 = 0;
    pub const UUID: u8 = 1;
    pub const HEX: u8 = 2;
    pub const HEX_UPPER: u8 = 3;
    pub const DECIMAL: u8 = 4;
    pub const PADDED: u8 = 5;
    pub const UUID_VERSION: u8 = 6;
    pub const WORD: u8 = 7;
    pub const WHOLE: u8 = 8;
}

/// Bits of a UUID.
const fn uuid_bits(version: Option<u8>) -> usize {
    if version.is_some() { 122 } else { 128 }
}

fn read_u8(input: &mut &[u8]) -> Option<u8> {
    let (&byte, rest) = input.split_first()?;
    *input = rest;
    Some(byte)
}
