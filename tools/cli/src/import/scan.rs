//! Finds where JSON values end, without reading more than one of them into memory.

use std::io::{self, BufRead};

use crate::import::{MAX_PIECE_BYTES, Place, Stop};

/// A stream of JSON, consumed token by token or value by value.
pub struct Scanner<'a> {
    input: &'a mut dyn BufRead,
    offset: u64,
    line: u64,
}

impl<'a> Scanner<'a> {
    /// Begins at the start of a file.
    pub fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, offset: 0, line: 1 }
    }

    /// Where the next byte stands.
    pub fn place(&self) -> Place {
        Place { line: Some(self.line), offset: self.offset }
    }

    /// The next byte that is no blank, not consumed; `None` at the end.
    pub fn peek(&mut self) -> Result<Option<u8>, Stop> {
        loop {
            let at_start = self.offset == 0;
            let available = self.available()?;
            let first = *match available.first() {
                Some(first) => first,
                None => return Ok(None),
            };
            let mark = at_start && first == 0xef;
            if !first.is_ascii_whitespace() && !mark {
                return Ok(Some(first));
            }
            // A byte order mark is three bytes long.
            let blanks = if mark {
                3.min(available.len())
            } else {
                let end = available.iter().position(|byte| !byte.is_ascii_whitespace());
                end.unwrap_or(available.len())
            };
            self.consume(blanks, &mut Discard);
        }
    }

    /// Consumes this byte, which must be the next that is no blank.
    pub fn expect(&mut self, byte: u8, what: &str) -> Result<(), Stop> {
        if self.peek()? != Some(byte) {
            return Err(self.malformed(what)?);
        }
        self.consume(1, &mut Discard);
        Ok(())
    }

    /// Consumes this byte if it is the next that is no blank.
    pub fn accept(&mut self, byte: u8) -> Result<bool, Stop> {
        let there = self.peek()? == Some(byte);
        if there {
            self.consume(1, &mut Discard);
        }
        Ok(there)
    }

    /// What to say of the next byte, which is not `what` was to come.
    pub fn malformed(&mut self, what: &str) -> Result<Stop, Stop> {
        let found = match self.peek()? {
            None => "the end".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("{:?}", char::from(byte)),
            Some(byte) => format!("byte 0x{byte:02x}"),
        };
        Ok(Stop::Malformed(self.place(), format!("not JSON: expected {what}, found {found}")))
    }

    /// Consumes a value and hands it over as text, which may be malformed inside.
    pub fn value(&mut self) -> Result<Vec<u8>, Stop> {
        let mut text = Vec::new();
        self.walk(&mut text)?;
        Ok(text)
    }

    /// Consumes a value.
    pub fn skip(&mut self) -> Result<(), Stop> {
        self.walk(&mut Discard)
    }

    fn walk(&mut self, out: &mut dyn Keep) -> Result<(), Stop> {
        if self.peek()?.is_none() {
            return Err(self.malformed("a value")?);
        }
        let start = self.place();
        let mut state = State::default();
        loop {
            let available = self.available()?;
            if available.is_empty() {
                return if state.is_scalar() {
                    Ok(())
                } else {
                    Err(Stop::Malformed(start, "not JSON: the file ends inside this value".into()))
                };
            }
            let end = state.end(available);
            let used = end.unwrap_or(available.len());
            self.consume(used, out);
            if out.kept() > MAX_PIECE_BYTES {
                let message = format!("a value of more than {MAX_PIECE_BYTES} bytes");
                return Err(Stop::Malformed(start, message));
            }
            if end.is_some() {
                return Ok(());
            }
        }
    }

    fn available(&mut self) -> Result<&[u8], Stop> {
        let place = self.place();
        loop {
            // Asked twice, since a buffer that is returned stays borrowed.
            match self.input.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Unreadable(place, error)),
            }
        }
        self.input.fill_buf().map_err(|error| Stop::Unreadable(place, error))
    }

    fn consume(&mut self, count: usize, out: &mut dyn Keep) {
        let bytes = self.input.fill_buf().unwrap_or_default();
        let bytes = bytes.get(..count).unwrap_or(bytes);
        out.keep(bytes);
        self.line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let count = bytes.len();
        self.input.consume(count);
        self.offset += count as u64;
    }
}

/// Where the bytes of a value go.
trait Keep {
    fn keep(&mut self, bytes: &[u8]);
    fn kept(&self) -> usize;
}

impl Keep for Vec<u8> {
    fn keep(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn kept(&self) -> usize {
        self.len()
    }
}

struct Discard;

impl Keep for Discard {
    fn keep(&mut self, _: &[u8]) {}

    fn kept(&self) -> usize {
        0
    }
}

/// How far inside a value the scan is.
#[derive(Debug, Default)]
struct State {
    begun: bool,
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl State {
    /// Whether the value may end with the file: a number or a word.
    fn is_scalar(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }

    /// Where the value ends among these next bytes, if it does.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, &byte) in bytes.iter().enumerate() {
            let outermost = self.depth == 0;
            if self.in_string {
                let closed = !self.escaped && byte == b'"';
                self.escaped = !self.escaped && byte == b'\\';
                self.in_string = !closed;
                if closed && outermost {
                    return Some(index + 1);
                }
                continue;
            }
            match byte {
                b'"' if outermost && self.begun => return Some(index),
                b'"' => self.in_string = true,
                b'{' | b'[' if outermost && self.begun => return Some(index),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if outermost => return Some(index),
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(index + 1);
                    }
                }
                b',' | b':' if outermost => return Some(index),
                _ if outermost && byte.is_ascii_whitespace() => return Some(index),
                _ => {}
            }
            self.begun = true;
        }
        None
    }
}
