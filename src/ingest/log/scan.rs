//! Walks the frames of the log's files in order, and tells damage from a torn tail.

use std::path::Path;

use crate::base::error::{Error, Result};
use crate::disk::Disk;
use crate::ingest::log::files::LogFile;
use crate::ingest::log::frame;
use crate::ingest::log::header::FIRST_FRAME;

/// How much is read at once; a longer frame is gathered from several reads, so that its claimed
/// length costs memory only as far as there are bytes.
const READ_BYTES: usize = 256 << 10;

const SECTION: &str = "log frame";

/// Takes a frame's sequence and payload.
pub type Visit<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<()>;

/// A place between two frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's number; 0 where there is no file yet.
    pub file: u64,
    /// The offset in it.
    pub offset: u64,
    /// The sequence of the frame that begins there.
    pub seq: u64,
}

/// Why a walk ended early.
#[derive(Debug)]
pub enum Stopped {
    /// Frames that were asked for are in none of the files.
    Gap(Error),
    /// A file cannot be read or is damaged.
    Log(Error),
    /// The visitor failed.
    Visit(Error),
}

impl Stopped {
    /// The error, whoever is at fault.
    pub fn into_error(self) -> Error {
        let (Self::Gap(error) | Self::Log(error) | Self::Visit(error)) = self;
        error
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Log(error)
    }
}

/// Gives every frame from sequence `from.seq` on to `visit`, and returns the place behind the last.
/// `from.file` and `from.offset` are a hint where that frame begins, used while the file lives.
pub fn walk(
    disk: &dyn Disk,
    dir: &Path,
    files: &[LogFile],
    from: Place,
    visit: Visit<'_>,
) -> Result<Place, Stopped> {
    let mut place = from;
    let mut begun = false;
    for (at, file) in files.iter().enumerate() {
        let next = files.get(at + 1).map(|next| next.header.first_seq);
        if next.is_some_and(|next| next <= from.seq) {
            continue;
        }
        let first = file.header.first_seq;
        if (begun && first != place.seq) || (!begun && first > from.seq) {
            return Err(gap(&file.path, place.seq, first));
        }
        begun = true;
        place = if from.file == file.header.number && from.offset >= FIRST_FRAME {
            from
        } else {
            Place { file: file.header.number, offset: FIRST_FRAME, seq: first }
        };
        let mut frames = Frames::new(disk, &file.path, place);
        while next.is_none_or(|next| frames.place.seq < next) {
            let offset = frames.place.offset;
            match frames.next()? {
                Ok((seq, payload)) if seq >= from.seq => {
                    visit(seq, payload).map_err(Stopped::Visit)?;
                }
                Ok(_) => {}
                // A torn tail: never acknowledged as synced.
                Err(_) if next.is_none() && offset >= file.header.synced_end => break,
                Err(detail) => {
                    return Err(Error::corrupt(&file.path, offset, SECTION, detail).into());
                }
            }
        }
        place = frames.place;
    }
    if place.seq < from.seq || (!begun && from.seq > 1) {
        return Err(gap(dir, place.seq, from.seq));
    }
    Ok(place)
}

fn gap(path: &Path, wanted: u64, found: u64) -> Stopped {
    let detail = format!(
        "frame {wanted} is wanted, but the log goes on with {found}: a file is gone or cut off"
    );
    Stopped::Gap(Error::corrupt(path, 0, "log", detail))
}

/// The frames of one file, read piece by piece.
struct Frames<'a> {
    disk: &'a dyn Disk,
    path: &'a Path,
    /// What has been read and not passed yet begins at `read_to`.
    buffer: Vec<u8>,
    passed: usize,
    /// Where in the file the buffer ends.
    buffer_end: u64,
    place: Place,
}

impl<'a> Frames<'a> {
    fn new(disk: &'a dyn Disk, path: &'a Path, place: Place) -> Self {
        Self { disk, path, buffer: Vec::new(), passed: 0, buffer_end: place.offset, place }
    }

    /// The next frame's sequence and payload, or what is wrong with it.
    fn next(&mut self) -> Result<Result<(u64, &[u8]), &'static str>> {
        let Place { file, seq, .. } = self.place;
        let header = self.ahead(frame::HEADER_BYTES)?;
        let len = match frame::payload_len(header, file, seq) {
            Ok(len) => len,
            Err(detail) => return Ok(Err(detail)),
        };
        let whole = self.ahead(frame::HEADER_BYTES + len)?.len();
        if whole < frame::HEADER_BYTES + len {
            return Ok(Err("missing bytes"));
        }
        let bytes = self.buffer.get(self.passed..self.passed + whole).unwrap_or_default();
        let Some((header, payload)) = bytes.split_at_checked(frame::HEADER_BYTES) else {
            return Ok(Err("missing bytes"));
        };
        if !frame::check(header, payload) {
            return Ok(Err("checksum mismatch"));
        }
        self.passed += whole;
        self.place.offset += whole as u64;
        self.place.seq += 1;
        Ok(Ok((seq, payload)))
    }

    /// The next `len` bytes, fewer at the end of the file.
    fn ahead(&mut self, len: usize) -> Result<&[u8]> {
        while self.buffer.len() - self.passed < len {
            self.buffer.drain(..self.passed);
            self.passed = 0;
            let more = self.disk.read_part(self.path, self.buffer_end, READ_BYTES)?;
            if more.is_empty() {
                break;
            }
            self.buffer_end += more.len() as u64;
            self.buffer.extend_from_slice(&more);
        }
        let ahead = self.buffer.get(self.passed..).unwrap_or_default();
        Ok(ahead.get(..len).unwrap_or(ahead))
    }
}
