//! Models of integers: what the values of one column have in common, and how the rest is packed.
//!
//! A model is fitted once to all values of a column in a segment; a *run* is the values of that
//! column in one block. From the model and the run's place any one value is read alone.

use std::ops::Range;

use crate::base::effort::Effort;
use crate::base::varint;
use crate::block::bits::{BitWriter, bit_length, get_bits};
use crate::block::classes::{Classes, Run};
use crate::block::dict::IntDict;
use crate::block::fit;
use crate::block::scale::Scale;
use crate::block::unpack::unpack;

/// How the integers of a column are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntModel {
    /// All values are this one; a run takes no bits.
    Const(i64),
    /// Multiples of a step above a base, all in the same number of bits.
    Fixed {
        /// Base and step.
        scale: Scale,
        /// Bits of a value, 1 to 64.
        width: u32,
    },
    /// The same in two or four widths behind selectors; outliers can be kept as they are.
    Classes(Classes),
    /// Codes of few values that lie far apart.
    Dict(Box<IntDict>),
}

/// Numbers of the variants on disk.
mod tag {
    pub const CONST: u8 = 0;
    pub const FIXED: u8 = 1;
    pub const CLASSES: u8 = 2;
    pub const CLASSES_RAW: u8 = 3;
    pub const DICT: u8 = 4;
}

impl IntModel {
    /// A model that takes few bits for `values`, with all effort the fewest, its own size included;
    /// every one of them can be encoded. O(n), with hashing where few values seem to repeat.
    pub fn fit(values: &[i64], effort: Effort) -> Self {
        fit::fit(values, effort).0
    }

    /// The same, and the bits that `values` will take, selectors and model included.
    pub fn fit_with_bits(values: &[i64], effort: Effort) -> (Self, u64) {
        fit::fit(values, effort)
    }

    /// The bits that the model itself takes on disk.
    pub fn model_bits(&self) -> u64 {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes.len() as u64 * 8
    }

    /// Appends a run; `None`, with part of it written, if a value does not fit the model.
    pub fn encode_run(&self, values: &[i64], out: &mut BitWriter) -> Option<()> {
        match self {
            Self::Const(all) => values.iter().all(|v| v == all).then_some(()),
            Self::Fixed { scale, width } => {
                let scale = scale.inverse();
                for &value in values {
                    let n = scale.index(value).filter(|&n| bit_length(n) <= *width)?;
                    out.put(n, *width);
                }
                Some(())
            }
            Self::Classes(classes) => classes.encode_run(values, out),
            Self::Dict(dict) => dict.encode_run(values, out),
        }
    }

    /// How many bits the run of `count` values at bit `at` takes; `None` where bytes are missing.
    /// That all of the run is there is only certain once it is read.
    #[inline]
    pub fn run_bits(&self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        match self {
            Self::Const(_) => Some(0),
            Self::Fixed { width, .. } => count.checked_mul(*width as usize),
            Self::Classes(classes) => classes.run_bits(bytes, at, count),
            Self::Dict(dict) => dict.codes().run_bits(bytes, at, count),
        }
    }

    /// The value at `index` of the run of `count` values at bit `at`.
    #[inline]
    pub fn get(&self, bytes: &[u8], at: usize, count: usize, index: usize) -> Option<i64> {
        if index >= count {
            return None;
        }
        match self {
            Self::Const(all) => Some(*all),
            Self::Fixed { scale, width } => {
                let place = index.checked_mul(*width as usize)?.checked_add(at)?;
                Some(scale.value(get_bits(bytes, place, *width)?))
            }
            Self::Classes(classes) => classes.get(bytes, at, count, index),
            Self::Dict(dict) => dict.value(dict.codes().get(bytes, at, count, index)?),
        }
    }

