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
    let tokens = Tokens::of(text.get(..text.len().min(MAX_TEXT_BYTES)).unwrap_or_default());
    tokens.filter_map(|Token { text, class, .. }| {
        matches!(class, Class::Hex { .. } | Class::Uuid).then_some(text)
    })
}

/// Bits that say what a byte of a word may be part of.
mod kind {
    pub const WORD: u8 = 1;
    pub const DIGIT: u8 = 2;
    pub const LOWER_HEX: u8 = 4;
    pub const UPPER_HEX: u8 = 8;
}

static KINDS: [u8; 256] = kinds();

#[expect(clippy::indexing_slicing, reason = "every byte is below 256")]
const fn kinds() -> [u8; 256] {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' => kind::WORD | kind::DIGIT | kind::LOWER_HEX | kind::UPPER_HEX,
            b'a'..=b'f' => kind::WORD | kind::LOWER_HEX,
            b'A'..=b'F' => kind::WORD | kind::UPPER_HEX,
            b'g'..=b'z' | b'G'..=b'Z' => kind::WORD,
            _ => 0,
        };
        byte += 1;
    }
    kinds
}

#[inline]
fn kind_of(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Whether a byte is part of a word; those of other characters than ASCII are not.
#[inline]
pub fn is_word(byte: u8) -> bool {
    kind_of(byte) != 0
}

/// A word that a text begins with: how long it is, and the kinds that all and any of its bytes have.
#[derive(Clone, Copy)]
struct Word {
    len: usize,
    all: u8,
    any: u8,
    is_uuid: bool,
}

impl Word {
    /// The one that `text` begins with, in one pass; a UUID is one word.
    #[inline]
    fn of(text: &[u8]) -> Self {
        let mut word = Self { len: 0, all: u8::MAX, any: 0, is_uuid: false };
        for &byte in text {
            let kind = kind_of(byte);
            if kind == 0 {
                break;
            }
            word.all &= kind;
            word.any |= kind;
            word.len += 1;
        }
        let may_be = word.len == 8 && word.all & kind::LOWER_HEX != 0 && text.get(8) == Some(&b'-');
        if may_be
            && text.get(..UUID_LEN).and_then(digits::parse_uuid).is_some()
            && !text.get(UUID_LEN).is_some_and(|&next| is_word(next))
        {
            word = Self { len: UUID_LEN, is_uuid: true, ..word };
        }
        word
    }

    fn class(self, text: &str) -> Class {
        if self.is_uuid {
            return Class::Uuid;
        }
        let all = |kind| self.all & kind != 0;
        if all(kind::DIGIT) && self.len <= digits::MAX_PADDED {
            let is_padded = self.len > 1 && text.starts_with('0');
            return if is_padded { Class::Padded(self.len as u8) } else { Class::Decimal };
        }
        let is_even = self.len.is_multiple_of(2) && self.len >= MIN_HEX_DIGITS;
        if !is_even || self.any & kind::DIGIT == 0 {
            return Class::Word;
        }
        match u8::try_from(self.len / 2) {
            Ok(bytes) if all(kind::LOWER_HEX) => Class::Hex { bytes, upper: false },
            Ok(bytes) if all(kind::UPPER_HEX) => Class::Hex { bytes, upper: true },
            _ => Class::Word,
        }
    }
}

/// How long the word is that `text` begins with.
pub fn word_len(text: &str) -> usize {
    Word::of(text.as_bytes()).len
}

/// The words of a text.
#[derive(Debug)]
pub struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    /// Those of this text.
    pub fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// What stands behind the words so far.
    pub fn rest(&self) -> &'a str {
        self.0
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    #[inline]
    fn next(&mut self) -> Option<Token<'a>> {
        let begin = self.0.as_bytes().iter().position(|&byte| is_word(byte))?;
        let (between, rest) = self.0.split_at_checked(begin)?;
        let word = Word::of(rest.as_bytes());
        let (text, after) = rest.split_at_checked(word.len)?;
        self.0 = after;
        Some(Token { between, text, class: word.class(text) })
    }
}

impl Class {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The class of a word, from what the classes mean.
    fn naive(word: &str) -> Class {
        let bytes = word.as_bytes();
        if word.contains('-') {
            return Class::Uuid;
        }
        if bytes.len() <= digits::MAX_PADDED && bytes.iter().all(u8::is_ascii_digit) {
            return match bytes {
                [b'0', _, ..] => Class::Padded(bytes.len() as u8),
                _ => Class::Decimal,
            };
        }
        let even = bytes.len().is_multiple_of(2) && (MIN_HEX_DIGITS..512).contains(&bytes.len());
        for upper in [false, true] {
            if even && bytes.iter().any(u8::is_ascii_digit) && digits::is_hex(bytes, upper) {
                return Class::Hex { bytes: (bytes.len() / 2) as u8, upper };
            }
        }
        Class::Word
    }

    proptest! {
        #[test]
        fn words_and_what_is_between_make_up_the_text(
            text in "([0-9]{1,20}|[0-9a-f]{6,12}|[0-9A-F]{8}|[a-z]{1,4}|[ ä/-]|0123abcd-4567-89ab-cdef-0123456789a[b-z-]){0,8}",
        ) {
            let mut made = String::new();
            let mut tokens = Tokens::of(&text);
            for token in tokens.by_ref() {
                prop_assert!(!token.between.bytes().any(|byte| byte.is_ascii_alphanumeric()));
                prop_assert!(token.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
                prop_assert_eq!(token.class, naive(token.text));
                made.push_str(token.between);
                made.push_str(token.text);
            }
            prop_assert!(!tokens.rest().bytes().any(|byte| byte.is_ascii_alphanumeric()));
            made.push_str(tokens.rest());
            prop_assert_eq!(made, text);
        }
    }
}
