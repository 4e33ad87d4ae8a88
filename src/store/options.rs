//! How a store behaves. Nothing needs to be set.

use std::sync::Arc;
use std::time::Duration;

use crate::base::observer::Observer;
use crate::disk::real::Io;
use crate::store::resources::{Resources, buffers_limit, pages_limit};
use crate::upkeep::plan::Policy;
use crate::upkeep::retention::Retention;

/// When an append counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// `append` returns once the batch survives power loss. Concurrent appends share one fsync.
    #[default]
    Sync,
    /// The log is synced this often: power loss costs at most the appends of one interval, a
    /// crash of the process alone costs nothing.
    Interval(Duration),
    /// The operating system writes when it likes: a crash of the process costs nothing, power
    /// loss what the system had not written.
    Os,
}

/// What an append does while flushing is behind and the memory budget is used up, or merging is
/// far behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnFull {
    /// Wait until there is room.
    #[default]
    Wait,
    /// Fail with [`Error::Busy`](crate::Error::Busy), for callers whose clients retry.
    Reject,
}

/// What happens to a span that starts outside the window of `max_age` and `max_ahead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OutOfWindow {
    /// It is stored like any other, and counted.
    #[default]
    Accept,
    /// It is durable, but apart: in the store `quarantine` in the store's directory, which
    /// [`Store::quarantine`](crate::Store::quarantine) gives and which readers open like any other.
    /// No query sees it, and it opens no partition, so that clocks which are wrong cost no more
    /// than their spans; whoever finds what was wrong can append them again, or drop the folder.
    /// The append takes one more sync. Not part of the batch: a crash may keep the quarantined
    /// spans of an append that was never acknowledged; trying again adds none twice.
    Quarantine,
    /// It alone is refused, as OTLP's partial success.
    Reject,
}

impl OutOfWindow {
    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// Settings of a store: plain data, each with a default that suits a production backend.
///
/// ```
/// use std::time::Duration;
/// use tracekeep::{Durability, Options};
/// let options = Options::default()
///     .durability(Durability::Interval(Duration::from_millis(200)))
///     .memory_bytes(64 << 20);
/// assert_eq!(options.memory_bytes, 64 << 20);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Make the directory when there is none. Default true.
    pub create_if_missing: bool,
    /// When an append counts as durable. Default [`Durability::Sync`].
    pub durability: Durability,
    /// Width of a time partition, at least a second. Default one hour. Narrower ones expire finer and cost a
    /// segment each; existing partitions keep their width.
    pub partition: Duration,
    /// Budget for live and sealed buffers, flushes, merges and caches. Default 256 MiB.
    pub memory_bytes: usize,
    /// A partition's buffer is flushed when it reaches this size. Default a quarter of
    /// `memory_bytes`. Larger segments are smaller in sum and cheaper to search.
    pub seal_bytes: Option<usize>,
    /// A buffer older than this is flushed although it is small, which bounds recovery time.
    /// Default ten minutes.
    pub seal_age: Duration,
    /// Spans that start longer ago than this are outside the window. Default none.
    pub max_age: Option<Duration>,
    /// Spans that start further in the future than this are outside the window. Default none.
    pub max_ahead: Option<Duration>,
    /// What happens to spans outside the window. Default [`OutOfWindow::Accept`].
    pub out_of_window: OutOfWindow,
    /// What an append does when the memory budget is used up or merging is far behind. Default
    /// [`OnFull::Wait`].
    pub on_full: OnFull,
    /// Appends fail with `NoSpace` when the file system has less than this left. Default 64 MiB.
    pub min_free_bytes: u64,
    /// Background threads for flushing and merging; with 0 the appending thread does that work.
    /// Default: the processor's cores, at most four. The threads end when there is nothing to do.
    pub threads: usize,
    /// What the store keeps: it drops by itself what has expired, after flushes and when the oldest
    /// partition comes of age, for which a timer waits. Spans that would go to what was dropped are
    /// refused one by one, and counted. Default none: everything is kept.
    pub retention: Option<Retention>,
    /// How published files are read. Default [`Io::Map`].
    pub io: Io,
    /// Permissions of the directories. Default 0700: traces hold private data.
    pub mode: u32,
    /// Segments of a similar size that are merged into one. Default 8. Fewer: faster reading, more
    /// writing.
    pub merge_fan_in: usize,
    /// A partition is sealed when it is over and nothing has come for it for so long: its segments
    /// become one, or as few as memory allows, in which every trace stands in one place. What comes
    /// later makes segments beside. Default one hour. Longer: fewer traces in several pieces, more
    /// segments for that long. At the latest after 24 times as long it is sealed all the same;
    /// with `Duration::MAX` none ever is. While a partition is to be sealed, a timer waits for it.
    pub lateness: Duration,
    /// Segments of one partition that may wait to be merged, at least twice `merge_fan_in`. With
    /// more, appends are slowed; from twice as many on they wait until merges have caught up, or
    /// fail with `Busy`, as `on_full` says. Default 64.
    pub max_unmerged: usize,
    /// Rows of a block in a segment. Default 512. Fewer: less to verify for one trace, more
    /// headers.
    pub block_rows: usize,
    /// Raw size of a page of long strings. Default 16 KiB. Smaller: less to decompress for one
    /// trace, worse compression.
    pub page_bytes: usize,
    /// Part of `memory_bytes` for decoded blocks and pages. Default three thirty-seconds. Without
    /// it, lookups of much the same traces take 1.4 to 1.7 times as long.
    pub cache_bytes: Option<usize>,
    /// Memory and threads that this store shares with others, in place of `memory_bytes` and
    /// `threads`, which do not count then. Default none: the store has its own.
    pub resources: Option<Resources>,
    /// Is told what happens in the store. Default none, which costs nothing.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            create_if_missing: true,
            durability: Durability::Sync,
            partition: Duration::from_secs(3600),
            memory_bytes: 256 << 20,
            seal_bytes: None,
            seal_age: Duration::from_secs(600),
            max_age: None,
            max_ahead: None,
            out_of_window: OutOfWindow::Accept,
            on_full: OnFull::Wait,
            min_free_bytes: 64 << 20,
            threads: cores.min(4),
            retention: None,
            io: Io::Map,
            mode: 0o700,
            merge_fan_in: 8,
            lateness: Duration::from_secs(3600),
            max_unmerged: 64,
            block_rows: crate::base::limits::BLOCK_ROWS,
            page_bytes: 16 << 10,
            cache_bytes: None,
            resources: None,
            observer: None,
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty => $value:expr;)*) => {
        impl Options {
            $($(#[$doc])* #[must_use] pub fn $name(mut self, $name: $type) -> Self {
                self.$name = $value;
                self
            })*
        }
    };
}

