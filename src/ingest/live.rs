//! The live buffer of one partition: what has been appended and not yet flushed.

use std::sync::Arc;

use crate::ingest::group::Group;

/// Smaller groups are joined with their neighbours, so that a lookup does not visit one group
/// for each of many small requests.
pub(super) const JOIN_BELOW_SPANS: usize = 2048;

/// An immutable list of groups, oldest first. Appending makes a new list that shares the groups,
/// so readers keep what they have and never wait.
#[derive(Clone, Debug, Default)]
pub struct Live {
    groups: Vec<Arc<Group>>,
}

impl Live {
    /// The buffer with one more group.
    ///
    /// Groups are joined as in a binary counter: one is joined only with one at least half its
    /// size, so each span is copied O(log [`JOIN_BELOW_SPANS`]) times.
    #[must_use]
    pub fn with(&self, group: Group) -> Self {
        let mut groups = Vec::with_capacity(self.groups.len() + 1);
        groups.extend_from_slice(&self.groups);
        let mut last = group;
        while let Some(before) = groups.last()
            && before.len() < JOIN_BELOW_SPANS
            && before.len() <= 2 * last.len()
        {
            last = before.merged(&last);
            groups.pop();
        }
        groups.push(Arc::new(last));
        Self { groups }
    }

    /// The groups, oldest first.
    pub fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }
}
