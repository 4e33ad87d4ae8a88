//! Reads canonical bytes front to back, and nothing else.
//!
//! A reader asks for each known field in ascending order; a field that is out of order, repeated,
//! longer than need be or an explicit default is left over or refused, so that what is read to
//! the end is canonical.

use crate::base::view::StrRef;
use crate::base::wire::field::Fields;

/// A position in canonical bytes. `None` from any method: the bytes are not canonical.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// At the front of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte, left in place.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Moves past `tag` if it stands here.
    #[inline]
    pub fn eat(&mut self, tag: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == tag => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Moves past a tag of two bytes if it stands here.
    #[inline]
    pub fn eat_two(&mut self, tag: [u8; 2]) -> bool {
        match self.rest.split_first_chunk::<2>() {
            Some((&first, rest)) if first == tag => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A varint as short as it can be.
    #[inline]
    pub fn varint(&mut self) -> Option<u64> {
        let (&first, rest) = self.rest.split_first()?;
        if first < 0x80 {
            self.rest = rest;
            return Some(u64::from(first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                if byte == 0 || (i == 9 && byte > 1) {
                    return None;
                }
                self.rest = self.rest.get(i + 1..)?;
                return Some(value);
            }
        }
        None
    }

    /// Exactly `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk::<N>()?;
        self.rest = tail;
        Some(*head)
    }

    /// A length and as many bytes.
    #[inline]
    pub fn delimited(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        let (head, tail) = self.rest.split_at_checked(len)?;
        self.rest = tail;
        Some(head)
    }

    /// A length and as many bytes, as they stand here: the length's own bytes in front.
    #[inline]
    pub fn prefixed(&mut self) -> Option<&'a [u8]> {
        let here = self.rest;
        self.delimited()?;
        here.get(..here.len() - self.rest.len())
    }

    /// An id field that must be there with `N` bytes.
    #[inline]
    pub fn id<const N: usize>(&mut self, tag: u8) -> Option<[u8; N]> {
        if !self.eat_two([tag, N as u8]) {
            return None;
        }
        self.array()
    }

    /// A text field that is absent when empty. Text that is not `KEPT` is checked only.
    #[inline]
    pub fn text<const KEPT: bool>(&mut self, tag: u8) -> Option<StrRef<'a>> {
        if !self.eat(tag) {
            return Some(StrRef::Plain(""));
        }
        let bytes = self.delimited()?;
        if bytes.is_empty() {
            return None;
        }
        utf8::<KEPT>(bytes).map(StrRef::Plain)
    }

    /// A `uint32` field that is absent when zero.
    #[inline(always)]
    pub fn count(&mut self, tag: u8) -> Option<u32> {
        if self.eat(tag) { self.some_count() } else { Some(0) }
    }

    fn some_count(&mut self) -> Option<u32> {
        u32::try_from(self.varint()?).ok().filter(|&n| n != 0)
    }

    /// An enum field that is absent when zero.
    #[inline]
    pub fn number(&mut self, tag: u8) -> Option<i32> {
        if !self.eat(tag) {
            return Some(0);
        }
        i32::try_from(self.varint()? as i64).ok().filter(|&n| n != 0)
    }

    /// A `fixed64` field that is absent when zero.
    #[inline]
    pub fn fixed64(&mut self, tag: u8) -> Option<u64> {
        if !self.eat(tag) {
            return Some(0);
        }
        Some(u64::from_le_bytes(self.array()?)).filter(|&n| n != 0)
    }

    /// The rest: unknown fields, none of which bears a number of the set `known`.
    #[inline]
    pub fn unknown(&mut self, known: u32) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return Some(&[]);
        }
        self.some_unknown(known)
    }

    fn some_unknown(&mut self, known: u32) -> Option<&'a [u8]> {
        let mut fields = Fields::new(self.rest);
        while let Some(field) = fields.next_field().ok()? {
            if field.number < 32 && known >> field.number & 1 == 1 {
                return None;
            }
        }
        Some(std::mem::take(&mut self.rest))
    }
}

/// The set of known field numbers `first..=last`.
pub const fn known(first: u32, last: u32) -> u32 {
    ((1u64 << (last + 1)) - (1u64 << first)) as u32
}

/// The text in `bytes`; the empty one, if it is only to be checked.
#[inline]
pub fn utf8<const KEPT: bool>(bytes: &[u8]) -> Option<&str> {
    // Checking alone is several times faster for the ASCII that nearly all text is.
    if !KEPT && is_ascii(bytes) {
        return Some("");
    }
    let text = std::str::from_utf8(bytes).ok()?;
    Some(if KEPT { text } else { "" })
}

/// Whether all bytes are ASCII: eight at a time, the last eight once more, since most texts are
/// too short for what the standard library prepares for.
#[inline]
pub fn is_ascii(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<8>() {
        let (chunks, _) = bytes.as_chunks::<8>();
        let all = chunks
            .iter()
            .fold(u64::from_le_bytes(*last), |all, chunk| all | u64::from_le_bytes(*chunk));
        all & 0x8080_8080_8080_8080 == 0
    } else {
        bytes.iter().fold(0, |all, byte| all | byte) < 0x80
    }
}
