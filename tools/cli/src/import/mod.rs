//! Reading the files of other programs.
//!
//! ```text
//! file --inputs--> plain bytes --detect--> lines    (OTLP JSON, one request a line)
//!                                      |-> frames   (OTLP behind 4-byte lengths)
//!                                      |-> document (JSON of any layout: OTLP, Jaeger, Zipkin)
//!                                               \--> pieces --> intake --> the store
//! ```
//!
//! A piece is stored whole or not at all, and memory holds a few of them, never a file. What is
//! malformed is told with the place where it stands; whoever wants to goes on behind it.

mod convert;
mod detect;
mod document;
mod frames;
mod intake;
mod jaeger;
mod join;
mod lines;
mod scan;
mod zipkin;

use std::io::{self, BufRead};
use std::path::Path;

use tracekeep::ResourceSpans;

use crate::failure::{BadInput, Failure};
use crate::inputs::Input;

pub use intake::{Intake, Totals};

/// The largest piece that is read into memory, as large as a request may be.
const MAX_PIECE_BYTES: usize = 256 << 20;

/// Spans to store together.
#[derive(Debug)]
enum Piece {
    /// An OTLP request in protobuf.
    Protobuf(Vec<u8>),
    /// An OTLP request in JSON.
    Json(Vec<u8>),
    /// Converted spans.
    Spans(Vec<ResourceSpans>),
}

/// Where something stands in the plain bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    /// The line, from 1, where lines mean something.
    line: Option<u64>,
    /// The byte, from 0.
    offset: u64,
}

/// What takes pieces, and hears of those that are malformed.
trait Sink {
    /// A piece and where it begins.
    fn piece(&mut self, place: Place, piece: Piece) -> Result<(), Failure>;
    /// Something malformed was left out. Fails unless the import is to go on.
    fn malformed(&mut self, place: Place, message: String) -> Result<(), Failure>;
}

/// Why the rest of a file cannot be read.
#[derive(Debug)]
enum Stop {
    /// It is malformed here, and nothing tells where to go on.
    Malformed(Place, String),
    /// It cannot be read, or unpacked, any further.
    Unreadable(Place, io::Error),
    /// The import ends.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Imports one file.
///
/// # Errors
/// What is malformed, unless the intake keeps going; whatever the store fails with.
pub fn file(path: &Path, intake: &mut Intake) -> Result<(), Failure> {
    let input = match Input::open(path) {
        Ok(input) => input,
        Err(failure) => return intake.unreadable(failure),
    };
    intake.begin(path, input.consumed());
    match pieces(input, intake) {
        Ok(()) => intake.end(),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Malformed(place, message)) => intake.malformed(place, message),
        Err(Stop::Unreadable(place, error)) if error.kind() == io::ErrorKind::OutOfMemory => {
            Err(Failure::Io(format!("{}: byte {}", path.display(), place.offset), error))
        }
        Err(Stop::Unreadable(place, error)) => {
            intake.malformed(place, format!("cannot be read or unpacked any further: {error}"))
        }
    }
}

fn pieces(input: Input, sink: &mut dyn Sink) -> Result<(), Stop> {
    use detect::Format;
    let format = detect::format(input.prefix())
        .map_err(|message| Stop::Malformed(Place::default(), message))?;
    let mut stream: Box<dyn BufRead> = input.into_stream();
    match format {
        Format::Empty => Ok(()),
        Format::Lines => lines::read(stream.as_mut(), sink),
        Format::Frames => frames::read(stream.as_mut(), sink),
        Format::Document => document::read(stream.as_mut(), sink),
    }
}

/// What is malformed at a place of a file.
fn bad_input(file: &Path, place: Place, message: String) -> BadInput {
    BadInput { file: file.to_path_buf(), line: place.line, offset: place.offset, message }
}
