//! OTLP JSON, one request a line, as the Collector's file exporter writes it.

use std::io::{self, BufRead, Read};

use crate::import::{MAX_PIECE_BYTES, Piece, Place, Sink, Stop};

/// Hands every line to `sink`.
pub fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut place = Place { line: Some(1), offset: 0 };
    let mut room = 0;
    loop {
        // Lines are mostly alike: room for the last one spares this one growing.
        let mut line = Vec::with_capacity(room);
        let read = take_line(input, &mut line).map_err(|error| Stop::Unreadable(place, error))?;
        if read == 0 {
            return Ok(());
        }
        room = line.len();
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
    let most = MAX_PIECE_BYTES as u64 + 1;
    let mut consumed = (&mut *input).take(most).read_until(b'\n', line)? as u64;
    if line.pop_if(|last| *last == b'\n').is_none() && consumed == most {
        consumed += input.skip_until(b'\n')? as u64;
    }
    Ok(consumed)
}
