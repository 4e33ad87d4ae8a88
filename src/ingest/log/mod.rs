//! The write-ahead log: every batch goes here first, as one frame, and is durable once the log is
//! synced.
//!
//! One writer appends, and others may sync meanwhile; frames are numbered by sequence, 1, 2, 3, ... without a gap. Promises:
//! - What survives power loss is a prefix of the frames, and at least those that were synced (P1).
//!   A frame is there as a whole or not at all (P2).
//! - A torn tail is told from damage (P6): a bad frame is damage if it lies below the file's synced
//!   mark or in any file but the last; beyond, it was never acknowledged as synced, and is dropped
//!   with all that follows.
//! - A frame of a file's former life is never taken for one of its present life.
//! - Other processes may replay while the writer appends and recycles (P9): they get whole frames,
//!   or are told that files moved under them.
//!
//! Files are `log/<number>.log`, numbered upwards. One that is no longer needed becomes a spare,
//! `log/<number>.spare`, and is overwritten in place: a byte of a new file costs the kernel ten
//! times as much. Nothing is overwritten before its name as a spare is durable, lest it come back
//! under its old one. A file gets its header, is synced, and only then its `.log` name, which is
//! made durable before the first frame; so a `.log` file without a sound header is always damage.
//! A writer never appends to a file of an earlier writer, whose torn tail may hold frames further
//! on.
//!
//! ```text
//! file     | header page, 4096 B | frame | frame | ... | whatever a former life left |
//!
//! header     0  magic "TKEEPLOG"
//! page       8  version        u32
//!           12  crc32          u32   of bytes 0..12
//!           16  file number    u64
//!           24  first sequence u64   the next file's tells where this one's frames end
//!           32  crc32          u32   of bytes 16..32
//!          512  mark, slot 0         the two slots are written in turn, so a torn write
//!         1024  mark, slot 1         costs one mark at most
//!
//! mark       0  file number    u64   overwritten after each sync of frames, itself not synced
//!            8  synced end     u64   offset in the file
//!           16  crc32          u32   of bytes 0..16
//!
//! frame      0  payload length u32
//!            4  sequence       u64
//!           12  file number    u64   a stale frame bears another file's
//!           20  crc32          u32   of bytes 0..20 and the payload
//!           24  payload
//! ```

mod anatomy;
mod describe;
mod files;
mod frame;
mod header;
mod parts;
mod recovery;
mod replay;
mod scan;
mod spares;
#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;
mod writer;

pub use anatomy::anatomy;
pub use describe::{LogInfo, describe};
pub use replay::{Cursor, Replayed, replay};
pub use writer::{Bounds, Log, LogOptions};
