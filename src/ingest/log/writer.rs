//! The writer's side of the log: append, sync, rotate, release.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::disk::{Disk, WriteFile, names};
use crate::ingest::log::files::{self, LogFile};
use crate::ingest::log::frame;
use crate::ingest::log::header::{self, FIRST_FRAME};
use crate::ingest::log::recovery::rewrite_unsynced;
use crate::ingest::log::scan::{Place, Stopped, Visit, walk};
use crate::ingest::log::spares::{Spare, Spares};

/// Frames are gathered up to this size and written at once: large enough that calls do not count,
/// small enough that hundreds of idle stores may keep it. What is as large is written from where
/// it lies.
const WRITE_BYTES: usize = 64 << 10;

/// How the log lays out its files.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// A file is followed by the next at this size. A larger group makes a larger file.
    pub file_bytes: u64,
    /// How many files are kept to be overwritten.
    pub spares: usize,
    /// Permissions of the folder.
    pub mode: u32,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { file_bytes: 32 << 20, spares: 4, mode: 0o700 }
    }
}

/// What the catalog knows of the log when it is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// Frames up to this one are no longer needed.
    pub released: u64,
    /// Frames up to this one were surely synced, since segments were published from them.
    pub synced: u64,
}

/// The log, open for writing. There is one writer, which holds the store's lock.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: LogOptions,
    /// All log files, oldest first; the last is the one being written, if `active` is there.
    files: VecDeque<Kept>,
    spares: Spares,
    active: Option<Active>,
    next_number: u64,
    next_seq: u64,
    synced_seq: u64,
    /// The first failure after which it is unknown what is on disk.
    poison: Option<String>,
    buffer: Vec<u8>,
}

/// A log file that may still be needed.
#[derive(Debug)]
struct Kept {
    number: u64,
    first_seq: u64,
    len: u64,
}

/// The file being written.
#[derive(Debug)]
struct Active {
    file: Box<dyn WriteFile>,
    number: u64,
    end: u64,
    synced_end: u64,
    marks: u64,
}

