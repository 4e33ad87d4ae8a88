//! The durations of a block, in front of all else, so that they are read without the rest.
//!
//! ```text
//! | bytes of counts and runs: varint | rows of each model: varints | bits: a run for each model, zeros to a byte | crc32 |
//! ```
//!
//! Templates whose durations are alike share a model (see [`crate::block::alike`]). The run of a
//! model holds the durations of its rows: templates by ascending code, of each the rows in order.
//! So few long runs hold what a row of every template has, their places follow from the counts
//! alone, and the counts add up to the rows of the block. The checksum covers all before it.

use crate::base::checksum::crc32;
use crate::base::limits::MAX_DURATION_MODELS;
use crate::base::varint::{read_len, read_u64, write_u64};
use crate::block::bits::BitWriter;
use crate::block::classes::Run;
use crate::block::encode::{CRC_BYTES, MAX_ROWS};
use crate::block::ints::IntModel;
use crate::block::unpack::SLACK;

/// Where the durations of a block stand.
#[derive(Debug, Default)]
pub struct Durations {
    /// By model: how many there are, and their run.
    runs: Vec<(usize, Run)>,
    /// How many there are in all: the rows of the block.
    pub rows: usize,
    /// The byte behind them and their checksum.
    pub end: usize,
}

/// Appends the durations of a block; `values` are those of each model. `None` if a value does not
/// fit its model.
pub fn encode(models: &[IntModel], values: &[Vec<i64>], out: &mut Vec<u8>) -> Option<()> {
    let begin = out.len();
    let mut part = Vec::new();
    values.iter().for_each(|own| write_u64(&mut part, own.len() as u64));
    let mut bits = BitWriter::new();
    for (model, own) in models.iter().zip(values) {
        model.encode_run(own, &mut bits)?;
    }
    part.extend_from_slice(&bits.into_bytes());
    write_u64(out, part.len() as u64);
    out.extend_from_slice(&part);
    let crc = crc32(out.get(begin..)?);
    out.extend_from_slice(&crc.to_le_bytes());
    Some(())
}

/// What a block begins with.
struct Front {
    /// How many rows each model has, and how many there are in all.
    counts: [u16; MAX_DURATION_MODELS],
    rows: usize,
    /// The bit where the runs begin, and the byte where they end.
    at: usize,
    end: usize,
}

/// The bytes of the durations in front of their checksum: the place of the first count, and of the
/// checksum.
fn place(block: &[u8]) -> Option<(usize, usize)> {
    let mut input = block;
    let len = read_len(&mut input)?;
    let begin = block.len() - input.len();
    let end = begin.checked_add(len)?;
    (end.checked_add(CRC_BYTES)? <= block.len()).then_some((begin, end))
}

impl Front {
    fn read(block: &[u8], models: usize) -> Option<Self> {
        let (begin, end) = place(block)?;
        let mut input = block.get(begin..end)?;
        let mut front = Self { counts: [0; MAX_DURATION_MODELS], rows: 0, at: 0, end };
        for count in front.counts.get_mut(..models)? {
            *count = u16::try_from(read_u64(&mut input)?).ok()?;
            front.rows += usize::from(*count);
        }
        front.at = (end - input.len()) * 8;
        (front.rows <= MAX_ROWS).then_some(front)
    }

    /// Whether the runs, which end at this bit, are all there is.
    fn ends_at(&self, bit: usize) -> bool {
        bit.div_ceil(8) == self.end
    }
}

/// How many bytes of a block the durations take, their checksum included, if that is right.
pub fn sound_bytes(block: &[u8]) -> Option<usize> {
    let (_, end) = place(block)?;
    let (part, rest) = block.split_at_checked(end)?;
    let stored = rest.first_chunk::<CRC_BYTES>()?;
    (crc32(part) == u32::from_le_bytes(*stored)).then_some(end + CRC_BYTES)
}

/// Puts all durations of a block whose checksum of them was verified into `out`, in no order that
/// means anything, modulo 2^64; `None` if they contradict themselves or their models.
pub fn unpack(block: &[u8], models: &[IntModel], out: &mut Vec<u64>) -> Option<()> {
    let front = Front::read(block, models.len())?;
    out.resize(front.rows + SLACK, 0);
    let (mut at, mut rest) = (front.at, out.as_mut_slice());
    for (model, &count) in models.iter().zip(&front.counts) {
        let count = usize::from(count);
        at = model.unpack(block, at, rest, count)?;
        rest = rest.get_mut(count..)?;
    }
    out.truncate(front.rows);
    front.ends_at(at).then_some(())
}

