//! [`Observer`]: whoever wants to know what a store does while it does it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Error;
use crate::base::time::Timestamp;

/// Is told what happens in a store; see [`Options::observer`](crate::Options::observer).
///
/// [`Observer::observe`] is called in the thread in which it happens, sometimes while the store
/// holds locks: it should take well below a microsecond, must not call the store, and must not
/// panic, which would count as a panic of the store. Without an observer nothing is measured that
/// only an observer would see.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use tracekeep::{StoreEvent, Observer, Options, Store};
///
/// #[derive(Default)]
/// struct Syncs(AtomicU64);
///
/// impl Observer for Syncs {
///     fn observe(&self, event: &StoreEvent<'_>) {
///         if let StoreEvent::Synced { .. } = event {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// # let dir = tempfile::tempdir()?;
/// let syncs = Arc::new(Syncs::default());
/// let store = Store::open(dir.path(), Options::default().observer(syncs.clone()))?;
/// store.close()?;
/// assert!(syncs.0.load(Ordering::Relaxed) > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer: Send + Sync {
    /// Something has happened. Does nothing by default.
    fn observe(&self, event: &StoreEvent<'_>) {
        let _ = event;
    }
}

/// Tells several observers, one after another.
impl Observer for Vec<Arc<dyn Observer>> {
    fn observe(&self, event: &StoreEvent<'_>) {
        self.iter().for_each(|observer| observer.observe(event));
    }
}

impl fmt::Debug for dyn Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// What may happen in a store. More may come, and more fields: match with `..`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StoreEvent<'a> {
    /// A group of appends is in the log, as durable as asked for, and visible.
    #[non_exhaustive]
    Committed {
        /// Appends that shared it.
        appends: u64,
        /// Their spans that were stored.
        spans: u64,
        /// Their bytes in the log.
        bytes: u64,
        /// From taking the group off the queue until it was visible.
        took: Duration,
    },
    /// Spans of a request were refused one by one: invalid ones, or ones outside the window.
    #[non_exhaustive]
    Rejected {
        /// How many.
        spans: u64,
    },
    /// Spans of a request started outside the window of `max_age` and `max_ahead`.
    #[non_exhaustive]
    OutsideWindow {
        /// How many.
        spans: u64,
        /// What became of them: [`OutOfWindow`](crate::OutOfWindow) in lower case.
        decision: &'static str,
    },
    /// Spans of a request started before what `Options::retention` keeps, and were refused.
    #[non_exhaustive]
    BehindHorizon {
        /// How many.
        spans: u64,
    },
    /// An append was held up, because the memory budget is nearly or wholly used up, or because
    /// merges are behind.
    #[non_exhaustive]
    Stalled {
        /// How.
        stall: Stall,
        /// For how long.
        took: Duration,
    },
    /// A partition's buffer takes no more spans and is going to be flushed.
    #[non_exhaustive]
    Sealed {
        /// The first moment of the partition.
        partition: Timestamp,
        /// Why now.
        reason: SealReason,
        /// The memory that it takes.
        bytes: u64,
    },
    /// A background job begins. It ends in the same thread, with an event of its own,
    /// `Failed` or `Cancelled`.
    #[non_exhaustive]
    Began {
        /// Which.
        job: Job,
        /// The first moment of the partition that it works on, of a flush the first one.
        partition: Timestamp,
    },
    /// Sealed buffers were written as segments, which the manifest lists now.
    #[non_exhaustive]
    Flushed {
        /// Partitions that it was for.
        partitions: u64,
        /// Spans written, without those that the partitions held already.
        spans: u64,
        /// Bytes of the new segments.
        bytes: u64,
        /// From the job's beginning.
        took: Duration,
    },
    /// Segments of a partition were replaced by fewer.
    #[non_exhaustive]
    Merged {
        /// The partition's first moment.
        partition: Timestamp,
        /// Segments that were read, and their bytes.
        inputs: u64,
        /// Bytes of the inputs.
        bytes_read: u64,
        /// Segments that were written.
        outputs: u64,
        /// Bytes of the outputs.
        bytes_written: u64,
        /// From the job's beginning.
        took: Duration,
    },
    /// Partitions were dropped, because they had expired.
    #[non_exhaustive]
    Dropped {
        /// How many.
        partitions: u64,
        /// Their spans.
        spans: u64,
        /// Bytes of their files, which go when no reader of another process needs them.
        bytes: u64,
        /// From the job's beginning.
        took: Duration,
    },
    /// A job failed, or a write did whose outcome is unknown. Flushes and merges are tried again.
    #[non_exhaustive]
    Failed {
        /// What was tried.
        job: Job,
        /// What went wrong.
        error: &'a Error,
    },
    /// A job ended early because the store is closed, when what it was to do is done later, or
    /// because what it worked on is being dropped.
    #[non_exhaustive]
    Cancelled {
        /// Which.
        job: Job,
    },
    /// A file or folder was synced, with success or without.
    #[non_exhaustive]
    Synced {
        /// Which kind of file.
        file: FileKind,
        /// For how long.
        took: Duration,
    },
    /// A decoded page or block was wanted.
    #[non_exhaustive]
    Cache {
        /// Whether it was there.
        hit: bool,
    },
    /// A trace was looked up by its id; searches look up each trace that they find.
    #[non_exhaustive]
    Lookup {
        /// Segments of the store.
        segments: u64,
        /// Those that were not looked at: their filter or the time hint left them out.
        pruned: u64,
    },
    /// A search was answered.
    #[non_exhaustive]
    Search {
        /// Segments of the partitions in its time range.
        segments: u64,
        /// Those that were not read: out of range, or older than a full page.
        pruned: u64,
    },
    /// Opening replays the log. Comes every few MiB, and once when done.
    #[non_exhaustive]
    Recovering {
        /// Frames replayed so far.
        frames: u64,
        /// Spans of these that were in no segment.
        spans: u64,
        /// Bytes of these frames.
        bytes: u64,
        /// Bytes of all log files: the most that `bytes` may come to.
        bytes_max: u64,
        /// Whether that was all.
        done: bool,
    },
}

