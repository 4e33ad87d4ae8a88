//! Takes records apart.

use crate::base::varint::{read_bytes, read_prefixed, read_u64, write_u64};
use crate::block::apart::{
    Content, DIGITS, END, KNOWN, KNOWN_NUMBERS, Kind, LENGTHS, MAX_DEPTH, Message, NUMBER, NUMBERS,
    OTHERS, STREAMS, STRUCTURE, join, raw_bytes, stream_of,
};

/// The records taken apart; `None` where that would not give back every byte.
pub fn take<'a>(records: impl Iterator<Item = (Kind, &'a [u8])> + Clone) -> Option<Vec<u8>> {
    let mut taker = Taker { streams: vec![Vec::new(); STREAMS], numbers: Vec::new() };
    let (mut count, mut len) = (0, 0);
    for (kind, record) in records.clone() {
        taker.record(kind, record)?;
        count += 1;
        len += raw_bytes(record.len());
    }
    let out = taker.finish();
    // Unknown fields may be encoded otherwise than numbers are written here.
    let (joined, ends) = join(&out, count, len)?;
    let mut begin = 0;
    let is_same = records.zip(&ends).all(|((_, record), &end)| {
        let own = joined.get(begin as usize..end as usize);
        begin = end;
        own == Some(record)
    });
    is_same.then_some(out)
}

struct Taker {
    streams: Vec<Vec<u8>>,
    /// Of the record at hand.
    numbers: Vec<u64>,
}

impl Taker {
    fn stream(&mut self, id: usize) -> Option<&mut Vec<u8>> {
        self.streams.get_mut(id)
    }

    fn record(&mut self, kind: Kind, record: &[u8]) -> Option<()> {
        self.stream(STRUCTURE)?.push(kind as u8);
        self.numbers.clear();
        match kind.message() {
            Some(message) => self.message(message, 0, record, 0),
            None => self.bytes(OTHERS, record),
        }
    }

    fn bytes(&mut self, id: usize, bytes: &[u8]) -> Option<()> {
        write_u64(self.stream(LENGTHS)?, bytes.len() as u64);
        self.stream(id)?.extend_from_slice(bytes);
        Some(())
    }

    /// Recurses as deep as messages nest, which is bounded.
    fn message(&mut self, message: Message, parent: u64, bytes: &[u8], depth: usize) -> Option<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let tag = read_u64(&mut rest)?;
            let field = tag >> 3;
            if tag & 7 == 0 && field > 0 {
                self.varint(field, read_u64(&mut rest)?)?;
                continue;
            }
            write_u64(self.stream(STRUCTURE)?, tag);
            let id = stream_of(parent, field);
            match tag & 7 {
                _ if field == 0 => return None,
                1 => self.stream(id)?.extend_from_slice(read_bytes(&mut rest, 8)?),
                5 => self.stream(id)?.extend_from_slice(read_bytes(&mut rest, 4)?),
                2 => {
                    let value = read_prefixed(&mut rest)?;
                    match message.content(field) {
                        Content::Message(_) if depth >= MAX_DEPTH => return None,
                        Content::Message(inner) => self.message(inner, field, value, depth + 1)?,
                        Content::Text => self.text(id, value)?,
                        Content::Bytes => self.bytes(id, value)?,
                    }
                }
                // The ends of groups: their fields are taken for the message's own.
                3 | 4 => {}
                _ => return None,
            }
        }
        self.stream(STRUCTURE)?.push(0);
        Some(())
    }

    fn varint(&mut self, field: u64, number: u64) -> Option<()> {
        let known = self.numbers.iter().position(|&own| own == number);
        let structure = self.stream(STRUCTURE)?;
        write_u64(structure, field << 3 | if known.is_some() { KNOWN } else { 0 });
        write_u64(structure, known.map_or(number, |known| known as u64));
        Some(())
    }

    fn text(&mut self, id: usize, text: &[u8]) -> Option<()> {
        if text.iter().any(|&byte| byte >= NUMBER) {
            return None;
        }
        let mut rest = text;
        while let Some((&first, behind)) = rest.split_first() {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
            let len = digits.take(*DIGITS.end()).count();
            if first == b'0' || len < *DIGITS.start() {
                self.stream(id)?.push(first);
                rest = behind;
                continue;
            }
            let (digits, behind) = rest.split_at_checked(len)?;
            let number = digits.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'));
            let code = self.number(number)?;
            self.stream(id)?.push(code);
            rest = behind;
        }
        self.stream(id)?.push(END);
        Some(())
    }

    /// The byte that stands for a number.
    fn number(&mut self, number: u64) -> Option<u8> {
        if let Some(known) = self.numbers.iter().position(|&own| own == number) {
            return Some(NUMBER + 1 + known as u8);
        }
        if self.numbers.len() < KNOWN_NUMBERS {
            self.numbers.push(number);
        }
        write_u64(self.stream(NUMBERS)?, number);
        Some(NUMBER)
    }

    fn finish(self) -> Vec<u8> {
        let used = || self.streams.iter().enumerate().filter(|(_, stream)| !stream.is_empty());
        let mut out = Vec::new();
        write_u64(&mut out, used().count() as u64);
        for (id, stream) in used() {
            write_u64(&mut out, id as u64);
            write_u64(&mut out, stream.len() as u64);
        }
        used().for_each(|(_, stream)| out.extend_from_slice(stream));
        out
    }
}
