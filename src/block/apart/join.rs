//! Puts records together again.

use crate::base::varint::{read_bytes, read_len, read_u64, write_u64};
use crate::block::apart::{
    Content, END, KNOWN, KNOWN_NUMBERS, Kind, LENGTHS, MAX_BYTES, MAX_DEPTH, Message, NUMBER,
    NUMBERS, OTHERS, STREAMS, STRUCTURE, raw_bytes, stream_of,
};

/// So many records together, and where each ends; `None` if not `len` bytes of a raw page come of
/// them.
pub fn join(bytes: &[u8], count: usize, len: usize) -> Option<(Vec<u8>, Vec<u32>)> {
    if len > MAX_BYTES {
        return None;
    }
    let mut joiner = Joiner {
        streams: split(bytes)?,
        out: Vec::with_capacity(len),
        most: len,
        open: Vec::new(),
    };
    let mut ends = Vec::with_capacity(count.min(bytes.len()));
    let mut raw = 0;
    for _ in 0..count {
        let begin = joiner.out.len();
        joiner.record()?;
        raw += raw_bytes(joiner.out.len() - begin);
        ends.push(u32::try_from(joiner.out.len()).ok()?);
    }
    let is_used = joiner.streams.iter().all(|stream| stream.is_empty());
    (is_used && raw == len).then_some((joiner.out, ends))
}

/// The streams by their ids.
fn split(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut lengths = Vec::new();
    for _ in 0..read_len(&mut bytes)?.min(STREAMS + 1) {
        lengths.push((read_len(&mut bytes)?, read_len(&mut bytes)?));
    }
    let mut streams = vec![&[][..]; STREAMS];
    let mut next = 0;
    for (id, len) in lengths {
        let stream = read_bytes(&mut bytes, len)?;
        if id < next || stream.is_empty() {
            return None;
        }
        *streams.get_mut(id)? = stream;
        next = id + 1;
    }
    bytes.is_empty().then_some(streams)
}

struct Joiner<'a> {
    streams: Vec<&'a [u8]>,
    out: Vec<u8>,
    most: usize,
    /// The messages that have not ended: what each is, the field that it is, where it begins.
    open: Vec<(Message, u64, usize)>,
}

impl<'a> Joiner<'a> {
    fn stream(&mut self, id: usize) -> Option<&mut &'a [u8]> {
        self.streams.get_mut(id)
    }

    /// Appends bytes, of which there are not to be too many.
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.out.extend_from_slice(bytes);
        (self.out.len() <= self.most).then_some(())
    }

    fn push_number(&mut self, number: u64) -> Option<()> {
        write_u64(&mut self.out, number);
        (self.out.len() <= self.most).then_some(())
    }

    fn copy(&mut self, id: usize, len: usize) -> Option<()> {
        let bytes = read_bytes(self.stream(id)?, len)?;
        self.push(bytes)
    }

    fn record(&mut self) -> Option<()> {
        let (&kind, rest) = self.stream(STRUCTURE)?.split_first()?;
        *self.stream(STRUCTURE)? = rest;
        let Some(message) = Kind::of(kind)?.message() else {
            let len = read_len(self.stream(LENGTHS)?)?;
            return self.copy(OTHERS, len);
        };
        let mut numbers = Numbers::default();
        self.open.push((message, 0, self.out.len()));
        while let Some(&(message, parent, begin)) = self.open.last() {
            let tag = read_u64(self.stream(STRUCTURE)?)?;
            if tag == 0 {
                self.open.pop();
                if !self.open.is_empty() {
                    self.close(begin)?;
                }
                continue;
            }
            let field = tag >> 3;
            if tag & 7 == KNOWN {
                let known = read_len(self.stream(STRUCTURE)?)?;
                self.push_number(field << 3)?;
                self.push_number(numbers.known(known)?)?;
                continue;
            }
            self.push_number(tag)?;
            let id = stream_of(parent, field);
            match tag & 7 {
                0 => {
                    let number = read_u64(self.stream(STRUCTURE)?)?;
                    self.push_number(number)?;
                }
                1 => self.copy(id, 8)?,
                5 => self.copy(id, 4)?,
                2 => match message.content(field) {
                    Content::Message(_) if self.open.len() > MAX_DEPTH => return None,
                    Content::Message(inner) => self.open.push((inner, field, self.out.len())),
                    Content::Text => self.text(id, &mut numbers)?,
                    Content::Bytes => {
                        let len = read_len(self.stream(LENGTHS)?)?;
                        self.push_number(len as u64)?;
                        self.copy(id, len)?;
                    }
                },
                3 | 4 => {}
                _ => return None,
            }
        }
        Some(())
    }

    /// Puts the length before what was appended from `begin` on.
    fn close(&mut self, begin: usize) -> Option<()> {
        let end = self.out.len();
        self.push_number(end.checked_sub(begin)? as u64)?;
        let length_bytes = self.out.len() - end;
        self.out.get_mut(begin..)?.rotate_right(length_bytes);
        Some(())
    }

    fn text(&mut self, id: usize, numbers: &mut Numbers) -> Option<()> {
        let stream = *self.stream(id)?;
        let len = stream.iter().position(|&byte| byte == END)?;
        let (text, rest) = stream.split_at_checked(len)?;
        *self.stream(id)? = rest.get(1..)?;
        let begin = self.out.len();
        let mut rest = text;
        loop {
            let plain = rest.iter().position(|&byte| byte >= NUMBER).unwrap_or(rest.len());
            let (plain, behind) = rest.split_at_checked(plain)?;
            self.push(plain)?;
            let Some((&code, behind)) = behind.split_first() else { break };
            let number = match code.checked_sub(NUMBER + 1) {
                Some(known) => numbers.known(usize::from(known))?,
                None => {
                    let number = read_u64(self.stream(NUMBERS)?)?;
                    numbers.keep(number);
                    number
                }
            };
            self.push(decimal(number, &mut [0; 20]))?;
            rest = behind;
        }
        self.close(begin)
    }
}

/// The numbers of a record that can be told again.
#[derive(Default)]
struct Numbers {
    known: [u64; KNOWN_NUMBERS],
    count: usize,
}

impl Numbers {
    fn known(&self, at: usize) -> Option<u64> {
        self.known.get(..self.count)?.get(at).copied()
    }

    fn keep(&mut self, number: u64) {
        if let Some(place) = self.known.get_mut(self.count) {
            *place = number;
            self.count += 1;
        }
    }
}

/// A number in decimal digits, written to the end of `digits`.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut begin = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        begin -= 1;
        if number == 0 {
            break;
        }
    }
    digits.get(begin..).unwrap_or_default()
}
