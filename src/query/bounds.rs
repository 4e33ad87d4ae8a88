//! How long a query may take, and how much memory.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::limits::QUERY_MEMORY_BYTES;
use crate::disk::clock::Clock;
use crate::query::interrupt::{CancelToken, Interrupt};
use crate::query::typed::Query;

/// What a query must not exceed.
#[derive(Clone, Debug)]
pub struct Bounds {
    timeout: Option<Duration>,
    token: Option<CancelToken>,
    memory_bytes: usize,
    /// Of the call under way; asked within every loop.
    pub interrupt: Interrupt,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            timeout: None,
            token: None,
            memory_bytes: QUERY_MEMORY_BYTES,
            interrupt: Interrupt::default(),
        }
    }
}

impl Bounds {
    /// Memory of what was found, and likewise of the trace being looked at.
    pub fn half_bytes(&self) -> usize {
        self.memory_bytes / 2
    }

    /// Fails if what was found takes more than its share.
    pub fn check_found(&self, bytes: usize) -> Result<()> {
        if bytes <= self.half_bytes() {
            return Ok(());
        }
        let what = format!(
            "what was found takes more than {} bytes, half of the query's memory: raise \
             Query::memory_bytes, or ask of less",
            self.half_bytes()
        );
        Err(Error::Limit { what })
    }

    /// Fails if the trace being looked at takes more than its share.
    pub fn check_trace(&self, bytes: usize) -> Result<()> {
        if bytes <= self.half_bytes() {
            return Ok(());
        }
        let what = format!(
            "a trace takes more than {} bytes, half of the query's memory: raise \
             Query::memory_bytes, or read the trace in chunks",
            self.half_bytes()
        );
        Err(Error::Limit { what })
    }
}

impl Query {
    /// Give up with [`Error::Timeout`] if the answer takes longer than this, counted from the
    /// call. Of a scan it is the time until its last batch, what the caller does with the others
    /// included. Without end unless set.
    ///
    /// The call returns some milliseconds after its time at the latest. What it sorts in one go
    /// takes longer only in traces of a million spans, some ten milliseconds.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.bounds.timeout = Some(timeout);
        self
    }

    /// Give up with [`Error::Cancelled`] once this token, or a clone of it, is
    /// [used](CancelToken::cancel), as soon as with a [timeout](Query::timeout).
    pub fn cancelled_by(mut self, token: &CancelToken) -> Self {
        self.bounds.token = Some(token.clone());
        self
    }

    /// The memory that a search may take, give or take a hit; 256 MiB unless set.
    ///
    /// One half is for what was found: a page ends early, with its `next`, where its hits would
    /// take more, and lists that have no next page fail with [`Error::Limit`]. The other half is
    /// for the trace being looked at, some hundred bytes a span: one that takes more fails the
    /// search with [`Error::Limit`]. Not counted are blocks in the store's cache and, for each
    /// segment that a search is in the middle of, a bitmap over its traces.
    pub const fn memory_bytes(mut self, bytes: usize) -> Self {
        self.bounds.memory_bytes = bytes;
        self
    }

    /// The query of a call that begins now, or goes on if this is a part of one.
    pub(crate) fn begin(&self, clock: &Arc<dyn Clock>) -> Result<Cow<'_, Self>> {
        self.check()?;
        if self.bounds.interrupt.is_armed() {
            return Ok(Cow::Borrowed(self));
        }
        let Bounds { timeout, token, .. } = &self.bounds;
        let interrupt = Interrupt::begin(token.as_ref(), *timeout, clock);
        interrupt.check()?;
        if timeout.is_none() && token.is_none() {
            return Ok(Cow::Borrowed(self));
        }
        let mut begun = self.clone();
        begun.bounds.interrupt = interrupt;
        Ok(Cow::Owned(begun))
    }
}
