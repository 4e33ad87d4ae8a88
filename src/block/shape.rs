//! Finding the pattern that all values of a text column follow.
//!
//! The first value is cut into words (letters and digits) and what stands between them. Every other
//! value must have the same between the words; what is common to all values of a word becomes
//! literal, the rest a variable.

use crate::base::effort::Effort;
use crate::base::text::Str;
use crate::block::cut::{MIN_HEX_DIGITS, is_word, word_len};
use crate::block::digits::{self, UUID_LEN};
use crate::block::ints::IntModel;
use crate::block::pattern::{MAX_PARTS, Part, Pattern};

/// The pattern of all values and the bits of its runs; `None` if there is none.
pub fn fit(values: &[&str], effort: Effort) -> Option<(Pattern, u64)> {
    if let Some(whole) = fit_whole(values, effort) {
        return Some(whole);
    }
    let mut rests: Vec<&str> = values.to_vec();
    let mut words = Vec::with_capacity(values.len());
    let mut parts = Vec::new();
    let mut bits = 0;
    while rests.iter().any(|rest| !rest.is_empty()) {
        let between = take_between(&mut rests)?;
        parts.extend((!between.is_empty()).then(|| Part::Literal(Str::from(between))));
        words.clear();
        words.extend(rests.iter_mut().map(take_word));
        bits += fit_word(&mut words, &mut parts, effort)?;
        if parts.len() > MAX_PARTS {
            return None;
        }
    }
    let variable = parts.iter().any(|part| !matches!(part, Part::Literal(_)));
    Some((Pattern::new(variable.then(|| merge_literals(parts))?)?, bits))
}

/// A single variable and nothing else: a UUID, or a number that may be negative.
fn fit_whole(values: &[&str], effort: Effort) -> Option<(Pattern, u64)> {
    if values.first()?.len() == UUID_LEN
        && let Some((part, bits)) = fit_uuids(values)
    {
        return Some((Pattern::new(vec![part])?, bits));
    }
    let (model, bits) = fit_ints(decimals(values)?, effort);
    Some((Pattern::new(vec![Part::Decimal(model)])?, bits))
}

/// UUIDs, and their bits.
fn fit_uuids(words: &[&str]) -> Option<(Part, u64)> {
    let uuids = words.iter().map(|word| digits::parse_uuid(word.as_bytes()));
    let versions: Vec<Option<u8>> =
        uuids.map(|uuid| uuid.map(digits::version)).collect::<Option<_>>()?;
    let part = Part::Uuid { version: digits::common_version(&versions) };
    let bits = part.run_bits(&[], 0, words.len())? as u64;
    Some((part, bits))
}

/// Takes what is no word off the front of all values; `None` if it differs.
fn take_between<'a>(rests: &mut [&'a str]) -> Option<&'a str> {
    let first = rests.first()?;
    let len = first.bytes().position(is_word).unwrap_or(first.len());
    let between = first.get(..len)?;
    for rest in rests {
        *rest =
            rest.strip_prefix(between).filter(|rest| rest.bytes().next().is_none_or(is_word))?;
    }
    Some(between)
}

/// Takes a word off the front.
fn take_word<'a>(rest: &mut &'a str) -> &'a str {
    let (word, after) = rest.split_at_checked(word_len(rest)).unwrap_or((rest, ""));
    *rest = after;
    word
}

