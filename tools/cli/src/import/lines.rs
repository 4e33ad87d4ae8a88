//! OTLP JSON, one request a line, as the Collector's file exporter writes it.

use std::io::{self, BufRead};

use crate::import::{MAX_PIECE_BYTES, Piece, Place, Sink, Stop};

/// Hands every line to `sink`.
pub fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut place = Place { line: Some(1), offset: 0 };
    loop {
        let mut line = Vec::new();
        let read = take_line(input, &mut line).map_err(|error| Stop::Unreadable(place, error))?;
        if read == 0 {
            return Ok(());
        }
        let mut start = place;
        if place.offset == 0 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
            start.offset = 3;
        }
        if line.len() > MAX_PIECE_BYTES {
            let message = format!("the line is longer than {MAX_PIECE_BYTES} bytes");
            sink.malformed(start, message)?;
        } else {
            match line.trim_ascii_start().first() {
                None => {}
                Some(b'{') => sink.piece(start, Piece::Json(line))?,
                Some(_) => sink.malformed(start, "the line is no JSON object".into())?,
            }
        }
        place.offset += read;
        place.line = place.line.map(|line| line + 1);
    }
}

/// Reads a line without its end; of one that is too long only so much that this shows. Returns
/// the bytes consumed.
fn take_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    let mut consumed = 0;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = available.iter().position(|byte| *byte == b'\n');
        let text = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let room = (MAX_PIECE_BYTES + 1).saturating_sub(line.len());
        line.extend_from_slice(text.get(..room).unwrap_or(text));
        let used = text.len() + usize::from(end.is_some());
        input.consume(used);
        consumed += used as u64;
        if end.is_some() || used == 0 {
            return Ok(consumed);
        }
    }
}
