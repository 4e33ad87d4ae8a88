//! Texts with gaps: `/cart/{user}/items/{product}`, filled in for each span.

use std::fmt::Write;

use tracekeep::Str;

use crate::rng::{Rng, mix};

/// What a trace is about; texts of its spans speak of the same things.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The user: one of 100,000, some far busier than others.
    pub user: u64,
    /// The user's session.
    pub session: u64,
    /// The product at hand; changes from item to item.
    pub product: u64,
    /// The order, where there is one.
    pub order: u64,
}

/// A text with gaps.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(&'static str),
    User,
    Session,
    Product,
    Order,
    Address,
    Uuid,
    Hex,
    Number,
}

impl Template {
    /// Parses a text whose gaps are names in braces; other braces stand for themselves.
    pub fn new(text: &'static str) -> Self {
        let mut parts = Vec::new();
        let mut plain = text;
        while let Some((part, before, after)) = next_gap(plain) {
            if !before.is_empty() {
                parts.push(Part::Text(before));
            }
            parts.push(part);
            plain = after;
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Self { parts }
    }

    /// Whether there is nothing to fill in.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Fills the gaps, using `scratch` to put the text together.
    pub fn fill(&self, subject: &Subject, rng: &mut Rng, scratch: &mut String) -> Str {
        scratch.clear();
        for part in &self.parts {
            // Writing to a string cannot fail.
            let _ = match part {
                Part::Text(text) => {
                    scratch.push_str(text);
                    Ok(())
                }
                Part::User => write!(scratch, "u{:06}", subject.user),
                Part::Session => write!(scratch, "{:016x}", subject.session),
                Part::Product => {
                    push_product(scratch, subject.product);
                    Ok(())
                }
                Part::Order => write!(scratch, "{}", subject.order),
                Part::Address => {
                    let [a, b, ..] = mix(subject.user).to_le_bytes();
                    write!(scratch, "203.{}.{a}.{b}", subject.user % 40 + 60)
                }
                Part::Uuid => {
                    push_uuid(scratch, rng.bits(), rng.bits());
                    Ok(())
                }
                Part::Hex => write!(scratch, "{:012x}", rng.bits() >> 16),
                Part::Number => write!(scratch, "{}", rng.below(1000)),
            };
        }
        Str::from(scratch.as_str())
    }
}

fn next_gap(text: &'static str) -> Option<(Part, &'static str, &'static str)> {
    let gaps = [
        ("{user}", Part::User),
        ("{session}", Part::Session),
        ("{product}", Part::Product),
        ("{order}", Part::Order),
        ("{address}", Part::Address),
        ("{uuid}", Part::Uuid),
        ("{hex}", Part::Hex),
        ("{number}", Part::Number),
    ];
    gaps.into_iter()
        .filter_map(|(name, part)| {
            let (before, after) = text.split_once(name)?;
            Some((part, before, after))
        })
        .min_by_key(|(_, before, _)| before.len())
}

/// A product's article number: ten letters and digits, as shops have them.
fn push_product(out: &mut String, product: u64) {
    let mut bits = mix(product);
    for _ in 0..10 {
        let digit = (bits & 31) as u8;
        out.push(char::from(if digit < 26 { b'A' + digit } else { b'2' + digit - 26 }));
        bits >>= 5;
    }
}

/// A random (version 4) UUID of these bits.
pub fn push_uuid(out: &mut String, high: u64, low: u64) {
    let (a, b) = (high >> 32, (high >> 16) & 0xffff);
    let c = 0x4000 | (high & 0x0fff);
    let d = 0x8000 | ((low >> 48) & 0x3fff);
    let _ = write!(out, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{:012x}", low & 0xffff_ffff_ffff);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_and_other_braces_kept() {
        let subject = Subject { user: 42, session: 7, product: 3, order: 9000 };
        let mut rng = Rng::new(1);
        let mut scratch = String::new();
        let template = Template::new("{x}/u/{user}/o/{order}?s={session}");
        let text = template.fill(&subject, &mut rng, &mut scratch);
        assert_eq!(text, "{x}/u/u000042/o/9000?s=0000000000000007");
        assert!(!template.is_plain() && Template::new("a {} b").is_plain());
        let uuid = Template::new("{uuid}").fill(&subject, &mut rng, &mut scratch);
        assert_eq!((uuid.len(), uuid.get(14..15)), (36, Some("4")));
    }
}
