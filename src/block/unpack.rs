//! Runs of values of one width, unpacked as fast as a scan needs it.
//!
//! Eight values of `W` bits take `W` bytes, wherever the first of them begins within its byte. So
//! with the width known to the compiler, eight values are loads from fixed places, shifts by fixed
//! numbers of bits but for one, and no decision: as Lemire and Boytsov do it in *Decoding billions
//! of integers per second through vectorization*, without their transposed layout, which would
//! keep single values from being read alone.

use crate::block::bits::{get_bits, mask};
use crate::block::scale::Scale;

/// Values that are unpacked at a time.
const GROUP: usize = 8;

/// Values that [`unpack`] may write beyond those it was asked for.
pub const SLACK: usize = GROUP - 1;

/// Puts the `count` values of `width` bits that follow each other from bit `bit` on into `out`, as
/// `scale` maps them, and anything behind them, where there is room; `None` where bytes or room are
/// missing.
#[inline]
pub fn unpack(
    bytes: &[u8],
    bit: usize,
    width: u32,
    scale: &Scale,
    out: &mut [u64],
    count: usize,
) -> Option<()> {
    if count > out.len() {
        return None;
    }
    let tail = bytes.get(bit / 8..).unwrap_or_default();
    let room = out.get_mut(..out.len().min(count.next_multiple_of(GROUP)))?;
    let done = groups(tail, (bit % 8) as u32, width, scale, room);
    for (index, slot) in out.get_mut(..count)?.iter_mut().enumerate().skip(done) {
        let place = index.checked_mul(width as usize)?.checked_add(bit)?;
        *slot = scale.value(get_bits(bytes, place, width)?) as u64;
    }
    Some(())
}

/// Fills groups of eight as long as there are bytes and room for a whole one; how many values
/// these are. `shift` bits of the first byte are left out.
#[inline]
fn groups(tail: &[u8], shift: u32, width: u32, scale: &Scale, out: &mut [u64]) -> usize {
    macro_rules! of_width {
        ($($width:literal)*) => {
            match width {
                $($width => groups_of::<$width>(tail, shift, scale, out),)*
                _ => 0,
            }
        };
    }
    // Wider values are read one by one: a load of eight bytes may not hold the whole of one.
    of_width!(
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25
        26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50
    )
}

fn groups_of<const W: usize>(tail: &[u8], shift: u32, scale: &Scale, out: &mut [u64]) -> usize {
    let mut done = 0;
    for (slots, begin) in out.chunks_exact_mut(GROUP).zip((0..).step_by(W)) {
        let Some(bytes) = tail.get(begin..begin + W + size_of::<u64>()) else { break };
        if fill::<W>(bytes, shift, scale, slots).is_none() {
            break;
        }
        done += GROUP;
    }
    done
}

/// Fills eight slots. All places and all shifts but one are known when this is compiled.
#[inline(always)]
fn fill<const W: usize>(bytes: &[u8], shift: u32, scale: &Scale, slots: &mut [u64]) -> Option<()> {
    // So many values lie in eight bytes, whatever the bits before the first in its byte.
    let together = match W {
        0..=7 => 8,
        8..=13 => 4,
        14..=25 => 2,
        _ => 1,
    };
    for (slots, first) in slots.chunks_exact_mut(together).zip((0..).step_by(together)) {
        let word = u64::from_le_bytes(*bytes.get(first * W / 8..)?.first_chunk()?);
        let word = word >> shift >> (first * W % 8);
        for (slot, index) in slots.iter_mut().zip(0..) {
            *slot = scale.value(word >> (index * W) & mask(W as u32)) as u64;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn many_values_are_unpacked_as_one_by_one(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            bit in 0usize..80, width in 0u32..=66, count in 0usize..60, slack in 0usize..9,
            base: i64, step in 0u64..2000,
        ) {
            let scale = Scale::new(base, step);
            let mut out = vec![9; count + slack];
            let unpacked = unpack(&bytes, bit, width, &scale, &mut out, count);
            out.truncate(count);
            let value = |n: u64| scale.value(n) as u64;
            let one_by_one: Option<Vec<u64>> =
                (0..count).map(|i| get_bits(&bytes, bit + i * width as usize, width)).collect();
            let one_by_one = one_by_one.map(|values| values.into_iter().map(value).collect());
            prop_assert_eq!(unpacked.map(|()| out), one_by_one);
        }
    }

    #[test]
    fn more_than_there_is_room_for_is_refused() {
        let scale = Scale::new(0, 1);
        assert_eq!(unpack(&[1; 99], 0, 3, &scale, &mut [0; 8], 9), None);
        assert_eq!(unpack(&[1; 99], usize::MAX, 3, &scale, &mut [0; 8], 8), None);
    }
}
