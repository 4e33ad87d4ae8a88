//! Executing a job: new files, the manifest's edit, the state's change, and tidying up.

use std::sync::Arc;
use std::time::Instant;

use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::base::observer::{Job, StoreEvent};
use crate::catalog::{Edit, PartitionKey, SegmentEntry};
use crate::segment::SegmentOptions;
use crate::store::engine::{Engine, lock};
use crate::store::held::Held;
use crate::store::state::State;
use crate::upkeep::sink::Sink;
use crate::upkeep::{flush, merge};

/// The part of the memory budget that a merge's builder may take before its segment is cut.
const MERGE_SHARE: usize = 4;

impl Engine {
    /// Writes the partition's oldest sealed buffer as segments.
    pub(crate) fn flush_partition(self: &Arc<Self>, key: PartitionKey) -> Result<()> {
        let state = self.state();
        let begin = Instant::now();
        let Some(partition) = state.partitions().get(&key) else { return Ok(()) };
        let Some((buffer, (_, last))) =
            partition.sealed.first().and_then(|buffer| Some((buffer, buffer.seqs?)))
        else {
            return Ok(());
        };
        self.watch.tell(&StoreEvent::Began { job: Job::Flush, partition: key.first() });
        self.sync_through(last)?;
        let held: Vec<_> =
            partition.segments.iter().filter_map(|held| held.segment().cloned()).collect();
        let next_id = || self.segment_id();
        let added =
            flush::flush(buffer.spans.groups(), &held, &self.sink(key, Effort::Quick, &next_id))?;
        let (spans, bytes) = added.iter().fold((0, 0), |(spans, bytes), entry| {
            (spans + entry.summary.rows, bytes + entry.bytes)
        });
        let edit = Edit {
            add: added.into_iter().map(|entry| (key, entry)).collect(),
            flushed: vec![(key, last)],
            log_floor: Some(self.state().log_floor_without(key, last)),
            ..Edit::default()
        };
        let floor = edit.log_floor.unwrap_or_default();
        self.apply(edit, &mut |state, opened| {
            state.change(key, |partition| {
                partition.sealed.remove(0);
                partition.segments.append(opened);
            });
        })?;
        lock(&self.log).release(floor)?;
        let took = begin.elapsed();
        self.watch.tell(&StoreEvent::Flushed { partitions: 1, spans, bytes, took });
        Ok(())
    }

    /// Replaces these segments of the partition by the merge of them.
    pub(crate) fn merge_segments(self: &Arc<Self>, key: PartitionKey, ids: &[u64]) -> Result<()> {
        let begin = Instant::now();
        let state = self.state();
        let Some(partition) = state.partitions().get(&key) else { return Ok(()) };
        self.watch.tell(&StoreEvent::Began { job: Job::Merge, partition: key.first() });
        let inputs: Vec<_> = partition
            .segments
            .iter()
            .filter(|held| ids.contains(&held.id))
            .map(|held| held.sound().cloned())
            .collect::<Result<_>>()?;
        let next_id = || self.segment_id();
        let cancelled = || self.is_closed();
        let added = merge::merge(&inputs, &self.sink(key, Effort::Thorough, &next_id), &cancelled)?;
        let bytes_read = inputs.iter().map(|segment| segment.summary().bytes).sum();
        let bytes_written = added.iter().map(|entry| entry.bytes).sum();
        let outputs: Vec<u64> = added.iter().map(|entry| entry.id).collect();
        // One that was only written anew can still be merged with others.
        if inputs.len() > 1 {
            self.jobs.settle(inputs.len(), &outputs);
        }
        let edit = Edit {
            add: added.into_iter().map(|entry| (key, entry)).collect(),
            remove: ids.to_vec(),
            ..Edit::default()
        };
        drop((inputs, state));
        self.apply(edit, &mut |state, opened| {
            state.change(key, |partition| {
                partition.segments.retain(|held| !ids.contains(&held.id));
                partition.segments.append(opened);
                partition.segments.sort_by_key(|held| held.id);
            });
        })?;
        self.unlink_obsolete();
        self.watch.tell(&StoreEvent::Merged {
            partition: key.first(),
            inputs: ids.len() as u64,
            bytes_read,
            outputs: outputs.len() as u64,
            bytes_written,
            took: begin.elapsed(),
        });
        Ok(())
    }

    /// No segment is published before the log is durable through its last frame (P2): else a
    /// crash could keep the segment's part of a batch and lose the rest.
    fn sync_through(&self, seq: u64) -> Result<()> {
        let mut log = lock(&self.log);
        if log.synced_seq() < seq {
            log.sync().map_err(|error| self.commit_failed(&error))?;
        }
        Ok(())
    }

    fn sink<'a>(
        &'a self,
        partition: PartitionKey,
        effort: Effort,
        next_id: &'a dyn Fn() -> u64,
    ) -> Sink<'a> {
        Sink {
            disk: self.environment.disk.as_ref(),
            root: &self.root,
            partition,
            segment: SegmentOptions {
                block_rows: self.options.block_rows,
                page_bytes: self.options.page_bytes,
                effort,
            },
            builder_bytes: self.options.memory_bytes / MERGE_SHARE,
            mode: self.options.mode,
            next_id,
        }
    }

    /// Makes `edit` durable and `change`s the state accordingly, given the opened new segments.
    fn apply(&self, edit: Edit, change: &mut dyn FnMut(&mut State, &mut Vec<Held>)) -> Result<()> {
        let open = |(key, entry): &(PartitionKey, SegmentEntry)| self.open_segment(*key, entry);
        let mut opened = edit.add.iter().map(open).collect::<Result<Vec<_>>>()?;
        // Held until the state shows the version, so that versions are shown in their order.
        let mut catalog = lock(&self.catalog);
        let version = match catalog.apply(&edit) {
            Ok(version) => version,
            // Nothing has changed: the new files go, so that a retry finds room.
            Err(error @ (Error::NoSpace { .. } | Error::InvalidInput { .. })) => {
                for (key, entry) in &edit.add {
                    let path = key.segment_path(&self.root, entry.id);
                    self.environment.disk.remove_file(&path).ok();
                    self.environment.disk.remove_file(&key.ids_path(&self.root, entry.id)).ok();
                }
                return Err(error);
            }
            Err(error) => return Err(self.poisoned_by(&error)),
        };
        self.publish(|state| {
            change(state, &mut opened);
            state.version = Arc::clone(&version);
        });
        Ok(())
    }

    fn open_segment(&self, key: PartitionKey, entry: &SegmentEntry) -> Result<Held> {
        let disk = self.environment.disk.as_ref();
        Held::open_sound(disk, &self.root, &self.cache, key, entry)
    }

    /// Unlinks files that no version in use names.
    pub(crate) fn unlink_obsolete(&self) {
        // What cannot be unlinked now is found again by the next merge or the next opening.
        lock(&self.catalog).sweep().ok();
    }
}
