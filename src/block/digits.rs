//! Digits in texts: what reads them also proves that printing gives the same text again.

/// Digits and hyphens of a UUID.
pub const UUID_LEN: usize = 36;

/// Digits of the longest number in a fixed number of digits: every one fits an `i64`.
pub const MAX_PADDED: usize = 18;

const IN_LOWER: u8 = 0x10;
const IN_UPPER: u8 = 0x20;

/// What each byte is as a hex digit: its value, and the cases that it occurs in. Random digits
/// would make a processor mispredict every second comparison.
static HEX_VALUES: [u8; 256] = hex_values();

#[expect(clippy::indexing_slicing, reason = "every byte is below 256")]
const fn hex_values() -> [u8; 256] {
    let mut values = [0; 256];
    let mut value = 0;
    while value < 10 {
        values[(b'0' + value) as usize] = value | IN_LOWER | IN_UPPER;
        value += 1;
    }
    while value < 16 {
        values[(b'a' - 10 + value) as usize] = value | IN_LOWER;
        values[(b'A' - 10 + value) as usize] = value | IN_UPPER;
        value += 1;
    }
    values
}

/// The value of a hex digit in lower case, or of one in upper case.
#[inline]
fn hex_value(digit: u8, upper: bool) -> Option<u8> {
    let found = HEX_VALUES.get(usize::from(digit)).copied().unwrap_or(0);
    let case = if upper { IN_UPPER } else { IN_LOWER };
    (found & case != 0).then_some(found & 15)
}

/// The eight hex digits of a number, one in each byte of a word: a loop over the digits takes five
/// times longer.
#[inline]
fn hex_digits(number: u32, upper: bool) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut nibbles = u64::from(number);
    nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let above_nine = ((nibbles + 6 * ONES) >> 4) & ONES;
    let letters = u64::from(if upper { b'A' - b'9' - 1 } else { b'a' - b'9' - 1 });
    (nibbles + u64::from(b'0') * ONES + above_nine * letters).to_be_bytes()
}

/// The number of eight hex digits in lower case.
#[inline]
fn hex_number(digits: [u8; 8]) -> Option<u128> {
    let add = |number, digit| Some(number << 4 | u32::from(hex_value(digit, false)?));
    digits.into_iter().try_fold(0u32, add).map(u128::from)
}

/// Whether all are hex digits of that case.
pub fn is_hex(text: &[u8], upper: bool) -> bool {
    text.iter().all(|&digit| hex_value(digit, upper).is_some())
}

/// The bytes that pairs of hex digits of either case stand for.
pub fn hex_bytes(text: &[u8]) -> impl Iterator<Item = Option<u8>> {
    let value = |digit: u8| hex_value(digit, false).or(hex_value(digit, true));
    text.chunks(2).map(move |pair| match *pair {
        [high, low] => Some(value(high)? << 4 | value(low)?),
        _ => None,
    })
}

/// A UUID in lower case with hyphens in their places.
pub fn parse_uuid(text: &[u8]) -> Option<u128> {
    let [a, b, c, d, e, f, g, h, b'-', i, j, k, l, b'-', m, n, o, p, b'-', rest @ ..] = text else {
        return None;
    };
    let [q, r, s, t, b'-', u, v, w, x, last @ ..] = rest else { return None };
    let high = hex_number([*a, *b, *c, *d, *e, *f, *g, *h])? << 32
        | hex_number([*i, *j, *k, *l, *m, *n, *o, *p])?;
    let low =
        hex_number([*q, *r, *s, *t, *u, *v, *w, *x])? << 32 | hex_number(last.try_into().ok()?)?;
    Some(high << 64 | low)
}

/// The version of a UUID of variant 1 (RFC 9562): where it is known, so are six of the bits. Random
/// ones have version 4, or 9 and above where Envoy marked a request's id as traced.
pub fn version(uuid: u128) -> Option<u8> {
    (uuid >> 62 & 3 == 2).then_some((uuid >> 76 & 15) as u8)
}

/// The version that all of these are.
pub fn common_version(versions: &[Option<u8>]) -> Option<u8> {
    let first = versions.first().copied().flatten()?;
    versions.iter().all(|version| *version == Some(first)).then_some(first)
}

/// The 122 bits of a UUID that its version and variant do not tell.
pub fn pack_versioned(uuid: u128) -> u128 {
    uuid & LOW_BITS | (uuid >> 64 & MIDDLE_BITS) << 62 | (uuid >> 80) << 74
}

/// The UUID of a version and these bits.
pub fn unpack_versioned(bits: u128, version: u8) -> u128 {
    let middle = bits >> 62 & MIDDLE_BITS;
    bits & LOW_BITS | 2 << 62 | middle << 64 | u128::from(version & 15) << 76 | bits >> 74 << 80
}

/// What follows the variant, and what stands between it and the version.
const LOW_BITS: u128 = (1 << 62) - 1;
const MIDDLE_BITS: u128 = (1 << 12) - 1;

