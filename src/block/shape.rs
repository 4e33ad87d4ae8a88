//! Finding the pattern that all values of a text column follow.

use crate::block::digits;
use crate::block::ints::IntModel;
use crate::block::pattern::{Part, Pattern};

/// The pattern of all values and the bits of its runs; `None` if there is none.
pub fn fit(values: &[&str]) -> Option<(Pattern, u64)> {
    let first = values.first()?.as_bytes();
    let count = values.len() as u64;
    if digits::parse_uuid(first).is_some() {
        let all = values.iter().all(|value| digits::parse_uuid(value.as_bytes()).is_some());
        return Some((Pattern::new(all.then(|| vec![Part::Uuid])?)?, count * 128));
    }
    if let Some((model, bits)) = decimals(values) {
        return Some((Pattern::new(vec![Part::Decimal(model)])?, bits));
    }
    let upper = first.iter().any(|digit| digit.is_ascii_uppercase());
    let bytes = u8::try_from(first.len() / 2).ok().filter(|&bytes| bytes >= 4)?;
    let hex = |value: &&str| value.len() == first.len() && digits::is_hex(value.as_bytes(), upper);
    let all = first.len() % 2 == 0 && values.iter().all(hex);
    Some((
        Pattern::new(all.then(|| vec![Part::Hex { bytes, upper }])?)?,
        count * 8 * u64::from(bytes),
    ))
}

fn decimals(values: &[&str]) -> Option<(IntModel, u64)> {
    let number = |value: &&str| {
        let mut rest = value.as_bytes();
        digits::take_decimal(&mut rest).filter(|_| rest.is_empty())
    };
    let numbers: Vec<i64> = values.iter().map(number).collect::<Option<_>>()?;
    let (model, bits) = IntModel::fit_with_bits(&numbers);
    let model_bits = model.model_bits();
    Some((model, bits - model_bits))
}
