//! Files as streams of plain bytes, whatever they are packed in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::failure::Failure;

/// How many bytes of a stream tell its format.
pub const PREFIX: usize = 64 << 10;

/// Packings inside one another that are taken off; more are no honest file.
const LAYERS: usize = 3;

/// A stream of bytes whose first [`PREFIX`] can be looked at.
pub struct Input {
    prefix: Vec<u8>,
    rest: Box<dyn BufRead>,
    consumed: Arc<AtomicU64>,
}

impl Input {
    /// Opens a file, or stdin for `-`, and unpacks it if its content is gzip or zstd.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let fail = |error| Failure::Io(format!("cannot read {}", path.display()), error);
        let source: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(path).map_err(fail)?;
            if file.metadata().is_ok_and(|meta| meta.is_dir()) {
                return Err(fail(io::ErrorKind::IsADirectory.into()));
            }
            Box::new(file)
        };
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted { source, consumed: Arc::clone(&consumed) };
        let mut input = Self::begin(Box::new(BufReader::with_capacity(PREFIX, counted)), consumed)
            .map_err(fail)?;
        for _ in 0..LAYERS {
            input = match packing(&input.prefix) {
                Some(packing) => input.unpacked(packing).map_err(fail)?,
                None => break,
            };
        }
        Ok(input)
    }

    fn begin(mut rest: Box<dyn BufRead>, consumed: Arc<AtomicU64>) -> io::Result<Self> {
        let mut prefix = Vec::new();
        (&mut rest).take(PREFIX as u64).read_to_end(&mut prefix)?;
        Ok(Self { prefix, rest, consumed })
    }

    fn unpacked(self, packing: Packing) -> io::Result<Self> {
        let consumed = Arc::clone(&self.consumed);
        let packed = self.into_stream();
        let plain: Box<dyn BufRead> = match packing {
            Packing::Gzip => {
                Box::new(BufReader::with_capacity(PREFIX, MultiGzDecoder::new(packed)))
            }
            Packing::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                Box::new(BufReader::with_capacity(PREFIX, decoder))
            }
        };
        Self::begin(plain, consumed)
    }

    /// The first bytes; all of them if there are fewer than [`PREFIX`].
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// How many bytes of the file itself have been read so far.
    pub fn consumed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.consumed)
    }

    /// All of the bytes.
    pub fn into_stream(self) -> Box<dyn BufRead> {
        Box::new(io::Cursor::new(self.prefix).chain(self.rest))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

fn packing(prefix: &[u8]) -> Option<Packing> {
    if prefix.starts_with(&[0x1f, 0x8b]) {
        Some(Packing::Gzip)
    } else if is_zstd(prefix) {
        Some(Packing::Zstd)
    } else {
        None
    }
}

/// Whether these bytes begin a zstd frame, or a skippable one before it.
pub fn is_zstd(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Counts what is read.
struct Counted {
    source: Box<dyn Read>,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.consumed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
