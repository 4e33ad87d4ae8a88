//! Locks that say who holds them.

use std::path::Path;

use crate::base::error::{Error, Result};
use crate::disk::{Disk, FileLock, LockKind};

/// The longest name of a holder that is read back; what is longer was not written here.
const MAX_HOLDER_BYTES: usize = 256;

/// Takes the exclusive lock at `path` and writes `holder` into it, or says who has it.
///
/// # Errors
/// `Locked`, naming the other holder, if it is taken.
pub fn hold(disk: &dyn Disk, path: &Path, holder: &str) -> Result<Box<dyn FileLock>> {
    let Some(lock) = disk.lock(path, LockKind::Exclusive)? else {
        return Err(Error::Locked { by: self::holder(disk, path) });
    };
    // The lock holds without its content, and a store must open on a full disk.
    let _ = lock.write_holder(holder);
    Ok(lock)
}

/// The holder that the lock file at `path` names. Whether it still holds the lock is another
/// question: the content stays when the lock goes.
pub fn holder(disk: &dyn Disk, path: &Path) -> String {
    let named = disk.read(path).ok().and_then(|bytes| {
        let text = String::from_utf8(bytes).ok()?;
        let line = text.lines().next()?.trim();
        let fit = !line.is_empty() && line.len() <= MAX_HOLDER_BYTES;
        (fit && !line.chars().any(char::is_control)).then(|| line.to_owned())
    });
    named.unwrap_or_else(|| "an unknown process".to_owned())
}

/// How this process names itself in a lock file.
pub fn this_process() -> String {
    format!("process {}", std::process::id())
}
