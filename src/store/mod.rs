//! Floor 9: the store itself, put together from the rooms below.
//!
//! ```text
//! append ─ prepare ─ admit ─ queue ─ group commit ─┬─ log (one write, one fsync)
//!  (append.rs)               (commit.rs)           └─ state: live buffers (state.rs), visible,
//!                                                     while the next group is logged
//! buffer large or old ─ seal ─ flush job ─ segment ─ manifest edit ─ state ─ log trimmed
//! many segments ─ merge job ─ segments ─ manifest edit ─ state ─ old files unlinked   (jobs.rs, merges.rs)
//! expired partitions ─ retain ─ manifest edit ─ state ─ files unlinked                 (retain.rs)
//! read ─ the state's view ─ query/                                                    (read.rs)
//! ```

mod agenda;
mod append;
mod backlog;
pub mod backup;
mod budget;
mod claim;
mod commit;
pub mod counters;
mod distinct;
pub mod engine;
mod held;
pub mod inspect;
mod jobs;
mod lazy;
pub mod listing;
mod maintain;
mod merges;
#[cfg(feature = "metrics")]
pub mod metrics;
mod open;
pub mod options;
mod progress;
mod quarantine;
pub mod read;
pub mod reader;
mod reserve;
pub mod resources;
pub mod retain;
pub mod salvage;
mod sealing;
mod shelves;
pub mod slot;
pub mod snapshot;
mod state;
pub mod stats;
#[expect(clippy::module_inception, reason = "the room is named for its main noun")]
pub mod store;
mod timers;
#[cfg(feature = "tracing")]
pub mod tracing;
mod under_way;
mod watch;
mod window;
