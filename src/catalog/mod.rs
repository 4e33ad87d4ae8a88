//! Floor 5: the catalog, which says what is live: partitions, their segments, and how far each has
//! flushed the log.
//!
//! Promises:
//! - An [`Edit`] is atomic: after a crash all of it holds or nothing, and once [`Catalog::apply`]
//!   has returned, it holds (P1, P2).
//! - Readers in other processes pin the version they read: no file of it is unlinked before they
//!   let go or die (P9).
//! - Damage of the manifest is an error, never an older or a wrong version (P6).
//! - No file is lost: what the manifest does not know is set aside, and unlinked only if the
//!   manifest once knew it and removed it.
//!
//! # The manifest
//!
//! `MANIFEST` holds a whole version and the edits since. An edit is appended and synced; once edits
//! outweigh the versions, the file is rewritten under another name, synced and renamed.
//!
//! ```text
//! file     | opening, 16 B | record: whole version | record: edit | record: edit | ...
//!
//! opening    0  magic "TKEEPMAN"
//!            8  version         u32
//!           12  crc32           u32   of bytes 0..12
//!
//! record     0  payload length  u32
//!            4  catalog version u64   each record's is one above that of the record before
//!           12  crc32           u32   of bytes 0..12 and the payload
//!           16  payload
//!
//! payload    0  kind            u8    0 edit, 1 whole version (an edit of an empty catalog)
//!            1  operations            see `edit.rs`
//! ```
//!
//! A bad last record was torn by a crash and is dropped, unless there is a pin of a later version
//! than the one before it: pins are made after the record was synced, so then it is damage.
//!
//! # Pins
//!
//! `pins/<version>.pin` is empty; the writer makes it once the version is durable. A reader reads
//! the manifest, takes a shared `flock` on the pin of its last version, and looks again: if the
//! version has moved, it lets go and begins anew. The writer unlinks the pins of older versions
//! that it can lock exclusively; a file that was removed by version `v` is unlinked when no pin
//! older than `v` is left. The kernel frees the locks of a reader that dies.
//!
//! While a writer lives, a last record without a pin is still being synced, and readers stay with
//! the version before. If no writer holds `LOCK`, the pin is owed by one that died: a reader syncs
//! the manifest, since the record may be in the page cache alone, and makes the pin; where it may
//! not write, it goes on without one.
//!
//! # What is found at opening
//!
//! | file | what happens |
//! |---|---|
//! | unlisted `.seg` with an id below the manifest's next | an edit removed it, or its making was not finished and the log or its inputs still hold its spans: unlinked once no older pin is locked |
//! | unlisted `.seg` with a higher id | this manifest never knew it. Normally a crash came before its edit and its spans are elsewhere; but it may have been put there by hand, or the manifest may be an old copy: moved to `lost+found/` for good |
//! | unlisted `.ids` | as the `.seg` of its number in the first case, as a `*.tmp` in the second |
//! | `*.tmp` in a partition's folder or the root | unfinished, its content is elsewhere: moved to `lost+found/` until the next opening, so that a store that crashes again and again does not fill the disk |

mod anatomy;
mod describe;
mod edit;
mod manifest;
mod pins;
mod reader;
#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;
mod tidy;
mod version;
mod writer;

pub use anatomy::anatomy;
pub use describe::{ManifestInfo, describe};
pub use edit::Edit;
pub use reader::{Pinned, ReadCatalog};
pub use version::{PartitionKey, PartitionState, SegmentEntry, Version};
pub use writer::{Catalog, lock_writer};
