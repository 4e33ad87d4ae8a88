//! Digits in texts: what reads them also proves that printing gives the same text again.

/// Digits and hyphens of a UUID.
pub const UUID_LEN: usize = 36;

/// Digits of the longest number in a fixed number of digits: every one fits an `i64`.
pub const MAX_PADDED: usize = 18;

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// The value of a hex digit in lower case, or of one in upper case.
#[inline]
fn hex_value(digit: u8, upper: bool) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' if !upper => Some(digit - b'a' + 10),
        b'A'..=b'F' if upper => Some(digit - b'A' + 10),
        _ => None,
    }
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
    if text.len() != UUID_LEN {
        return None;
    }
    let mut uuid = 0u128;
    for (i, &digit) in text.iter().enumerate() {
        match (i, digit) {
            (8 | 13 | 18 | 23, b'-') => {}
            (8 | 13 | 18 | 23, _) => return None,
            _ => uuid = uuid << 4 | u128::from(hex_value(digit, false)?),
        }
    }
    Some(uuid)
}

/// Appends a UUID.
pub fn print_uuid(uuid: u128, text: &mut String) {
    for (i, byte) in uuid.to_be_bytes().into_iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        print_byte(byte, false, text);
    }
}

/// Appends two hex digits.
#[inline]
pub fn print_byte(byte: u8, upper: bool, text: &mut String) {
    let digits = if upper { UPPER } else { LOWER };
    for nibble in [byte >> 4, byte & 15] {
        text.extend(digits.get(usize::from(nibble)).map(|&digit| char::from(digit)));
    }
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
    text.extend(digits.iter().skip(20 - used).map(|&digit| char::from(digit)));
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
                prop_assert_eq!(printed.as_bytes(), &text.as_bytes()[..text.len() - rest.len()]);
            }
        }

        #[test]
        fn uuids_print_as_they_were(uuid: u128, spoiled in 0usize..36, by in "[-0-9A-Ga-g]") {
            let mut text = String::new();
            print_uuid(uuid, &mut text);
            prop_assert_eq!(parse_uuid(text.as_bytes()), Some(uuid));
            text.replace_range(spoiled..=spoiled, &by);
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