/// How an append is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stall {
    /// It was delayed a little: the budget is nearly used up.
    Slowed,
    /// It waited for room.
    Waited,
    /// It failed with `Busy`.
    Refused,
    /// It was delayed or waited, because merges are behind.
    Merging,
}

impl Stall {
    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slowed => "slowed",
            Self::Waited => "waited",
            Self::Refused => "refused",
            Self::Merging => "merging",
        }
    }
}

/// Why a buffer is flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SealReason {
    /// It has reached `Options::seal_bytes`.
    Full,
    /// All buffers together take too much of the memory budget.
    Memory,
    /// It is older than `Options::seal_age`.
    Old,
    /// More partitions than are kept open have taken spans since it last did.
    Spread,
    /// The log has become long, and its oldest files are kept for spans of this buffer.
    Log,
    /// The caller asked for a flush.
    Asked,
}

impl SealReason {
    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Memory => "memory",
            Self::Old => "old",
            Self::Spread => "spread",
            Self::Log => "log",
            Self::Asked => "asked",
        }
    }
}

/// What a store does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Job {
    /// Writing the log.
    Commit,
    /// Writing sealed buffers as segments.
    Flush,
    /// Making few segments of many.
    Merge,
    /// Dropping what has expired.
    Retain,
}

impl Job {
    /// Whether it is work of its own, which has begun with an event, and not part of an append.
    pub const fn is_background(self) -> bool {
        !matches!(self, Self::Commit)
    }

    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Flush => "flush",
            Self::Merge => "merge",
            Self::Retain => "retain",
        }
    }
}

/// What a synced file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A file of the write-ahead log.
    Log,
    /// A segment, or the filter beside one.
    Segment,
    /// The manifest.
    Manifest,
    /// A folder, for the names in it.
    Folder,
}

impl FileKind {
    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Segment => "segment",
            Self::Manifest => "manifest",
            Self::Folder => "folder",
        }
    }
}
