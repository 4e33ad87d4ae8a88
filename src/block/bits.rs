//! Bits in little-endian order: bit `i` is bit `i % 8` of byte `i / 8`, values lowest bit first.

/// Appends values of 0 to 64 bits each, without gaps.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    /// Bits not yet in `bytes`; those from `filled` on are zero.
    pending: u64,
    /// How many bits are pending, 0 to 63.
    filled: u32,
}

impl BitWriter {
    /// A writer that has written nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the lowest `width` bits of `value`; a width above 64 counts as 64.
    #[inline]
    pub fn put(&mut self, value: u64, width: u32) {
        let width = width.min(64);
        let value = value & mask(width);
        self.pending |= value << self.filled;
        let filled = self.filled + width;
        if filled < 64 {
            self.filled = filled;
            return;
        }
        self.bytes.extend_from_slice(&self.pending.to_le_bytes());
        // A shift by 64 happens when nothing was pending: nothing is left over then.
        self.pending = value.checked_shr(64 - self.filled).unwrap_or(0);
        self.filled = filled - 64;
    }

    /// Fills up with zero bits to the next whole byte.
    pub fn align(&mut self) {
        let gap = self.filled.wrapping_neg() % 8;
        self.put(0, gap);
    }

    /// How many bits have been written.
    #[cfg(test)]
    pub fn len_bits(&self) -> usize {
        self.bytes.len() * 8 + self.filled as usize
    }

    /// All bits, the last byte filled up with zeros.
    pub fn into_bytes(mut self) -> Vec<u8> {
        let whole = self.filled.div_ceil(8) as usize;
        self.bytes.extend(self.pending.to_le_bytes().into_iter().take(whole));
        self.bytes
    }
}

/// The lowest `width` bits set; all of them from 64 on.
#[inline]
pub const fn mask(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// How many bits `value` needs: 0 for 0, 64 for the largest.
#[inline]
pub const fn bit_length(value: u64) -> u32 {
    64 - value.leading_zeros()
}

/// The `width` bits (0 to 64) that start at bit `bit`; `None` where bytes are missing.
///
/// One unaligned load of eight bytes, and a ninth byte for wide values across its end.
#[inline]
pub fn get_bits(bytes: &[u8], bit: usize, width: u32) -> Option<u64> {
    if width > 64 {
        return None;
    }
    let shift = (bit % 8) as u32;
    let tail = bytes.get(bit / 8..)?;
    let Some((low, rest)) = tail.split_first_chunk::<8>() else {
        return get_bits_near_end(tail, shift, width);
    };
    let mut value = u64::from_le_bytes(*low) >> shift;
    if shift + width > 64 {
        value |= u64::from(*rest.first()?) << (64 - shift);
    }
    Some(value & mask(width))
}

/// What [`get_bits`] reads where fewer than eight bytes are left.
#[cold]
fn get_bits_near_end(tail: &[u8], shift: u32, width: u32) -> Option<u64> {
    if (shift + width) as usize > tail.len() * 8 {
        return None;
    }
    let value = tail.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
    Some(value >> shift & mask(width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn values_come_back_at_their_place(
            values in prop::collection::vec((any::<u64>(), 0u32..=64), 0..80),
        ) {
            let mut writer = BitWriter::new();
            let mut places = Vec::new();
            for &(value, width) in &values {
                places.push(writer.len_bits());
                writer.put(value, width);
            }
            let len = writer.len_bits();
            let bytes = writer.into_bytes();
            prop_assert_eq!(bytes.len(), len.div_ceil(8));
            for (&place, &(value, width)) in places.iter().zip(&values) {
                prop_assert_eq!(get_bits(&bytes, place, width), Some(value & mask(width)));
            }
        }

        #[test]
        fn any_place_is_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..24), bit in 0usize..200, width in 0u32..80,
        ) {
            let naive = |i: usize| bytes.get(i / 8).map(|b| u64::from(b >> (i % 8) & 1));
            let expected = (0..width as usize).rev().try_fold(0u64, |value, i| {
                Some(value.wrapping_shl(1) | naive(bit + i)?)
            });
            if width <= 64 && width > 0 {
                prop_assert_eq!(get_bits(&bytes, bit, width), expected);
            } else if width > 64 {
                prop_assert_eq!(get_bits(&bytes, bit, width), None);
            }
        }
    }

    #[test]
    fn far_beyond_the_end_is_refused() {
        assert_eq!(get_bits(&[1; 9], usize::MAX, 1), None);
        assert_eq!(get_bits(&[1; 9], usize::MAX, 64), None);
        assert_eq!(get_bits(&[1; 9], 0, u32::MAX - 7), None);
    }

    #[test]
    fn alignment_fills_with_zeros() {
        let mut writer = BitWriter::new();
        writer.align();
        assert_eq!(writer.len_bits(), 0);
        writer.put(1, 1);
        writer.align();
        assert_eq!(writer.len_bits(), 8);
        writer.put(u64::MAX, 64);
        writer.align();
        assert_eq!(writer.len_bits(), 72);
        assert_eq!(writer.into_bytes(), [1, 255, 255, 255, 255, 255, 255, 255, 255]);
    }
}
