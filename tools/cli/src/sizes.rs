//! Sizes as people type them.

/// Reads `500`, `64KiB`, `10GB`, `1.5 TiB`: a number of bytes, of powers of 1,024 with an `i`, of
/// 1,000 without.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    parse(text).ok_or_else(|| "write a number of bytes, or 500MB, 64MiB, 10GiB, 2TB".into())
}

fn parse(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let unit = unit.to_ascii_lowercase();
    let prefix = unit.strip_suffix('b').unwrap_or(&unit);
    let (prefix, step) = match prefix.strip_suffix('i') {
        Some(prefix) => (prefix, 1024u64),
        None => (prefix, 1000),
    };
    let power = ["", "k", "m", "g", "t", "p"].iter().position(|known| *known == prefix)?;
    // An `i` without a letter before it is no unit.
    if power == 0 && step == 1024 {
        return None;
    }
    let step = step.checked_pow(power as u32)?;
    let number = number.trim();
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(step);
    }
    let bytes = number.parse::<f64>().ok()? * step as f64;
    (bytes >= 0.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_units() {
        let sizes = [
            ("0", 0),
            ("500", 500),
            ("500b", 500),
            ("1kB", 1000),
            ("64KiB", 65_536),
            ("64 kib", 65_536),
            ("10G", 10_000_000_000),
            ("1.5GiB", 3 << 29),
        ];
        for (text, bytes) in sizes {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_size() {
        for text in ["", "GiB", "-1", "1ib", "1x", "1 2", "99999999PB", "nan", "1e400", "inf"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
