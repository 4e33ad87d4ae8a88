//! Small JSON requests joined into larger ones: a commit costs more than a span, and a dump has
//! one span a line.

use tracekeep::Error;
use tracekeep::convert::otlp_json_to_protobuf;

use crate::import::Place;

/// Texts from this size on are requests of their own.
const SMALL_BYTES: usize = 32 << 10;

/// What is joined before it is stored: a few hundred spans, which no commit is felt among.
const JOINED_BYTES: usize = 256 << 10;

/// Requests that wait to be stored together.
#[derive(Debug, Default)]
pub struct Joined {
    /// The request that they make together: of protobuf, where joining is just that.
    request: Vec<u8>,
    /// Each as it came, in case one of them is to blame.
    parts: Vec<(Place, Vec<u8>)>,
    text_bytes: usize,
}

impl Joined {
    /// Whether a JSON request of so many bytes should be joined with others.
    pub const fn takes(text: &[u8]) -> bool {
        text.len() < SMALL_BYTES
    }

    /// Adds a request. Fails, and adds nothing, if it is malformed.
    pub fn add(&mut self, place: Place, text: Vec<u8>) -> Result<(), Error> {
        self.request.extend_from_slice(&otlp_json_to_protobuf(&text)?);
        self.text_bytes += text.len();
        self.parts.push((place, text));
        Ok(())
    }

    /// Whether it is time to store.
    pub const fn is_full(&self) -> bool {
        self.text_bytes >= JOINED_BYTES
    }

    /// The joined request, and the requests that it consists of.
    pub fn take(&mut self) -> (Vec<u8>, Vec<(Place, Vec<u8>)>) {
        let Self { request, parts, .. } = std::mem::take(self);
        (request, parts)
    }
}
