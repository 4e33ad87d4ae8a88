//! What lies in the store's folders that the manifest does not know of: found at opening.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, Result};
use crate::catalog::version::{PartitionKey, Version};
use crate::disk::{Disk, names};

/// Where and as what files are set aside.
#[derive(Debug)]
struct Lost<'a> {
    disk: &'a dyn Disk,
    dir: PathBuf,
    mode: u32,
}

/// Sets aside what was never published, and returns the segments that the manifest knew once and
/// removed, with their partitions.
pub fn tidy(
    disk: &dyn Disk,
    root: &Path,
    mode: u32,
    version: &Version,
) -> Result<Vec<(PartitionKey, u64)>> {
    let lost = Lost { disk, dir: root.join(names::LOST_DIR), mode };
    lost.forget_unfinished()?;
    let mut removed = Vec::new();
    for entry in disk.list(root)? {
        if !entry.is_dir {
            if names::is_tmp(&entry.name) {
                lost.set_aside(&root.join(&entry.name), &entry.name)?;
            }
            continue;
        }
        let Some((start_nanos, width_nanos)) = names::parse_partition(&entry.name) else {
            continue;
        };
        let key = PartitionKey { start_nanos, width_nanos };
        let dir = root.join(&entry.name);
        for file in disk.list(&dir)? {
            let as_name = format!("{}-{}", entry.name, file.name);
            let path = dir.join(&file.name);
            let segment = names::parse_segment(&file.name);
            match segment.or_else(|| names::parse_ids(&file.name)) {
                Some(id) if version.contains(&key, id) => {}
                Some(id) if id < version.next_segment_id => removed.push((key, id)),
                Some(_) if segment.is_some() => lost.set_aside(&path, &as_name)?,
                // It holds nothing that its segment does not say too.
                Some(_) => lost.set_aside(&path, &names::tmp(&as_name))?,
                None if names::is_tmp(&file.name) => lost.set_aside(&path, &as_name)?,
                None => {}
            }
        }
        // Fails, as it should, while anything is left.
        disk.remove_dir(&dir).ok();
    }
    removed.sort_unstable();
    removed.dedup();
    Ok(removed)
}

impl Lost<'_> {
    /// Removes the unfinished files that an earlier opening set aside.
    fn forget_unfinished(&self) -> Result<()> {
        if !self.disk.exists(&self.dir)? {
            return Ok(());
        }
        for entry in self.disk.list(&self.dir)? {
            if names::is_tmp(&entry.name) {
                self.disk.remove_file(&self.dir.join(&entry.name))?;
            }
        }
        Ok(())
    }

    /// Moves a file here under a free name. On a full disk it stays where it is, where it does no
    /// harm: the next opening tries again.
    fn set_aside(&self, path: &Path, name: &str) -> Result<()> {
        let mut to = self.dir.join(name);
        let mut copy = 0u64;
        while self.disk.exists(&to)? {
            copy += 1;
            to = self.dir.join(format!("{copy}-{name}"));
        }
        let made = self.disk.create_dir_all(&self.dir, self.mode);
        match made.and_then(|()| self.disk.rename(path, &to)) {
            Err(Error::NoSpace { .. }) => Ok(()),
            result => result,
        }
    }
}
