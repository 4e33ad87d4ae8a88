//! The parts of an open log. Each is with one thread at a time, which works with it while no lock
//! is held: one writes frames, another may sync what is written, a third may put files away.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::base::error::{Error, Result};
use crate::disk::WriteFile;
use crate::ingest::log::files::LogFile;
use crate::ingest::log::frame;
use crate::ingest::log::spares::Spares;

/// Frames are gathered up to this size and written at once: large enough that calls do not count,
/// small enough that hundreds of idle stores may keep it. What is as large is written from where
/// it lies.
const WRITE_BYTES: usize = 64 << 10;

/// What the threads of a log know of each other. Its lock is held for looking and noting only.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    /// Told when a part is back.
    returned: Condvar,
}

/// Where a log stands, and the parts that nobody has.
#[derive(Debug)]
pub struct State {
    /// All log files, oldest first; the last is the one being written, if one is.
    pub files: VecDeque<Kept>,
    pub spares: Spares,
    /// The sequence after that of the last frame that is whole.
    pub next_seq: u64,
    /// Where that frame ends, in the file being written.
    pub end: u64,
    /// Frames up to this one are durable.
    pub synced_seq: u64,
    /// The first failure after which it is unknown what is on disk.
    poison: Option<String>,
    pub writer: Option<Writer>,
    pub syncer: Option<Syncer>,
    pub remover: Option<Remover>,
}

/// A log file that may still be needed.
#[derive(Debug)]
pub struct Kept {
    pub number: u64,
    pub first_seq: u64,
    pub len: u64,
}

impl Kept {
    pub fn of(file: &LogFile) -> Self {
        let header = &file.header;
        Self { number: header.number, first_seq: header.first_seq, len: file.len }
    }
}

/// Writes frames and begins files.
#[derive(Debug, Default)]
pub struct Writer {
    pub active: Option<Active>,
    pub next_number: u64,
    buffer: Vec<u8>,
}

/// The file being written.
#[derive(Debug)]
pub struct Active {
    pub file: Box<dyn WriteFile>,
    pub number: u64,
    /// Where the next frame goes.
    pub end: u64,
}

/// Syncs the file being written, through a handle of its own.
#[derive(Debug, Default)]
pub struct Syncer {
    pub file: Option<Box<dyn WriteFile>>,
    pub number: u64,
    /// Marks that were written.
    pub marks: u64,
}

/// Puts files away that are no longer needed.
#[derive(Debug, Default)]
pub struct Remover;

/// A part, until it is dropped: then it goes back.
pub struct Lease<'a, P: Default> {
    part: P,
    shared: &'a Shared,
    home: fn(&mut State) -> &mut Option<P>,
}

impl<P: Default> Deref for Lease<'_, P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.part
    }
}

impl<P: Default> DerefMut for Lease<'_, P> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.part
    }
}

impl<P: Default> Drop for Lease<'_, P> {
    fn drop(&mut self) {
        let part = std::mem::take(&mut self.part);
        *(self.home)(&mut self.shared.state()) = Some(part);
        self.shared.returned.notify_all();
    }
}

impl Shared {
    pub fn new(state: State) -> Self {
        Self { state: Mutex::new(state), returned: Condvar::new() }
    }

    /// No I/O is done while this is held.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a part, and says how the log stands at the moment when it was taken. `None` if
    /// it is not wanted any more, by the time when it is there or before.
    pub fn lease<P: Default, R>(
        &self,
        home: fn(&mut State) -> &mut Option<P>,
        mut wanted: impl FnMut(&State) -> Option<R>,
    ) -> Option<(Lease<'_, P>, R)> {
        let mut state = self.state();
        loop {
            let why = wanted(&state)?;
            if let Some(part) = home(&mut state).take() {
                return Some((Lease { part, shared: self, home }, why));
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn check_poison(&self) -> Result<()> {
        self.state().check_poison()
    }

    /// Remembers the failure and passes it on as `Poisoned`, whatever it was: even a lack of space
    /// is none that one can wait for when it comes from a sync.
    pub fn poisoned(&self, error: &Error) -> Error {
        let cause = self.state().poison.get_or_insert(error.to_string()).clone();
        Error::Poisoned { cause }
    }
}

impl State {
    /// A log whose next frame is `next_seq`; all before it is durable.
    pub fn new(files: VecDeque<Kept>, spares: Spares, next_seq: u64, next_number: u64) -> Self {
        Self {
            files,
            spares,
            next_seq,
            end: 0,
            synced_seq: next_seq - 1,
            poison: None,
            writer: Some(Writer::new(next_number)),
            syncer: Some(Syncer::default()),
            remover: Some(Remover),
        }
    }

    /// The first frame of the last files of so many bytes, if there are files before them.
    pub fn first_within(&self, bytes: u64) -> Option<u64> {
        let mut left = bytes;
        let fits = |file: &&Kept| {
            let rest = left.checked_sub(file.len);
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        let within = self.files.iter().rev().take_while(fits).count();
        // The last file is being written, whatever its size.
        let first = self.files.len().checked_sub(within.max(1)).filter(|&before| before > 0)?;
        self.files.get(first).map(|file| file.first_seq)
    }

    pub fn check_poison(&self) -> Result<()> {
        let poison = self.poison.clone();
        poison.map_or(Ok(()), |cause| Err(Error::Poisoned { cause }))
    }

    /// Frames up to this one are durable now, if they were not.
    pub fn set_synced(&mut self, seq: u64) {
        self.synced_seq = self.synced_seq.max(seq);
    }
}

impl Writer {
    /// No file yet; the next one gets this number.
    pub fn new(next_number: u64) -> Self {
        Self { next_number, ..Self::default() }
    }

    /// Writes `payloads` behind the last frame, the first as `seq`.
    pub fn write(&mut self, payloads: &[&[u8]], mut seq: u64) -> Result<()> {
        let Some(active) = &mut self.active else { return Err(Error::Closed) };
        let mut at = active.end;
        self.buffer.clear();
        for payload in payloads {
            let header = frame::header(active.number, seq, payload)
                .ok_or_else(|| Error::Limit { what: "the length of a log frame".into() })?;
            seq += 1;
            for bytes in [header.as_slice(), payload] {
                if self.buffer.len() + bytes.len() > WRITE_BYTES {
                    active.file.write_at(at, &self.buffer)?;
                    at += self.buffer.len() as u64;
                    self.buffer.clear();
                }
                if bytes.len() < WRITE_BYTES {
                    self.buffer.extend_from_slice(bytes);
                } else {
                    active.file.write_at(at, bytes)?;
                    at += bytes.len() as u64;
                }
            }
        }
        if self.buffer.is_empty() { Ok(()) } else { active.file.write_at(at, &self.buffer) }
    }
}
