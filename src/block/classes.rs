//! A run of integers in up to four widths, told apart by short selectors.
//!
//! ```text
//! | selector bit 0 of every value | selector bit 1 of every value | class 0 | class 1 | class 2 | class 3 |
//!                                   (only with more than 2 classes)
//! ```
//!
//! A class holds its values packed, in their order. So a value's place is the number of values of
//! its class before it: a few popcounts over the selectors.

use crate::base::varint;
use crate::block::bits::{BitWriter, bit_length, get_bits, mask};
use crate::block::scale::{Inverse, Scale};
use crate::block::unpack::unpack;

/// How the values of a run are sized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    scale: Scale,
    /// Bits of a value by class, ascending; with one plane, only the first two classes are in use.
    widths: [u8; 4],
    /// Bits of a selector: 1 or 2.
    planes: u8,
    /// Whether the last class holds values as they are, in 64 bits: those off the scale, and
    /// those too large for the other classes.
    raw: bool,
}

/// The values of a short run.
const FEW: usize = 16;

/// A value of a run while that is encoded.
#[derive(Clone, Copy, Debug, Default)]
struct Coded {
    class: usize,
    bits: u64,
    /// The bits of the value that has this place once they are sorted by class.
    sorted: u64,
}

/// How many values of a run are of each class.
type Counts = [usize; 4];

/// Where a run lies, and where in it the values of each class begin: what a block that is open
/// keeps of it, so that reading a value counts selectors before it only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The bit where it begins.
    pub at: usize,
    /// The bits from there to the values of each class.
    starts: [u32; 4],
}

impl Run {
    /// A run without classes.
    pub const fn plain(at: usize) -> Self {
        Self { at, starts: [0; 4] }
    }
}

/// One 64-bit piece of both selector planes.
#[derive(Clone, Copy, Debug)]
struct Selectors {
    low: u64,
    high: u64,
}

impl Selectors {
    /// The class that a selector names.
    #[inline]
    fn at(self, bit: usize) -> usize {
        (self.low >> bit & 1 | (self.high >> bit & 1) << 1) as usize
    }

    /// How many of the selectors in `mask` name a class.
    #[inline]
    fn count(self, class: usize, mask: u64) -> usize {
        let like = |plane: u64, bit: usize| match class >> bit & 1 {
            0 => !plane,
            _ => plane,
        };
        (like(self.low, 0) & like(self.high, 1) & mask).count_ones() as usize
    }
}

/// Counts bits of selectors. Without a popcount instruction, which x86-64 does not promise, each
/// costs some ten others: hence as few as will do.
#[derive(Clone, Copy, Default)]
struct Tally {
    low: usize,
    high: usize,
    both: usize,
}

impl Tally {
    #[inline]
    fn add(&mut self, s: Selectors, planes: u8) {
        self.low += s.low.count_ones() as usize;
        if planes == 2 {
            self.high += s.high.count_ones() as usize;
            self.both += (s.low & s.high).count_ones() as usize;
        }
    }

    /// The counts by class, given how many selectors there were.
    #[inline]
    fn counts(self, all: usize) -> Counts {
        let Self { low, high, both } = self;
        [all + both - low - high, low - both, high - both, both]
    }
}

