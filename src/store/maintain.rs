//! Executing a job: new files, the manifest's edit, the state's change, and tidying up.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::base::observer::{Job, StoreEvent};
use crate::base::time::Timestamp;
use crate::catalog::{Edit, PartitionKey, SegmentEntry};
use crate::segment::SegmentOptions;
use crate::store::engine::{Engine, lock};
use crate::store::held::{self, Held};
use crate::store::state::{Buffer, Partition, State};
use crate::upkeep::flush;
use crate::upkeep::sink::Sink;

/// The part of the memory budget that a merge's builder may take before its segment is cut.
const MERGE_SHARE: usize = 4;

/// Changes a state, given the segments that an edit adds.
type Change<'a> = dyn FnMut(&mut State, &mut Vec<(PartitionKey, Held)>) + 'a;

/// A sealed buffer to be flushed.
struct Due<'a> {
    key: PartitionKey,
    partition: &'a Partition,
    buffer: &'a Buffer,
    first: u64,
    last: u64,
}

impl<'a> Due<'a> {
    /// The oldest sealed buffer of a partition, if there is one.
    fn of(state: &'a State, key: PartitionKey) -> Option<Self> {
        let partition = state.partitions().get(&key)?;
        let buffer = partition.sealed.first()?;
        let (first, last) = buffer.seqs?;
        Some(Self { key, partition, buffer, first, last })
    }
}

impl Engine {
    /// Writes the oldest sealed buffers of these partitions as segments. They share one edit of the
    /// manifest, so that thousands of small ones do not cost thousands of its syncs.
    pub(crate) fn flush_partitions(self: &Arc<Self>, keys: &[PartitionKey]) -> Result<()> {
        let begin = Instant::now();
        let state = self.state();
        let due: Vec<Due<'_>> = keys.iter().filter_map(|key| Due::of(&state, *key)).collect();
        let Some(through) = due.iter().map(|due| due.last).max() else { return Ok(()) };
        let partition = keys.first().map_or(Timestamp::ZERO, PartitionKey::first);
        self.watch.tell(&StoreEvent::Began { job: Job::Flush, partition });
        self.sync_through(through)?;
        let mut add = Vec::new();
        let written = self.write_buffers(&due, &mut add);
        if let Err(error) = written {
            self.remove_unpublished(&add);
            return Err(error);
        }
        let (spans, bytes) = add.iter().fold((0, 0), |(spans, bytes), (_, entry)| {
            (spans + entry.summary.rows, bytes + entry.bytes)
        });
        let flushed = due.iter().map(|due| (due.first, due.key)).collect();
        let floor = self.log_floor_without(&flushed, through);
        let edit = Edit {
            add,
            flushed: due.iter().map(|due| (due.key, due.last)).collect(),
            log_floor: Some(floor),
            ..Edit::default()
        };
        self.apply(edit, &mut |state, opened| {
            for due in &due {
                state.change(due.key, |partition| partition.sealed.remove(0));
            }
            for (key, held) in opened.drain(..) {
                state.change(key, |partition| partition.segments.push(held));
            }
        })?;
        self.log.release(floor)?;
        let (partitions, took) = (due.len() as u64, begin.elapsed());
        self.watch.tell(&StoreEvent::Flushed { partitions, spans, bytes, took });
        Ok(())
    }

