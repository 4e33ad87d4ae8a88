//! Puts JSON together: commas, quotes, escapes.

use crate::ingest::json::base64;

/// Writes one JSON text front to back. Members and elements separate themselves.
pub struct JsonWriter {
    out: Vec<u8>,
    /// Whether the next member or element has one before it.
    follows: bool,
}

impl JsonWriter {
    /// An empty text.
    pub const fn new() -> Self {
        Self { out: Vec::new(), follows: false }
    }

    /// The text.
    pub fn finish(self) -> String {
        // Everything written is text; only an error here would be a bug.
        String::from_utf8(self.out).unwrap_or_default()
    }

    /// The name of the member whose value comes next.
    pub fn name(&mut self, name: &str) {
        self.string(name);
        self.out.push(b':');
        self.follows = false;
    }

    /// Between elements of a list and between members.
    fn separate(&mut self) {
        if self.follows {
            self.out.push(b',');
        }
    }

    /// An object whose members `fill` writes.
    pub fn object<T>(&mut self, fill: impl FnOnce(&mut Self) -> T) -> T {
        self.nest([b'{', b'}'], fill)
    }

    /// A list whose elements `fill` writes.
    pub fn list<T>(&mut self, fill: impl FnOnce(&mut Self) -> T) -> T {
        self.nest([b'[', b']'], fill)
    }

    fn nest<T>(&mut self, [open, close]: [u8; 2], fill: impl FnOnce(&mut Self) -> T) -> T {
        self.separate();
        self.out.push(open);
        self.follows = false;
        let answer = fill(self);
        self.out.push(close);
        self.follows = true;
        answer
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        self.separate();
        self.out.push(b'"');
        for &byte in text.as_bytes() {
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                0..0x20 => self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.out.push(byte),
            }
        }
        self.out.push(b'"');
        self.follows = true;
    }

    /// Bytes, as base64.
    pub fn base64(&mut self, bytes: &[u8]) {
        self.separate();
        self.out.push(b'"');
        base64::encode(bytes, &mut self.out);
        self.out.push(b'"');
        self.follows = true;
    }

    /// A number or truth value, bare.
    pub fn bare(&mut self, value: impl std::fmt::Display) {
        self.separate();
        self.out.extend_from_slice(value.to_string().as_bytes());
        self.follows = true;
    }

    /// A 64-bit integer, as a string.
    pub fn quoted(&mut self, value: impl std::fmt::Display) {
        self.string(&value.to_string());
    }
}
