//! Numbers told in a few bits, for bounds: never too small, and at most an eighth too large.
//!
//! ```text
//! code 0 ..= 15   the number itself
//! code 16 ..      (8 + m) << o, where code - 16 = 8 * (o - 1) + m and m < 8
//! code 496        2^64 - 1
//! ```

/// Codes below are the numbers themselves.
const EXACT: u64 = 16;

/// The code of all numbers above that of the code before it.
const LAST: u64 = EXACT + 8 * 60;

/// The lowest code that stands for `number` or more.
pub fn code(number: u64) -> u64 {
    let Some(octave) = number.checked_ilog2().filter(|_| number >= EXACT) else { return number };
    let shift = octave - 3;
    let below = EXACT + 8 * u64::from(shift - 1) + ((number >> shift) & 7);
    below + u64::from(value(below) < number)
}

/// The number that a code stands for.
pub fn value(code: u64) -> u64 {
    match code.checked_sub(EXACT) {
        None => code,
        Some(_) if code >= LAST => u64::MAX,
        Some(above) => (8 + above % 8) << (above / 8 + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bound_is_never_too_small_nor_much_too_large(
            number in prop_oneof![any::<u64>(), 0u64..300, (0u32..64).prop_map(|b| u64::MAX >> b)],
        ) {
            let bound = value(code(number));
            prop_assert!(bound >= number);
            prop_assert!(bound - number <= number / 8);
            prop_assert!(code(number) <= LAST);
            prop_assert_eq!(code(bound), code(number));
        }
    }

    #[test]
    fn codes_ascend_with_their_numbers() {
        assert!((1..=LAST).all(|code| value(code - 1) < value(code)));
        assert!((0..=LAST).all(|c| code(value(c)) == c));
    }
}