/// How many bits are set in each of three words of at most 16 bits: side by side in one word they
/// cost no more than one.
#[inline]
fn count_three(a: u64, b: u64, c: u64) -> [usize; 3] {
    let bits = a | b << 16 | c << 32;
    let pairs = bits - (bits >> 1 & 0x5555_5555_5555_5555);
    let fours = (pairs & 0x3333_3333_3333_3333) + (pairs >> 2 & 0x3333_3333_3333_3333);
    let bytes = (fours + (fours >> 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    let sums = bytes + (bytes >> 8);
    [0, 16, 32].map(|at| (sums >> at & 0x1f) as usize)
}

impl Classes {
    /// Classes of ascending `widths`: two or four of them, of which the last is 64 if `raw`.
    pub fn new(scale: Scale, widths: &[u32], raw: bool) -> Option<Self> {
        let ascending = widths.windows(2).all(|pair| pair.first() < pair.last());
        let last = *widths.last()?;
        if !ascending || last > 64 || (raw && last != 64) {
            return None;
        }
        let (widths, planes) = match *widths {
            [a, b] => ([a, b, b, b], 1),
            [a, b, c, d] => ([a, b, c, d], 2),
            _ => return None,
        };
        // None is above 64.
        Some(Self { scale, widths: widths.map(|width| width as u8), planes, raw })
    }

    /// Bits of a value, by class.
    pub fn widths(&self) -> &[u8] {
        self.widths.get(..self.last() + 1).unwrap_or_default()
    }

    /// Whether the last class holds values as they are.
    pub fn has_raw(&self) -> bool {
        self.raw
    }

    #[inline]
    fn last(&self) -> usize {
        if self.planes == 1 { 1 } else { 3 }
    }

    #[inline]
    fn width(&self, class: usize) -> u32 {
        self.widths.get(class).copied().unwrap_or(64).into()
    }

    /// The class of `value` and the bits to store for it; `None` if it fits nowhere.
    #[inline]
    fn classify(&self, steps: &Inverse, value: i64) -> Option<(usize, u64)> {
        let last = self.last();
        let coded = steps.index(value);
        let class = coded.map_or(last, |n| {
            let length = bit_length(n);
            let [a, b, c, _] = self.widths.map(u32::from);
            (usize::from(length > a) + usize::from(length > b) + usize::from(length > c)).min(last)
        });
        if class == last && self.raw {
            return Some((last, value as u64));
        }
        coded.filter(|&n| bit_length(n) <= self.width(class)).map(|n| (class, n))
    }

    /// Appends a run; `None`, with part of the run written, if a value fits nowhere.
    pub fn encode_run(&self, values: &[i64], out: &mut BitWriter) -> Option<()> {
        // Most runs are a few values, for which memory of their own would cost more than they do.
        let mut few = [Coded::default(); FEW];
        let mut many = Vec::new();
        let coded = match few.get_mut(..values.len()) {
            Some(few) => few,
            None => {
                many.resize(values.len(), Coded::default());
                many.as_mut_slice()
            }
        };
        let (steps, mut counts) = (self.scale.inverse(), [0usize; 4]);
        for (coded, &value) in coded.iter_mut().zip(values) {
            (coded.class, coded.bits) = self.classify(&steps, value)?;
            *counts.get_mut(coded.class)? += 1;
        }
        for plane in 0..self.planes {
            for chunk in coded.chunks(64) {
                let selectors = chunk
                    .iter()
                    .rev()
                    .fold(0u64, |bits, coded| bits << 1 | (coded.class >> plane & 1) as u64);
                out.put(selectors, chunk.len() as u32);
            }
        }
        // Sorted by class, each is told to its place without a decision that could be guessed wrong.
        let mut next = [0, counts[0], counts[0] + counts[1], counts[0] + counts[1] + counts[2]];
        for at in 0..coded.len() {
            let Coded { class, bits, .. } = *coded.get(at)?;
            let next = next.get_mut(class)?;
            coded.get_mut(*next)?.sorted = bits;
            *next += 1;
        }
        let mut rest = &*coded;
        for (class, count) in counts.into_iter().enumerate() {
            let (own, behind) = rest.split_at_checked(count)?;
            let width = self.width(class);
            own.iter().for_each(|coded| out.put(coded.sorted, width));
            rest = behind;
        }
        Some(())
    }

    /// Appends scale and widths.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.scale.write(out);
        out.push(self.last() as u8 + 1);
        out.extend_from_slice(self.widths());
    }

    /// Reads what [`Self::write`] wrote; whether the last class is raw stands elsewhere.
    pub fn read(input: &mut &[u8], raw: bool) -> Option<Self> {
        let scale = Scale::read(input)?;
        let (&classes, rest) = input.split_first()?;
        *input = rest;
        let widths = varint::read_bytes(input, usize::from(classes))?;
        let widths: Vec<u32> = widths.iter().map(|&width| u32::from(width)).collect();
        Self::new(scale, &widths, raw)
    }

    /// Up to 64 selectors of a run of `count` values, from value `from` on; those beyond the end
    /// are zero.
    #[inline(always)]
    fn selectors(&self, bytes: &[u8], at: usize, count: usize, from: usize) -> Option<Selectors> {
        if self.planes == 2 && count <= 32 {
            // Both planes at once: most runs of a block are as short as this.
            let both = get_bits(bytes, at, 2 * count as u32)?;
            return Some(Selectors { low: both & mask(count as u32), high: both >> count });
        }
        let width = (count - from).min(64) as u32;
        let low = get_bits(bytes, at.checked_add(from)?, width)?;
        let high = match self.planes {
            1 => 0,
            _ => get_bits(bytes, at.checked_add(count)?.checked_add(from)?, width)?,
        };
        Some(Selectors { low, high })
    }

    /// How many values of each class a run has.
    #[inline]
    fn totals(&self, bytes: &[u8], at: usize, count: usize) -> Option<Counts> {
        if self.planes == 2 && count <= 16 {
            let s = self.selectors(bytes, at, count, 0)?;
            let [low, high, both] = count_three(s.low, s.high, s.low & s.high);
            return Some(Tally { low, high, both }.counts(count));
        }
        let mut total = Tally::default();
        // Not a range by steps: to divide by the step would take as long as to count.
        let mut from = 0;
        while from < count {
            total.add(self.selectors(bytes, at, count, from)?, self.planes);
            from += 64;
        }
        Some(total.counts(count))
    }

    /// Where the values of each class begin, given how many there are, and where the run ends.
    #[inline]
    fn layout(&self, at: usize, count: usize, total: &Counts) -> Option<([usize; 4], usize)> {
        // So that nothing below can overflow.
        at.checked_add(count.checked_mul(64 + 2)?)?;
        let mut next = at + count * self.planes as usize;
        let mut starts = [0; 4];
        for ((start, of_class), width) in starts.iter_mut().zip(total).zip(self.widths) {
            *start = next;
            next += of_class * usize::from(width);
        }
        Some((starts, next))
    }

    /// How many bits the run of `count` values at bit `at` takes.
    pub fn run_bits(&self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        self.open(bytes, at, count).map(|(_, end)| end - at)
    }

    /// The run of `count` values at bit `at`, and where it ends.
    #[inline]
    pub fn open(&self, bytes: &[u8], at: usize, count: usize) -> Option<(Run, usize)> {
        let total = self.totals(bytes, at, count)?;
        let (places, end) = self.layout(at, count, &total)?;
        let mut starts = [0; 4];
        for (start, place) in starts.iter_mut().zip(places) {
            *start = u32::try_from(place - at).ok()?;
        }
        Some((Run { at, starts }, end))
    }

    /// Puts the values of the run of `count` values at bit `at` into `out`, class by class, and
    /// anything behind them; where the run ends.
    #[inline]
    pub fn unpack(&self, bytes: &[u8], at: usize, out: &mut [u64], count: usize) -> Option<usize> {
        let total = self.totals(bytes, at, count)?;
        let (places, end) = self.layout(at, count, &total)?;
        let last = self.last();
        let mut rest = out;
        for class in 0..=last {
            let (&own, &place) = (total.get(class)?, places.get(class)?);
            let width = self.width(class);
            let scale = if self.raw && class == last { &Scale::IDENTITY } else { &self.scale };
            unpack(bytes, place, width, scale, rest, own)?;
            rest = rest.get_mut(own..)?;
        }
        Some(end)
    }

    /// The bits of the value at `index` of such a run, its selector included.
    pub fn bits_of(&self, bytes: &[u8], run: &Run, count: usize, index: usize) -> Option<u32> {
        let word = index & !63;
        let class = self.selectors(bytes, run.at, count, word)?.at(index - word);
        Some(u32::from(self.planes) + self.width(class))
    }

    /// The value at `index` of a run of `count` values that [`Self::open`] found.
    #[inline]
    pub fn get_in(&self, bytes: &[u8], run: &Run, count: usize, index: usize) -> Option<i64> {
        if index >= count {
            return None;
        }
        let word = index & !63;
        let own = self.selectors(bytes, run.at, count, word)?;
        let class = own.at(index - word);
        let mut before = own.count(class, mask((index - word) as u32));
        let mut from = 0;
        while from < word {
            before += self.selectors(bytes, run.at, count, from)?.count(class, u64::MAX);
            from += 64;
        }
        let width = self.width(class);
        let place = run.at + *run.starts.get(class)? as usize + before * width as usize;
        Some(self.value(class, get_bits(bytes, place, width)?))
    }

    /// The value at `index` of the run of `count` values at bit `at`.
    #[inline]
    pub fn get(&self, bytes: &[u8], at: usize, count: usize, index: usize) -> Option<i64> {
        let (run, _) = self.open(bytes, at, count)?;
        self.get_in(bytes, &run, count, index)
    }

    #[inline]
    fn value(&self, class: usize, bits: u64) -> i64 {
        if self.raw && class == self.last() { bits as i64 } else { self.scale.value(bits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn three_counts_at_once_are_three_counts(a: u16, b: u16, c: u16) {
            let ones = |word: u16| word.count_ones() as usize;
            prop_assert_eq!(count_three(a.into(), b.into(), c.into()), [ones(a), ones(b), ones(c)]);
        }
    }
}
