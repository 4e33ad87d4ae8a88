//! OTLP requests, each behind its length in 4 big-endian bytes, as the Collector's file exporter
//! writes them: protobuf or JSON, plain or zstd.

use std::io::{self, BufRead, Read};

use crate::import::{MAX_PIECE_BYTES, Piece, Place, Sink, Stop};
use crate::inputs::is_zstd;

/// Hands every message to `sink`.
pub fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut place = Place::default();
    loop {
        let start = place;
        let unreadable = |error| Stop::Unreadable(start, error);
        let header = take(input, 4).map_err(unreadable)?;
        if header.is_empty() {
            return Ok(());
        }
        let Ok(header) = <[u8; 4]>::try_from(header) else {
            return Err(Stop::Malformed(place, "the file ends inside a message's length".into()));
        };
        let length = u32::from_be_bytes(header) as usize;
        if length > MAX_PIECE_BYTES {
            let message = format!("a message of {length} bytes; at most {MAX_PIECE_BYTES} fit");
            return Err(Stop::Malformed(place, message));
        }
        place.offset += 4;
        let message = take(input, length).map_err(unreadable)?;
        if message.len() < length {
            let ends =
                format!("the file ends after {} of a message's {length} bytes", message.len());
            return Err(Stop::Malformed(place, ends));
        }
        match unpacked(message) {
            Ok(message) if message.trim_ascii_start().first() == Some(&b'{') => {
                sink.piece(place, Piece::Json(message))?;
            }
            Ok(message) => sink.piece(place, Piece::Protobuf(message))?,
            Err(problem) => sink.malformed(place, problem)?,
        }
        place.offset += length as u64;
    }
}

/// So many bytes, or fewer at the end. Memory grows with what is there, not with what is claimed.
///
/// Copied from the input's own buffer: to be read into, memory would have to be cleared before.
fn take(input: &mut dyn BufRead, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length.min(1 << 20));
    while bytes.len() < length {
        let there = match input.fill_buf() {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let taken = there.len().min(length - bytes.len());
        if taken == 0 {
            break;
        }
        bytes.extend_from_slice(there.get(..taken).unwrap_or_default());
        input.consume(taken);
    }
    Ok(bytes)
}

fn unpacked(message: Vec<u8>) -> Result<Vec<u8>, String> {
    if !is_zstd(&message) {
        return Ok(message);
    }
    let mut plain = Vec::new();
    let most = MAX_PIECE_BYTES as u64 + 1;
    let read = zstd::stream::read::Decoder::new(message.as_slice())
        .and_then(|decoder| decoder.take(most).read_to_end(&mut plain));
    match read {
        Ok(_) if plain.len() > MAX_PIECE_BYTES => {
            Err(format!("a message unpacks to more than {MAX_PIECE_BYTES} bytes"))
        }
        Ok(_) => Ok(plain),
        Err(error) => Err(format!("a message does not unpack: {error}")),
    }
}
