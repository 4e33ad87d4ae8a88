//! Variable-length integers: LEB128 as protobuf writes it, and zigzag for signed values.

/// Appends `value` in 1 to 10 bytes, seven bits a byte, lowest first.
pub fn write_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value`, zigzagged so that small magnitudes of either sign stay short.
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    write_u64(out, zigzag(value));
}

/// Reads a varint from the front of `input` and moves past it; `None` if it is cut off or
/// does not fit 64 bits.
#[inline]
pub fn read_u64(input: &mut &[u8]) -> Option<u64> {
    match input.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *input = rest;
            Some(byte.into())
        }
        _ => read_long(input),
    }
}

/// The same, of any length.
fn read_long(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (i, &byte) in input.iter().enumerate().take(10) {
        if i == 9 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            *input = input.get(i + 1..)?;
            return Some(value);
        }
    }
    None
}

/// Reads what [`write_i64`] wrote.
pub fn read_i64(input: &mut &[u8]) -> Option<i64> {
    read_u64(input).map(unzigzag)
}

/// Reads a varint that must fit a `usize`.
pub fn read_len(input: &mut &[u8]) -> Option<usize> {
    read_u64(input).and_then(|n| usize::try_from(n).ok())
}

/// Splits `len` bytes off the front of `input`.
pub fn read_bytes<'a>(input: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = input.split_at_checked(len)?;
    *input = tail;
    Some(head)
}

/// Appends a varint length and the bytes.
pub fn write_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    write_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what [`write_prefixed`] wrote.
pub fn read_prefixed<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = read_len(input)?;
    read_bytes(input, len)
}

/// How many bytes [`write_u64`] takes for `value`.
pub const fn len_u64(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Maps 0, -1, 1, -2, ... to 0, 1, 2, 3, ...
pub const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trips(value: u64, tail: Vec<u8>) {
            let mut bytes = Vec::new();
            write_u64(&mut bytes, value);
            prop_assert_eq!(bytes.len(), len_u64(value));
            bytes.extend_from_slice(&tail);
            let mut input = bytes.as_slice();
            prop_assert_eq!(read_u64(&mut input), Some(value));
            prop_assert_eq!(input, tail.as_slice());
            prop_assert_eq!(unzigzag(zigzag(value as i64)), value as i64);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut input = bytes.as_slice();
            let before = input.len();
            if read_u64(&mut input).is_some() {
                prop_assert!(input.len() < before);
            } else {
                prop_assert_eq!(input.len(), before);
            }
        }
    }

    #[test]
    fn refuses_more_than_64_bits() {
        let mut bytes = vec![0xff; 9];
        bytes.push(2);
        assert_eq!(read_u64(&mut bytes.as_slice()), None);
        *bytes.last_mut().unwrap() = 1;
        assert_eq!(read_u64(&mut bytes.as_slice()), Some(u64::MAX));
    }
}
