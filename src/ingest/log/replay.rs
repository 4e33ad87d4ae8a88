//! Reading the log beside its writer, from another process.

use std::path::Path;

use crate::base::error::{Error, Result};
use crate::disk::Disk;
use crate::ingest::log::files;
use crate::ingest::log::scan::{Place, Stopped, Visit, walk};

/// How far a reader has come, so that the next replay goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(Place);

impl Cursor {
    /// Begins with frame `seq`.
    pub const fn at(seq: u64) -> Self {
        Self(Place { file: 0, offset: 0, seq })
    }

    /// The sequence of the next frame.
    #[cfg(test)]
    pub const fn next_seq(&self) -> u64 {
        self.0.seq
    }
}

/// How a replay beside a writer went.
#[derive(Debug)]
pub enum Replayed {
    /// Every frame that was acknowledged before the replay began has been given, and perhaps
    /// later ones; the cursor stands behind the last.
    Whole(Cursor),
    /// The writer released or recycled files before or meanwhile: what has been given is to be
    /// forgotten. Read the catalog again and replay from its sequence; if that fails some dozen
    /// times, the frames are really gone, and the error stands.
    Moved(Error),
}

/// Gives every frame from `from` on to `visit`, in order, without hindering the writer.
///
/// The writer renames a file before it overwrites it, oldest first. So if the oldest file that was
/// read still bears its name in the end, all of them were whole while they were read.
pub fn replay(disk: &dyn Disk, dir: &Path, from: Cursor, visit: Visit<'_>) -> Result<Replayed> {
    let listing = files::list(disk, dir)?;
    let walked = files::headers(disk, dir, &listing).map_err(Stopped::Log).and_then(|files| {
        let end = walk(disk, dir, &files, from.0, visit)?;
        let oldest = files.iter().rfind(|file| file.header.first_seq <= from.0.seq);
        Ok((end, oldest.map(|file| file.path.clone())))
    });
    match walked {
        Ok((end, Some(oldest))) if !disk.exists(&oldest)? => {
            let detail = "the file was recycled while it was read";
            Ok(Replayed::Moved(Error::corrupt(&oldest, end.offset, "log", detail)))
        }
        Ok((end, _)) => Ok(Replayed::Whole(Cursor(end))),
        Err(Stopped::Visit(error)) => Err(error),
        Err(Stopped::Gap(error)) => Ok(Replayed::Moved(error)),
        Err(Stopped::Log(error)) => {
            let now = files::list(disk, dir)?;
            let moved = !now.logs.iter().map(|log| log.0).eq(listing.logs.iter().map(|log| log.0));
            if moved { Ok(Replayed::Moved(error)) } else { Err(error) }
        }
    }
}
