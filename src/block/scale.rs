//! Integers as multiples of a step above a base.

use crate::base::varint;

/// The map `n -> base + n * step` in wrapping 64-bit arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    base: i64,
    step: u64,
}

/// Its exact inverse.
///
/// That costs one multiplication: an odd number divides another exactly if the product with its
/// inverse modulo 2^64 is no larger than the largest quotient (Granlund and Montgomery, *Division by
/// Invariant Integers using Multiplication*, section 9).
#[derive(Clone, Copy, Debug)]
pub struct Inverse {
    scale: Scale,
    inverse: u64,
    limit: u64,
}

impl Scale {
    /// Numbers as they are.
    pub const IDENTITY: Self = Self { base: 0, step: 1 };

    /// A scale; a step of 0 counts as 1.
    pub const fn new(base: i64, step: u64) -> Self {
        Self { base, step: if step == 0 { 1 } else { step } }
    }

    /// The same steps from another base.
    pub fn with_base(self, base: i64) -> Self {
        Self { base, ..self }
    }

    /// The base.
    pub fn base(&self) -> i64 {
        self.base
    }

    /// The value at `n`.
    #[inline]
    pub fn value(&self, n: u64) -> i64 {
        self.base.wrapping_add(n.wrapping_mul(self.step) as i64)
    }

    /// The way back. Cost: a division, unless the step is 1.
    #[inline]
    pub fn inverse(self) -> Inverse {
        if self.step == 1 {
            return Inverse { scale: self, inverse: 1, limit: u64::MAX };
        }
        let odd = self.step >> self.step.trailing_zeros();
        // Newton's iteration doubles the correct bits: 5, 10, 20, 40, 80.
        let mut inverse = odd.wrapping_mul(3) ^ 2;
        for _ in 0..4 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        }
        Inverse { scale: self, inverse, limit: u64::MAX / self.step }
    }

    /// Appends base and step.
    pub fn write(&self, out: &mut Vec<u8>) {
        varint::write_i64(out, self.base);
        varint::write_u64(out, self.step);
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let base = varint::read_i64(input)?;
        let step = varint::read_u64(input)?;
        (step > 0).then(|| Self::new(base, step))
    }
}

impl Inverse {
    /// The `n` whose value is `value`, unless that lies off the steps.
    #[inline]
    pub fn index(&self, value: i64) -> Option<u64> {
        self.quotient(value.wrapping_sub(self.scale.base) as u64)
    }

    /// `distance / step`, if that is whole.
    #[inline]
    pub fn quotient(&self, distance: u64) -> Option<u64> {
        let shift = self.scale.step.trailing_zeros();
        let n = distance.wrapping_mul(self.inverse).rotate_right(shift);
        (n <= self.limit).then_some(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn index_is_the_exact_inverse_of_value(base: i64, value: i64, step: u64, small in 1u64..5000, n: u64) {
            for step in [step.max(1), small, small << 20, 1] {
                let scale = Scale::new(base, step);
                let steps = scale.inverse();
                let distance = value.wrapping_sub(base) as u64;
                let expected = distance.is_multiple_of(step).then_some(distance / step);
                prop_assert_eq!(steps.index(value), expected);
                let n = n % (u64::MAX / step).saturating_add(1).max(1);
                prop_assert_eq!(steps.index(scale.value(n)), Some(n));
            }
        }
    }

    #[test]
    fn the_whole_range_is_exact() {
        let scale = Scale::new(i64::MIN, 1);
        assert_eq!(scale.inverse().index(i64::MAX), Some(u64::MAX));
        assert_eq!(scale.value(u64::MAX), i64::MAX);
        let scale = Scale::new(i64::MIN, u64::MAX);
        assert_eq!(scale.inverse().index(i64::MAX), Some(1));
        assert_eq!(scale.inverse().index(0), None);
    }
}