    /// Writes each buffer; `add` tells which segments there are, also after an error.
    fn write_buffers(
        &self,
        due: &[Due<'_>],
        add: &mut Vec<(PartitionKey, SegmentEntry)>,
    ) -> Result<()> {
        let next_id = || self.segment_id();
        let mut made_folder = false;
        for due in due {
            let held = held::sound(due.partition.segments.iter())?;
            let sink = self.sink(due.key, Effort::Quick, &next_id);
            let mut written = |entry| add.push((due.key, entry));
            flush::flush(due.buffer.spans.groups(), &held, &sink, &mut written)?;
            made_folder |= sink.made_folder.get();
        }
        self.sync_folders(made_folder)
    }

    /// Makes the names of new partitions' folders durable.
    pub(crate) fn sync_folders(&self, are_new: bool) -> Result<()> {
        if are_new { self.environment.disk.sync_dir(&self.root) } else { Ok(()) }
    }

    /// The log's frames up to this one are needed no longer, once these buffers are not: they are
    /// told by their first frames, and `through` is the last of all.
    ///
    /// Frames are shown in the order of their sequences, so one that is not shown yet has a higher
    /// one than any in a buffer.
    pub(crate) fn log_floor_without(
        &self,
        buffers: &BTreeSet<(u64, PartitionKey)>,
        through: u64,
    ) -> u64 {
        let oldest = lock(&self.agenda).first_frame_without(buffers);
        oldest.map_or(through, |seq| seq - 1)
    }

    /// Removes segments that were written and cannot be published, so that a retry finds room.
    pub(crate) fn remove_unpublished(&self, added: &[(PartitionKey, SegmentEntry)]) {
        for (key, entry) in added {
            // Best effort: the next opening finds them too.
            let disk = self.environment.disk.as_ref();
            disk.remove_file(&key.segment_path(&self.root, entry.id)).ok();
            disk.remove_file(&key.ids_path(&self.root, entry.id)).ok();
        }
    }

    /// No segment is published before the log is durable through its last frame (P2): else a
    /// crash could keep the segment's part of a batch and lose the rest.
    pub(crate) fn sync_through(&self, seq: u64) -> Result<()> {
        if self.log.synced_seq() < seq {
            self.log.sync().map_err(|error| self.commit_failed(&error))?;
        }
        Ok(())
    }

    /// What a merge's builder may take before its segment is cut.
    pub(crate) fn builder_bytes(&self) -> usize {
        self.resources.memory_bytes() / MERGE_SHARE
    }

    pub(crate) fn sink<'a>(
        &'a self,
        partition: PartitionKey,
        effort: Effort,
        next_id: &'a dyn Fn() -> u64,
    ) -> Sink<'a> {
        Sink {
            disk: self.environment.disk.as_ref(),
            executor: self.environment.executor.as_ref(),
            root: &self.root,
            partition,
            segment: SegmentOptions {
                block_rows: self.options.block_rows,
                page_bytes: self.options.page_bytes,
                effort,
            },
            builder_bytes: self.builder_bytes(),
            mode: self.options.mode,
            next_id,
            made_folder: Cell::new(false),
        }
    }

    /// Makes `edit` durable and `change`s the state accordingly, given the opened new segments.
    pub(crate) fn apply(&self, edit: Edit, change: &mut Change<'_>) -> Result<()> {
        let open = |(key, entry): &(PartitionKey, SegmentEntry)| {
            Ok((*key, Held::new(entry.id, self.opener.open(*key, entry)?)))
        };
        let mut opened = edit.add.iter().map(open).collect::<Result<Vec<_>>>()?;
        // Held until the state shows the version, so that versions are shown in their order.
        let mut catalog = lock(&self.catalog);
        let version = match catalog.apply(&edit) {
            Ok(version) => version,
            // Nothing has changed: the new files go, so that a retry finds room.
            Err(error @ (Error::NoSpace { .. } | Error::InvalidInput { .. })) => {
                self.remove_unpublished(&edit.add);
                return Err(error);
            }
            Err(error) => return Err(self.poisoned_by(&error)),
        };
        self.publish(|state| {
            state.version = Arc::clone(&version);
            change(state, &mut opened);
        });
        Ok(())
    }

    /// Unlinks files that no version in use names, now and again until all are gone.
    pub(crate) fn unlink_obsolete(self: &Arc<Self>) {
        let left = {
            let mut catalog = lock(&self.catalog);
            // What cannot be unlinked is found by the next opening, if not before.
            catalog.sweep().ok();
            catalog.obsolete_files()
        };
        if left > 0 {
            self.arm_sweep();
        }
    }
}