impl Log {
    /// Opens the log in `dir`, which is made if need be, and gives every frame above
    /// `bounds.released` to `visit`. When it returns, these frames are durable. No file is begun
    /// before the first append.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        options: LogOptions,
        bounds: Bounds,
        visit: Visit<'_>,
    ) -> Result<Self> {
        disk.create_dir_all(&dir, options.mode)?;
        if let Some(parent) = dir.parent() {
            disk.sync_dir(parent)?;
        }
        let listing = files::list(disk.as_ref(), &dir)?;
        let files = files::headers(disk.as_ref(), &dir, &listing)?;
        let from = Place { file: 0, offset: 0, seq: bounds.released + 1 };
        let end = walk(disk.as_ref(), &dir, &files, from, visit).map_err(Stopped::into_error)?;
        if end.seq <= bounds.synced {
            let detail = format!(
                "the log ends before frame {}, though the catalog knows of frame {}",
                end.seq, bounds.synced
            );
            return Err(Error::corrupt(&dir, end.offset, "log", detail));
        }
        if let Some(last) = files.last() {
            rewrite_unsynced(disk.as_ref(), last, end)?;
        }
        let numbers = listing.logs.iter().chain(&listing.spares).map(|&(number, _)| number);
        let mut log = Self {
            disk,
            options,
            next_number: numbers.max().unwrap_or(0) + 1,
            files: files.iter().map(Kept::of).collect(),
            spares: Spares::new(options.spares, options.file_bytes.saturating_mul(2)),
            active: None,
            next_seq: end.seq,
            synced_seq: end.seq - 1,
            poison: None,
            buffer: Vec::new(),
            dir,
        };
        for (number, len) in listing.spares {
            let path = log.dir.join(names::spare_file(number));
            log.spares.keep(log.disk.as_ref(), path, len)?;
        }
        log.release(bounds.released)?;
        Ok(log)
    }

    /// Begins a log whose first frame will be `seq`, in a folder without one: for a copy of a
    /// store, whose catalog already counts sequences.
    #[cfg(test)]
    pub fn begin(disk: Arc<dyn Disk>, dir: PathBuf, options: LogOptions, seq: u64) -> Result<()> {
        let mut log = Self::open(disk, dir, options, Bounds::default(), &mut |_, _| Ok(()))?;
        if !log.files.is_empty() {
            return Err(Error::invalid(format!("{} holds a log already", log.dir.display())));
        }
        log.next_seq = seq;
        log.begin_file()
    }

    /// Appends `payloads` as consecutive frames and returns their sequences. They are with the
    /// operating system then, visible to readers and safe from a crash of the process, but not
    /// from power loss before [`Log::sync`]. After an error other than `Poisoned` none of them is in
    /// the log.
    pub fn append(&mut self, payloads: &[&[u8]]) -> Result<Range<u64>> {
        self.check_poison()?;
        if payloads.iter().any(|payload| payload.len() > frame::MAX_PAYLOAD_BYTES) {
            let what = format!("a batch of {} bytes in the log", frame::MAX_PAYLOAD_BYTES);
            return Err(Error::Limit { what });
        }
        let seqs = self.next_seq..self.next_seq + payloads.len() as u64;
        if payloads.is_empty() {
            return Ok(seqs);
        }
        let frames = payloads.iter().map(|payload| (frame::HEADER_BYTES + payload.len()) as u64);
        let bytes: u64 = frames.sum();
        let fits = |active: &Active| {
            active.end == FIRST_FRAME || active.end + bytes <= self.options.file_bytes
        };
        if !self.active.as_ref().is_some_and(fits) {
            self.sync()?;
            // Whatever becomes of the next file, its first sequence must stay the end of this one.
            self.active = None;
            self.begin_file()?;
        }
        if let Err(error) = self.write(payloads) {
            self.withdraw();
            return Err(error);
        }
        if let (Some(active), Some(kept)) = (&mut self.active, self.files.back_mut()) {
            active.end += bytes;
            kept.len = kept.len.max(active.end);
        }
        self.next_seq = seqs.end;
        Ok(seqs)
    }

    /// Makes all appended frames durable and returns the last one's sequence. If that fails, the log
    /// is `Poisoned`: what was not synced before may be lost, and every later append and sync is
    /// refused until the log is opened again.
    pub fn sync(&mut self) -> Result<u64> {
        self.check_poison()?;
        let Some(active) = self.active.as_mut().filter(|active| active.synced_end < active.end)
        else {
            return Ok(self.synced_seq);
        };
        if let Err(error) = active.file.sync() {
            return Err(self.poisoned(&error));
        }
        active.synced_end = active.end;
        self.synced_seq = self.next_seq - 1;
        // The frames are durable already: a mark that cannot be written costs only the power to
        // tell later damage from a torn tail.
        let (at, mark) = header::mark(active.number, active.end, active.marks);
        active.file.write_at(at, &mark).ok();
        active.marks += 1;
        Ok(self.synced_seq)
    }

    /// Forgets the frames up to `through`: files that hold no later one become spares or go. The
    /// last file always stays, so that a log that was lost is told from one that is empty.
    pub fn release(&mut self, through: u64) -> Result<()> {
        while let (Some(oldest), Some(next)) = (self.files.front(), self.files.get(1)) {
            if next.first_seq > through.saturating_add(1) {
                break;
            }
            let path = self.dir.join(names::log_file(oldest.number));
            let spare = self.dir.join(names::spare_file(oldest.number));
            let len = oldest.len;
            self.disk.rename(&path, &spare)?;
            self.files.pop_front();
            self.spares.keep(self.disk.as_ref(), spare, len)?;
        }
        Ok(())
    }

    /// The sequence that the next frame gets.
    #[cfg(test)]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Frames up to this one are durable.
    pub fn synced_seq(&self) -> u64 {
        self.synced_seq
    }

    /// Bytes of the files that are still needed.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.len).sum()
    }

    fn check_poison(&self) -> Result<()> {
        let poison = self.poison.clone();
        poison.map_or(Ok(()), |cause| Err(Error::Poisoned { cause }))
    }

    /// Remembers the failure and passes it on as `Poisoned`, whatever it was: even a lack of space
    /// is none that one can wait for when it comes from a sync.
    fn poisoned(&mut self, error: &Error) -> Error {
        let cause = self.poison.get_or_insert(error.to_string()).clone();
        Error::Poisoned { cause }
    }

    /// Begins the next file: its header is durable before its name is, and both before a frame.
    fn begin_file(&mut self) -> Result<()> {
        let number = self.next_number;
        let spare = match self.spares.take() {
            Some(spare) => spare,
            None => {
                let path = self.dir.join(names::spare_file(number));
                self.disk.create(&path)?;
                Spare { path, len: 0, is_named: true }
            }
        };
        if !spare.is_named {
            self.sync_names()?;
        }
        let page = header::page(number, self.next_seq);
        let opened = self.disk.open_write(&spare.path);
        let written = opened.and_then(|mut file| file.write_at(0, &page).map(|()| file));
        let mut file = match written {
            Ok(file) => file,
            Err(error) => {
                self.spares.give_back(spare);
                return Err(error);
            }
        };
        if let Err(error) = file.sync() {
            return Err(self.poisoned(&error));
        }
        self.disk.rename(&spare.path, &self.dir.join(names::log_file(number)))?;
        self.sync_names()?;
        let len = spare.len.max(FIRST_FRAME);
        self.files.push_back(Kept { number, first_seq: self.next_seq, len });
        let (end, synced_end) = (FIRST_FRAME, FIRST_FRAME);
        self.active = Some(Active { file, number, end, synced_end, marks: 0 });
        self.next_number += 1;
        Ok(())
    }

    /// Makes the names of all files durable.
    fn sync_names(&mut self) -> Result<()> {
        if let Err(error) = self.disk.sync_dir(&self.dir) {
            return Err(self.poisoned(&error));
        }
        self.spares.set_named();
        Ok(())
    }

    fn write(&mut self, payloads: &[&[u8]]) -> Result<()> {
        let Some(active) = &mut self.active else { return Err(Error::Closed) };
        let (mut at, mut seq) = (active.end, self.next_seq);
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

    /// Takes back a failed append. Frames that got through would come to life with the next
    /// recovery, or stand behind the next append as if they followed it; cutting them off works on
    /// a full disk too.
    fn withdraw(&mut self) {
        let Some(active) = &mut self.active else { return };
        let cut = active.file.set_len(active.end).and_then(|()| active.file.sync());
        if let Err(error) = cut {
            self.poisoned(&error);
        } else {
            active.synced_end = active.end;
            self.synced_seq = self.next_seq - 1;
        }
    }
}

impl Kept {
    fn of(file: &LogFile) -> Self {
        let header = &file.header;
        Self { number: header.number, first_seq: header.first_seq, len: file.len }
    }
}