impl Durations {
    /// Finds the durations of a block whose checksum was verified; `None` if they contradict
    /// themselves or their models.
    pub fn open(block: &[u8], models: &[IntModel]) -> Option<Self> {
        let front = Front::read(block, models.len())?;
        let mut runs = Vec::with_capacity(models.len());
        let mut at = front.at;
        for (model, &count) in models.iter().zip(&front.counts) {
            let count = usize::from(count);
            let (run, end) = model.open(block, at, count)?;
            runs.push((count, run));
            at = end;
        }
        let end = front.end + CRC_BYTES;
        front.ends_at(at).then_some(Self { runs, rows: front.rows, end })
    }

    /// The run of a model, and how many values it has.
    #[inline]
    pub fn run(&self, model: u32) -> Option<&(usize, Run)> {
        self.runs.get(model as usize)
    }

    /// The memory it takes, about.
    pub fn memory_bytes(&self) -> usize {
        self.runs.len() * size_of::<(usize, Run)>()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::base::effort::Effort;
    use proptest::prelude::*;

    /// Values of one model: small, of two widths, few that lie apart, or anything.
    fn values() -> impl Strategy<Value = Vec<i64>> {
        prop_oneof![
            Just(vec![7; 3]),
            Just(Vec::new()),
            prop::collection::vec(0i64..1000, 0..200),
            prop::collection::vec(prop_oneof![9 => 0i64..100, 1 => any::<i64>()], 0..200),
            prop::collection::vec((0i64..90).prop_map(|v| v * 1000), 0..400),
            prop::collection::vec(prop_oneof![Just(i64::MIN), Just(1), Just(1 << 40)], 0..90),
            prop::collection::vec(any::<i64>(), 0..90),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn durations_are_unpacked_as_they_are_read_one_by_one(
            values in prop::collection::vec(values(), 1..6), behind in 0usize..20,
        ) {
            let models: Vec<IntModel> = values.iter().map(|own| IntModel::fit(own, Effort::Thorough)).collect();
            let mut block = Vec::new();
            encode(&models, &values, &mut block).unwrap();
            prop_assert_eq!(sound_bytes(&block), Some(block.len()));
            let len = block.len();
            block.resize(len + behind, 0xff);
            prop_assert_eq!(sound_bytes(&block), Some(len));
            let opened = Durations::open(&block, &models).unwrap();
            prop_assert_eq!(opened.end, len);
            prop_assert_eq!(opened.rows, values.iter().map(Vec::len).sum::<usize>());
            for ((number, model), own) in (0..).zip(&models).zip(&values) {
                let (count, run) = opened.run(number).unwrap();
                let read = (0..*count).map(|index| model.get_in(&block, run, *count, index));
                prop_assert_eq!(&read.collect::<Option<Vec<i64>>>().unwrap(), own);
            }
            let mut unpacked = vec![1; 3];
            unpack(&block, &models, &mut unpacked).unwrap();
            let mut expected: Vec<u64> = values.concat().into_iter().map(|v| v as u64).collect();
            unpacked.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(unpacked, expected);
        }

        #[test]
        fn p6_a_flipped_bit_of_the_durations_is_seen(own in values(), at: usize) {
            let models = [IntModel::fit(&own, Effort::Thorough)];
            let mut block = Vec::new();
            encode(&models, &[own], &mut block).unwrap();
            let bit = at % (block.len() * 8);
            *block.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
            prop_assert_eq!(sound_bytes(&block), None);
        }

        #[test]
        fn any_bytes_are_durations_or_refused(
            own in values(), block in prop::collection::vec(any::<u8>(), 0..300), len in 0u8..128,
        ) {
            let models = [IntModel::fit(&own, Effort::Thorough), IntModel::fit(&[0, 1, 900], Effort::Thorough)];
            for block in [block.clone(), [vec![len], block].concat()] {
                sound_bytes(&block);
                let mut unpacked = Vec::new();
                let opened = Durations::open(&block, &models);
                if unpack(&block, &models, &mut unpacked).is_some() {
                    prop_assert_eq!(opened.unwrap().rows, unpacked.len());
                }
            }
        }
    }
}