setters! {
    /// Sets [`Options::create_if_missing`].
    create_if_missing: bool => create_if_missing;
    /// Sets [`Options::durability`].
    durability: Durability => durability;
    /// Sets [`Options::partition`].
    partition: Duration => partition;
    /// Sets [`Options::memory_bytes`].
    memory_bytes: usize => memory_bytes;
    /// Sets [`Options::seal_bytes`].
    seal_bytes: usize => Some(seal_bytes);
    /// Sets [`Options::seal_age`].
    seal_age: Duration => seal_age;
    /// Sets [`Options::max_age`].
    max_age: Duration => Some(max_age);
    /// Sets [`Options::max_ahead`].
    max_ahead: Duration => Some(max_ahead);
    /// Sets [`Options::out_of_window`].
    out_of_window: OutOfWindow => out_of_window;
    /// Sets [`Options::on_full`].
    on_full: OnFull => on_full;
    /// Sets [`Options::min_free_bytes`].
    min_free_bytes: u64 => min_free_bytes;
    /// Sets [`Options::threads`].
    threads: usize => threads;
    /// Sets [`Options::retention`].
    retention: Retention => Some(retention).filter(|rule| !rule.keeps_all());
    /// Sets [`Options::io`].
    io: Io => io;
    /// Sets [`Options::mode`].
    mode: u32 => mode;
    /// Sets [`Options::merge_fan_in`].
    merge_fan_in: usize => merge_fan_in;
    /// Sets [`Options::lateness`].
    lateness: Duration => lateness;
    /// Sets [`Options::max_unmerged`].
    max_unmerged: usize => max_unmerged;
    /// Sets [`Options::block_rows`].
    block_rows: usize => block_rows;
    /// Sets [`Options::page_bytes`].
    page_bytes: usize => page_bytes;
    /// Sets [`Options::cache_bytes`].
    cache_bytes: usize => Some(cache_bytes);
    /// Sets [`Options::resources`].
    resources: Resources => Some(resources);
    /// Sets [`Options::observer`]. Several are told by a `Vec` of them, which is an observer too.
    observer: Arc<dyn Observer> => Some(observer);
}

impl Options {
    /// The size at which a partition's buffer is flushed.
    pub(crate) fn seal_limit(&self) -> usize {
        let shared = self.resources.as_ref().map(Resources::memory_bytes);
        self.seal_bytes.unwrap_or(shared.unwrap_or(self.memory_bytes) / 4).max(1)
    }

    /// What decoded blocks and pages may take.
    pub(crate) fn cache_limit(&self) -> usize {
        self.cache_bytes.unwrap_or(pages_limit(self.memory_bytes))
    }

    /// How merges are chosen.
    pub(crate) fn merge_policy(&self) -> Policy {
        Policy { fan_in: self.merge_fan_in, lateness: self.lateness }
    }

    /// From so many segments on that wait to be merged, appends are slowed.
    pub(crate) fn unmerged_limit(&self) -> usize {
        self.max_unmerged.max(self.merge_fan_in.max(2).saturating_mul(2))
    }

    /// All live buffers together may take this; beyond it the largest is sealed.
    pub(crate) fn live_limit(&self) -> usize {
        (self.memory_bytes / 3).max(self.seal_limit())
    }

    /// Live and sealed buffers together may take this; beyond it appends wait.
    pub(crate) fn wait_limit(&self) -> usize {
        buffers_limit(self.memory_bytes).max(self.live_limit() + 1)
    }
}