/// Appends a UUID.
pub fn print_uuid(uuid: u128, text: &mut String) {
    let [a, b, c, d, e, f, g, h] = hex_digits((uuid >> 64) as u32, false);
    let [i, j, k, l, m, n, o, p] = hex_digits((uuid >> 32) as u32, false);
    push_ascii(&hex_digits((uuid >> 96) as u32, false), text);
    push_ascii(&[b'-', a, b, c, d, b'-', e, f, g, h, b'-', i, j, k, l, b'-', m, n, o, p], text);
    push_ascii(&hex_digits(uuid as u32, false), text);
}

/// Appends bytes as hex digits.
pub fn print_hex(bytes: &[u8], upper: bool, text: &mut String) {
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        push_ascii(&hex_digits(u32::from_be_bytes(*word), upper), text);
    }
    for &byte in rest {
        let [.., high, low] = hex_digits(u32::from(byte), upper);
        push_ascii(&[high, low], text);
    }
}

/// Appends digits; several times faster than character by character.
fn push_ascii(digits: &[u8], text: &mut String) {
    text.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

/// Takes a number off the front of `text` that is written as it prints.
pub fn take_decimal(text: &mut &[u8]) -> Option<i64> {
    let negative = text.first() == Some(&b'-');
    let digits = text.get(usize::from(negative)..)?;
    let len = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(len)?;
    if digits.first() == Some(&b'0') && (len > 1 || negative) {
        return None;
    }
    // Towards the negative, whose range is larger by one.
    let mut number = (len > 0).then_some(0i64)?;
    for digit in digits {
        number = number.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))?;
    }
    let number = if negative { number } else { number.checked_neg()? };
    *text = rest;
    Some(number)
}

/// A number of at most [`MAX_PADDED`] digits, zeros in front.
pub fn parse_padded(text: &[u8]) -> Option<i64> {
    if text.len() > MAX_PADDED {
        return None;
    }
    text.iter().try_fold(0i64, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })
}

/// Appends a number in at least `width` digits.
pub fn print_int(number: i64, width: usize, text: &mut String) {
    let mut digits = [b'0'; 20];
    let mut left = number.unsigned_abs();
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        if left == 0 && used >= width.max(1) {
            break;
        }
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        used += 1;
    }
    if number < 0 {
        text.push('-');
    }
    push_ascii(digits.get(digits.len() - used..).unwrap_or_default(), text);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn numbers_print_as_the_library_prints_them(number: i64, width in 0usize..=18) {
            for number in [number, number >> 40, 0, i64::MIN, i64::MAX] {
                let mut text = String::new();
                print_int(number, 0, &mut text);
                prop_assert_eq!(&text, &number.to_string());
                let mut rest = text.as_bytes();
                prop_assert_eq!(take_decimal(&mut rest), Some(number));
                prop_assert!(rest.is_empty());
            }
            let number = number.unsigned_abs() % 10u64.pow(width as u32).max(2);
            let mut text = String::new();
            print_int(number as i64, width, &mut text);
            prop_assert_eq!(&text, &format!("{number:0width$}"));
        }

        #[test]
        fn what_is_taken_prints_the_same(text in "-?[0-9]{0,21}[a-]?") {
            let mut rest = text.as_bytes();
            if let Some(number) = take_decimal(&mut rest) {
                let mut printed = String::new();
                print_int(number, 0, &mut printed);
                prop_assert_eq!(Some(printed.as_str()), text.get(..text.len() - rest.len()));
            }
        }

        #[test]
        fn uuids_print_as_they_were(uuid: u128, spoiled in 0usize..36, by in "[-0-9A-Ga-g]") {
            let mut text = String::new();
            print_uuid(uuid, &mut text);
            prop_assert_eq!(parse_uuid(text.as_bytes()), Some(uuid));
            text.replace_range(spoiled..=spoiled, &by);
            let known = uuid & !(3 << 62) | 2 << 62;
            let own = (uuid >> 76 & 15) as u8;
            prop_assert_eq!(version(known), Some(own));
            prop_assert_eq!(unpack_versioned(pack_versioned(known), own), known);
            prop_assert!(pack_versioned(known) >> 122 == 0);
            if let Some(uuid) = parse_uuid(text.as_bytes()) {
                let mut printed = String::new();
                print_uuid(uuid, &mut printed);
                prop_assert_eq!(printed, text);
            }
        }
    }

    #[test]
    fn unusual_numbers_are_refused() {
        for text in ["", "-", "+1", "00", "01", "-0", "-01", "9223372036854775808", " 1"] {
            assert_eq!(take_decimal(&mut text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_padded(b"1234567890123456789"), None);
        let bytes: Option<Vec<u8>> = hex_bytes(b"00fF").collect();
        assert_eq!(bytes.unwrap(), [0, 255]);
    }
}