/// Appends the parts of one word, given all its values, and returns the bits of their runs.
fn fit_word(words: &mut [&str], parts: &mut Vec<Part>, effort: Effort) -> Option<u64> {
    let first = *words.first()?;
    let count = words.len() as u64;
    if words.iter().all(|word| *word == first) {
        parts.extend((!first.is_empty()).then(|| Part::Literal(Str::from(first))));
        return Some(0);
    }
    if first.len() == UUID_LEN && first.contains('-') {
        let (part, bits) = fit_uuids(words)?;
        parts.push(part);
        return Some(bits);
    }
    // Before `user17` and `12ms`, whose letters are common to all values: those could be hex digits.
    if let Some(hex) = fit_hex(words) {
        let Part::Hex { bytes, .. } = hex else { return None };
        parts.push(hex);
        return Some(count * 8 * u64::from(bytes));
    }
    let prefix = common_prefix(words).trim_end_matches(is_digit);
    for word in words.iter_mut() {
        *word = word.strip_prefix(prefix)?;
    }
    let suffix = common_suffix(words).trim_start_matches(is_digit);
    for word in words.iter_mut() {
        *word = word.strip_suffix(suffix)?;
    }
    let (part, bits) = fit_numbers(words, effort)?;
    parts.extend((!prefix.is_empty()).then(|| Part::Literal(Str::from(prefix))));
    parts.push(part);
    parts.extend((!suffix.is_empty()).then(|| Part::Literal(Str::from(suffix))));
    Some(bits)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// What all words begin with; they are ASCII.
fn common_prefix<'a>(words: &[&'a str]) -> &'a str {
    let first = words.first().copied().unwrap_or_default();
    let same = |word: &&str| first.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
    first.get(..words.iter().map(same).min().unwrap_or(0)).unwrap_or_default()
}

/// What all words end with.
fn common_suffix<'a>(words: &[&'a str]) -> &'a str {
    let first = words.first().copied().unwrap_or_default();
    let same = |word: &&str| {
        first.bytes().rev().zip(word.bytes().rev()).take_while(|(a, b)| a == b).count()
    };
    let len = words.iter().map(same).min().unwrap_or(0);
    first.get(first.len() - len..).unwrap_or_default()
}

/// Hex digits of one length and case.
fn fit_hex(words: &[&str]) -> Option<Part> {
    let len = words.first()?.len();
    let bytes = u8::try_from(len / 2).ok().filter(|_| len >= MIN_HEX_DIGITS)?;
    if len % 2 != 0 || words.iter().any(|word| word.len() != len) {
        return None;
    }
    // Digits alone are shorter as a number, where that fits.
    let decimal = words.iter().all(|word| word.bytes().all(|digit| digit.is_ascii_digit()));
    let upper = words.iter().any(|word| word.bytes().any(|digit| digit.is_ascii_uppercase()));
    let hex = words.iter().all(|word| digits::is_hex(word.as_bytes(), upper));
    (hex && !(decimal && len <= digits::MAX_PADDED)).then_some(Part::Hex { bytes, upper })
}

/// Numbers as they print, or in a fixed number of digits.
fn fit_numbers(words: &[&str], effort: Effort) -> Option<(Part, u64)> {
    if let Some(numbers) = decimals(words) {
        let (model, bits) = fit_ints(numbers, effort);
        return Some((Part::Decimal(model), bits));
    }
    let len = words.first()?.len();
    let padded = |word: &&str| digits::parse_padded(word.as_bytes()).filter(|_| word.len() == len);
    let numbers: Vec<i64> = words.iter().map(padded).collect::<Option<_>>()?;
    let (model, bits) = fit_ints(numbers, effort);
    let digits = u8::try_from(len).ok().filter(|&digits| digits > 0)?;
    Some((Part::Padded { digits, model }, bits))
}

fn decimals(words: &[&str]) -> Option<Vec<i64>> {
    let number = |word: &&str| {
        let mut rest = word.as_bytes();
        digits::take_decimal(&mut rest).filter(|_| rest.is_empty())
    };
    words.iter().map(number).collect()
}

fn fit_ints(numbers: Vec<i64>, effort: Effort) -> (IntModel, u64) {
    let (model, bits) = IntModel::fit_with_bits(&numbers, effort);
    let model_bits = model.model_bits();
    (model, bits - model_bits)
}

/// Neighbouring literals become one.
fn merge_literals(parts: Vec<Part>) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        match (merged.last_mut(), &part) {
            (Some(Part::Literal(last)), Part::Literal(next)) => {
                *last = Str::from(format!("{last}{next}"));
            }
            _ => merged.push(part),
        }
    }
    merged
}
