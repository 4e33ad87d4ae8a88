//! What the bytes of a file are, field by field: for people who look at them.

use std::ops::Range;

use serde::Serialize;

use crate::base::varint::read_u64;

/// A stretch of bytes and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Where it begins in the file.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// The part of the file that it belongs to.
    pub part: String,
    /// What it is, with its value where that is a number.
    pub name: String,
}

/// Names the fields of some bytes one behind another. What is not there is not named, so that a
/// damaged file can be looked at, too.
#[derive(Debug)]
pub struct Anatomist<'a> {
    rest: &'a [u8],
    at: u64,
    part: String,
    fields: Vec<Field>,
}

impl<'a> Anatomist<'a> {
    /// Begins with `bytes`, which stand at `offset` and belong to `part`.
    pub fn new(bytes: &'a [u8], offset: u64, part: impl Into<String>) -> Self {
        Self { rest: bytes, at: offset, part: part.into(), fields: Vec::new() }
    }

    /// What follows belongs to another part.
    pub fn part(&mut self, part: impl Into<String>) {
        self.part = part.into();
    }

    /// The bytes that have not been named.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes have not been named.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Names the next `len` bytes, or as many as there are, unless that is none.
    pub fn bytes(&mut self, len: usize, name: impl Into<String>) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        if !bytes.is_empty() {
            let (part, name) = (self.part.clone(), name.into());
            self.fields.push(Field { offset: self.at, bytes: bytes.len() as u64, part, name });
            self.at += bytes.len() as u64;
        }
        bytes
    }

    /// Names a little-endian number of `len` bytes, at most 8, and gives it.
    pub fn number(&mut self, len: usize, name: &str) -> u64 {
        let head = self.rest.get(..len).unwrap_or_default();
        let value = head.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        self.bytes(len, format!("{name} {value}"));
        value
    }

    /// Names the magic bytes and the version that most files begin with.
    pub fn magic(&mut self) {
        let magic = String::from_utf8_lossy(self.rest.get(..8).unwrap_or_default()).into_owned();
        self.bytes(8, format!("magic {magic:?}"));
        self.number(4, "version");
    }

    /// Names a varint, and gives it.
    pub fn varint(&mut self, name: &str) -> u64 {
        let mut input = self.rest;
        let value = read_u64(&mut input);
        let len = self.rest.len() - input.len();
        match value {
            Some(value) => drop(self.bytes(len, format!("{name} {value}"))),
            None => drop(self.bytes(self.rest.len(), format!("{name}, cut off"))),
        }
        value.unwrap_or_default()
    }

    /// Names bytes behind a varint of their length, and gives them.
    pub fn prefixed(&mut self, name: &str) -> &'a [u8] {
        let len = self.varint(&format!("bytes of {name}:"));
        self.bytes(usize::try_from(len).unwrap_or(usize::MAX), name)
    }

    /// The fields; what was not named is the `rest`.
    pub fn finish(mut self, rest: &str) -> Vec<Field> {
        self.bytes(self.rest.len(), rest);
        self.fields
    }
}

/// Whether two ranges have bytes in common.
pub fn meets(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}
