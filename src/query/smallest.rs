//! The first values in the order of lists, in bounded memory.

use std::collections::BTreeMap;

use crate::base::error::{Error, Result};
use crate::query::listed::{Listed, Plain};
use crate::query::tally::Tally;

/// Keeps the first `limit` of the values it is offered, and no more than `max_bytes` of them.
#[derive(Debug)]
pub struct Smallest {
    limit: usize,
    max_bytes: usize,
    bytes: usize,
    found: BTreeMap<Listed, Tally>,
    is_cut: bool,
}

impl Smallest {
    /// Nothing yet.
    pub fn new(limit: usize, max_bytes: usize) -> Self {
        Self { limit: limit.max(1), max_bytes, bytes: 0, found: BTreeMap::new(), is_cut: false }
    }

    /// Keeps a value, unless as many come before it. `count` changes its tally, which only values
    /// that stay have, and tells the bytes that took.
    pub fn offer(
        &mut self,
        value: Plain<'_>,
        count: impl FnOnce(&mut Tally) -> usize,
    ) -> Result<()> {
        let last = self.found.last_key_value().map(|(last, _)| last.plain());
        if self.found.len() >= self.limit && last.is_some_and(|last| value > last) {
            self.is_cut = true;
            return Ok(());
        }
        let before = self.found.len();
        let tally = self.found.entry(Listed::from(value)).or_default();
        self.bytes += count(tally);
        if self.found.len() > before {
            self.bytes += weight(value);
        }
        while self.found.len() > self.limit || self.bytes > self.max_bytes {
            if self.found.len() <= self.limit {
                self.limit = self.found.len() - 1;
            }
            if self.limit == 0 {
                return Err(too_much(self.max_bytes));
            }
            self.is_cut = true;
            let Some((last, tally)) = self.found.pop_last() else { break };
            self.bytes = self.bytes.saturating_sub(weight(last.plain()) + tally.memory_bytes());
        }
        Ok(())
    }

    /// The values, and whether others came after them.
    pub fn into_parts(self) -> (BTreeMap<Listed, Tally>, bool) {
        (self.found, self.is_cut)
    }
}

/// What a value takes, about.
pub fn weight(value: Plain<'_>) -> usize {
    size_of::<(Listed, Tally)>() + value.text_bytes() + 2 * size_of::<usize>()
}

/// The error of a list that must not be cut, or of a value that is too large for any.
pub fn too_much(max_bytes: usize) -> Error {
    let what = format!(
        "values take more than {max_bytes} bytes, half of the query's memory: set a limit, raise \
         Query::memory_bytes, or ask for no counts"
    );
    Error::Limit { what }
}
