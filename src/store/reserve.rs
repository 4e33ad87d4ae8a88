//! The reserve: a small file that is given up when the disk is full, so that what makes room on it,
//! which writes a little first, finds the room for that.

use std::path::Path;

use crate::base::error::{Error, Result};
use crate::disk::{Disk, names};

/// Enough for an edit of the manifest, a pin, and what a file system takes for their names.
const RESERVE_BYTES: usize = 64 << 10;

/// Makes the reserve of the store at `root`, unless it is there, if at least `min_free` bytes are
/// left beside it. Best effort: the next opening or drop tries again.
pub(crate) fn keep(disk: &dyn Disk, root: &Path, min_free: u64) {
    let path = root.join(names::RESERVE);
    let make = || -> Result<()> {
        let wanted = min_free.saturating_add(RESERVE_BYTES as u64);
        if disk.exists(&path)? || disk.free_bytes(root)? < wanted {
            return Ok(());
        }
        // Written, not only extended: blocks are to be taken.
        disk.create(&path)?.write_at(0, &[0; RESERVE_BYTES])
    };
    if make().is_err() {
        disk.remove_file(&path).ok();
    }
}

/// Does something that makes room, once more without the reserve if there is none left for it.
pub(crate) fn on_full_disk<R>(
    disk: &dyn Disk,
    root: &Path,
    mut attempt: impl FnMut() -> Result<R>,
) -> Result<R> {
    match attempt() {
        Err(error @ Error::NoSpace { .. }) => {
            disk.remove_file(&root.join(names::RESERVE)).map_err(|_| error)?;
            attempt()
        }
        result => result,
    }
}
