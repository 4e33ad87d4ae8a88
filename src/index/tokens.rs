//! Tokens: the part of a key or text by which it is found where keys and texts are scarce.
//!
//! Spans that bear keys, names and values of their own mostly bear one number, or one id, in all of
//! them. One hash of that leads to the span for all; what has no such part is found as a whole.

use crate::base::checksum::hash64;
use crate::index::term::{TagScope, hash_text};

/// Bytes of a token at least: shorter ones occur in too much.
const LEAST_BYTES: usize = 3;

/// How many kinds of tokens there are.
pub(super) const KINDS: usize = 3;

/// What serves as tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// Keys and texts as they are.
    Whole,
    /// The longest run of ASCII digits.
    Number,
    /// The longest run of ASCII letters and digits with a digit in it.
    Word,
}

impl Tokens {
    /// All kinds, by their codes.
    pub const fn all() -> [Self; KINDS] {
        [Self::Whole, Self::Number, Self::Word]
    }

    pub fn code(self) -> u8 {
        self as u8
    }

    pub fn of_code(code: u8) -> Option<Self> {
        Self::all().into_iter().find(|tokens| tokens.code() == code)
    }

    /// The hash of these tokens, of those of all kinds.
    pub fn hash(self, all: &[u64; KINDS]) -> u64 {
        let [whole, number, word] = all;
        match self {
            Self::Whole => *whole,
            Self::Number => *number,
            Self::Word => *word,
        }
    }

    /// The hash by which a key is found; as a whole that of what the directory would call it.
    pub fn of_key(self, scope: TagScope, key: &str) -> u64 {
        self.token(key).map_or_else(|| whole_key(scope, key), hash64)
    }

    /// The hashes of a key by all kinds.
    pub fn all_of_key(scope: TagScope, key: &str) -> [u64; KINDS] {
        Self::all_or(key, whole_key(scope, key))
    }

    /// The hashes of a text by all kinds.
    pub fn all_of_text(text: &str) -> [u64; KINDS] {
        Self::all_or(text, hash_text(text))
    }

    fn all_or(text: &str, whole: u64) -> [u64; KINDS] {
        if !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return [whole; KINDS];
        }
        Self::all().map(|tokens| tokens.token(text).map_or(whole, hash64))
    }

    /// The hash by which a text is found.
    pub fn of_text(self, text: &str) -> u64 {
        self.token(text).map_or_else(|| hash_text(text), hash64)
    }

    /// The token in a text, the first of the longest.
    fn token(self, text: &str) -> Option<&[u8]> {
        let is_part = match self {
            Self::Whole => return None,
            Self::Number => u8::is_ascii_digit,
            Self::Word => u8::is_ascii_alphanumeric,
        };
        let has_digit = |run: &&[u8]| run.iter().any(u8::is_ascii_digit);
        let runs = text.as_bytes().split(|byte| !is_part(byte));
        let runs = runs.filter(|run| run.len() >= LEAST_BYTES);
        // The last of equals is the greatest, and the first of them stands last backwards.
        runs.rev().filter(has_digit).max_by_key(|run| run.len())
    }
}

/// The hash of what the directory would call a key.
fn whole_key(scope: TagScope, key: &str) -> u64 {
    let mut name = Vec::with_capacity(1 + key.len());
    name.push(scope.code());
    name.extend_from_slice(key.as_bytes());
    hash64(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_numbers_words_or_nothing() {
        for (text, number, word) in [
            ("key.1234.0", Some("1234"), Some("1234")),
            ("123 and 456", Some("123"), Some("123")),
            ("item-8f3a9b", None, Some("8f3a9b")),
            ("order 12", None, None),
            ("plain words", None, None),
            ("größe٣٣٣٣x77", None, Some("x77")),
            ("", None, None),
        ] {
            assert_eq!(Tokens::Number.token(text), number.map(str::as_bytes), "{text}");
            assert_eq!(Tokens::Word.token(text), word.map(str::as_bytes), "{text}");
            let all = Tokens::all().map(|tokens| tokens.of_text(text));
            assert_eq!(Tokens::all_of_text(text), all);
            assert_eq!(Tokens::Whole.token(text), None);
        }
    }

    #[test]
    fn keys_and_texts_of_one_number_share_its_hash() {
        let key = Tokens::Number.of_key(TagScope::Span, "key.1234.0");
        assert_eq!(key, Tokens::Number.of_text("name 1234"));
        assert_eq!(key, Tokens::Number.of_key(TagScope::Link, "1234"));
        assert_ne!(key, Tokens::Whole.of_key(TagScope::Span, "key.1234.0"));
        assert_ne!(Tokens::Number.of_key(TagScope::Span, "k"), Tokens::Number.of_text("k"));
    }
}