    /// The run of `count` values at bit `at`, and where it ends; `None` where bytes are missing.
    #[inline]
    pub fn open(&self, bytes: &[u8], at: usize, count: usize) -> Option<(Run, usize)> {
        match self {
            Self::Classes(classes) => classes.open(bytes, at, count),
            Self::Dict(dict) => dict.codes().open(bytes, at, count),
            _ => Some((Run::plain(at), at.checked_add(self.run_bits(bytes, at, count)?)?)),
        }
    }

    /// The value at `index` of a run of `count` values that [`Self::open`] found; one of fixed
    /// width needs no more than its place.
    #[inline]
    pub fn get_in(&self, bytes: &[u8], run: &Run, count: usize, index: usize) -> Option<i64> {
        match self {
            Self::Classes(classes) => classes.get_in(bytes, run, count, index),
            Self::Dict(dict) => dict.value(dict.codes().get_in(bytes, run, count, index)?),
            _ => self.get(bytes, run.at, count, index),
        }
    }

    /// Puts all values of the run of `count` values at bit `at` into `out`, modulo 2^64 and in no
    /// order that means anything, and anything behind them (see [`crate::block::unpack`]);
    /// where the run ends. `None` where bytes or room are missing.
    #[inline]
    pub fn unpack(&self, bytes: &[u8], at: usize, out: &mut [u64], count: usize) -> Option<usize> {
        match self {
            Self::Const(all) => out.get_mut(..count)?.fill(*all as u64),
            Self::Fixed { scale, width } => {
                unpack(bytes, at, *width, scale, out, count)?;
            }
            Self::Classes(classes) => return classes.unpack(bytes, at, out, count),
            Self::Dict(dict) => {
                let end = dict.codes().unpack(bytes, at, out, count)?;
                for slot in out.get_mut(..count)? {
                    *slot = dict.value(*slot as i64)? as u64;
                }
                return Some(end);
            }
        }
        at.checked_add(self.run_bits(bytes, at, count)?)
    }

    /// The bits that `range` of the values of a run of `count` take, selectors included.
    pub fn bits_of(
        &self,
        bytes: &[u8],
        run: &Run,
        count: usize,
        mut range: Range<usize>,
    ) -> Option<usize> {
        match self {
            Self::Classes(classes) => range.try_fold(0, |sum, index| {
                Some(sum + classes.bits_of(bytes, run, count, index)? as usize)
            }),
            Self::Dict(dict) => dict.codes().bits_of(bytes, run, count, range),
            _ => self.run_bits(bytes, run.at, range.len()),
        }
    }

    /// Appends the model.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Const(all) => {
                out.push(tag::CONST);
                varint::write_i64(out, *all);
            }
            Self::Fixed { scale, width } => {
                out.push(tag::FIXED);
                scale.write(out);
                out.push(*width as u8);
            }
            Self::Classes(classes) => {
                out.push(if classes.has_raw() { tag::CLASSES_RAW } else { tag::CLASSES });
                classes.write(out);
            }
            Self::Dict(dict) => {
                out.push(tag::DICT);
                dict.write(out);
            }
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let (&tag, rest) = input.split_first()?;
        *input = rest;
        Some(match tag {
            tag::DICT => Self::Dict(Box::new(IntDict::read(input)?)),
            _ => Self::read_plain(tag, input)?,
        })
    }

    /// Reads a model that is no dictionary: what codes of a dictionary are stored as.
    pub(super) fn read_plain(tag: u8, input: &mut &[u8]) -> Option<Self> {
        Some(match tag {
            tag::CONST => Self::Const(varint::read_i64(input)?),
            tag::FIXED => {
                let scale = Scale::read(input)?;
                let (&width, rest) = input.split_first()?;
                *input = rest;
                let width = u32::from(width);
                (1..=64).contains(&width).then_some(Self::Fixed { scale, width })?
            }
            tag::CLASSES => Self::Classes(Classes::read(input, false)?),
            tag::CLASSES_RAW => Self::Classes(Classes::read(input, true)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
