//! Merging segments of a partition, and sealing it.

use std::sync::Arc;
use std::time::Instant;

use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::base::observer::{Job, StoreEvent};
use crate::catalog::{Edit, PartitionKey, PartitionState};
use crate::store::engine::Engine;
use crate::store::held;
use crate::upkeep::merge;

impl Engine {
    /// Seals a partition: replaces these segments, which are all that can be merged, by the merge of
    /// them, and notes that the partition is sealed by that.
    pub(crate) fn seal_partition(self: &Arc<Self>, key: PartitionKey, ids: &[u64]) -> Result<()> {
        if !ids.is_empty() {
            return self.merge_segments(key, ids, true);
        }
        let Some(through) = self.sealed_through(key, ids, &[]) else { return Ok(()) };
        let state = vec![(key, PartitionState::Sealed(through))];
        self.apply(Edit { state, ..Edit::default() }, &mut |state, _| {
            state.change(key, |partition| partition.sealed_through = Some(through));
        })
    }

    /// Replaces these segments of the partition by the merge of them, and notes that it is sealed
    /// by that, if it `seals`.
    pub(crate) fn merge_segments(
        self: &Arc<Self>,
        key: PartitionKey,
        ids: &[u64],
        seals: bool,
    ) -> Result<()> {
        let begin = Instant::now();
        let state = self.state();
        let Some(partition) = state.partitions().get(&key) else { return Ok(()) };
        let inputs = held::sound(partition.segments.iter().filter(|held| ids.contains(&held.id)))?;
        if inputs.len() < ids.len() {
            // Some were found to be lost just now, which the next plan leaves out.
            return Ok(());
        }
        self.watch.tell(&StoreEvent::Began { job: Job::Merge, partition: key.first() });
        let next_id = || self.segment_id();
        let cancelled = || self.is_closed() || self.jobs.is_claimed(&key);
        let sink = self.sink(key, Effort::Thorough, &next_id);
        let mut added = Vec::new();
        let merged = merge::merge(&inputs, &sink, &cancelled, &mut |entry| added.push(entry))
            .and_then(|()| self.sync_folders(sink.made_folder.get()));
        let added: Vec<_> = added.into_iter().map(|entry| (key, entry)).collect();
        if let Err(error) = merged {
            self.remove_unpublished(&added);
            return Err(error);
        }
        let bytes_read = inputs.iter().map(|segment| segment.summary().bytes).sum();
        let bytes_written = added.iter().map(|(_, entry)| entry.bytes).sum();
        let outputs: Vec<u64> = added.iter().map(|(_, entry)| entry.id).collect();
        // One that was only written anew can still be merged with others.
        if inputs.len() > 1 {
            self.jobs.settle(inputs.len(), &outputs);
        }
        drop((inputs, state));
        let sealed = if seals { self.sealed_through(key, ids, &outputs) } else { None };
        let edit = Edit {
            add: added,
            remove: ids.to_vec(),
            state: sealed
                .map(|through| (key, PartitionState::Sealed(through)))
                .into_iter()
                .collect(),
            ..Edit::default()
        };
        let merged = self.apply(edit, &mut |state, opened| {
            state.change(key, |partition| {
                partition.segments.retain(|held| !ids.contains(&held.id));
                partition.segments.extend(opened.drain(..).map(|(_, held)| held));
                partition.segments.sort_by_key(|held| held.id);
                partition.sealed_through = sealed.or(partition.sealed_through);
            });
        });
        merged.map_err(|error| match error {
            // The inputs are live no longer: the partition was dropped.
            Error::InvalidInput { .. } => Error::Cancelled,
            error => error,
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

    /// The last segment of a partition that is sealed by replacing these inputs, if there are any;
    /// `None` if a segment has come meanwhile.
    fn sealed_through(&self, key: PartitionKey, inputs: &[u64], outputs: &[u64]) -> Option<u64> {
        let state = self.state();
        let live = state.partitions().get(&key)?.segments.iter().map(|held| held.id);
        let inputs_end = inputs.iter().copied().max();
        if inputs_end.is_some_and(|end| live.clone().any(|id| id > end)) {
            return None;
        }
        live.chain(outputs.iter().copied()).max()
    }
}
