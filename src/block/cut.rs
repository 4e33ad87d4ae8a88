//! Texts cut into words, letters and digits, and what stands between them.

use crate::block::digits::{self, UUID_LEN};

/// A longer text is not cut.
pub const MAX_TEXT_BYTES: usize = 2048;
/// The shortest run of hex digits that is taken for an id: a shorter one is rarely one, and saves
/// little.
pub const MIN_HEX_DIGITS: usize = 8;

/// What a word looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Word,
    Decimal,
    Padded(u8),
    Hex { bytes: u8, upper: bool },
    Uuid,
}

/// A word in a text.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// What stands before it, from the word before.
    pub between: &'a str,
    pub text: &'a str,
    pub class: Class,
}

/// The words of a text that are ids: hex digits and UUIDs.
pub fn id_words(text: &str) -> impl Iterator<Item = &str> {
    let tokens = Tokens(text.get(..text.len().min(MAX_TEXT_BYTES)).unwrap_or_default());
    tokens.filter_map(|Token { text, class, .. }| {
        matches!(class, Class::Hex { .. } | Class::Uuid).then_some(text)
    })
}

/// What stands behind the last word.
pub fn after_words(text: &str) -> &str {
    let end = text.bytes().rposition(is_word).map_or(0, |last| last + 1);
    text.get(end..).unwrap_or_default()
}

/// Whether a byte is part of a word; those of other characters than ASCII are not.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// How long the word is that `text` begins with, and its number if it is a UUID, which is one word.
pub fn word_len(text: &str) -> (usize, Option<u128>) {
    let uuid = text.get(..UUID_LEN).and_then(|uuid| digits::parse_uuid(uuid.as_bytes()));
    let ends = |_: &u128| !text.as_bytes().get(UUID_LEN).is_some_and(|&next| is_word(next));
    match uuid.filter(ends) {
        Some(uuid) => (UUID_LEN, Some(uuid)),
        None => (text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len()), None),
    }
}

/// The words of a text.
pub struct Tokens<'a>(pub &'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let begin = self.0.bytes().position(is_word)?;
        let (between, rest) = self.0.split_at_checked(begin)?;
        let (len, uuid) = word_len(rest);
        let (text, after) = rest.split_at_checked(len)?;
        let class = if uuid.is_some() { Class::Uuid } else { Class::of(text) };
        self.0 = after;
        Some(Token { between, text, class })
    }
}

impl Class {
    fn of(word: &str) -> Self {
        let bytes = word.as_bytes();
        if bytes.iter().all(u8::is_ascii_digit) && bytes.len() <= digits::MAX_PADDED {
            return match bytes {
                [b'0', _, ..] => Self::Padded(bytes.len() as u8),
                _ => Self::Decimal,
            };
        }
        let half = u8::try_from(bytes.len() / 2).ok();
        let even = bytes.len().is_multiple_of(2) && bytes.len() >= MIN_HEX_DIGITS;
        match half.filter(|_| even && bytes.iter().any(u8::is_ascii_digit)) {
            Some(half) if digits::is_hex(bytes, false) => Self::Hex { bytes: half, upper: false },
            Some(half) if digits::is_hex(bytes, true) => Self::Hex { bytes: half, upper: true },
            _ => Self::Word,
        }
    }

    /// Appends bytes that no text holds.
    pub fn mark(self, cut: &mut Vec<u8>) {
        match self {
            Self::Word => cut.push(0xf8),
            Self::Decimal => cut.push(0xf9),
            Self::Padded(digits) => cut.extend([0xfa, digits]),
            Self::Hex { bytes, upper } => cut.extend([0xfb, bytes, u8::from(upper)]),
            Self::Uuid => cut.push(0xfc),
        }
    }
}
