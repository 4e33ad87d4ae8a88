//! The writer's side of the log: append, sync, rotate, release.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::disk::{Disk, names};
use crate::ingest::log::files;
use crate::ingest::log::frame;
use crate::ingest::log::header::{self, FIRST_FRAME};
use crate::ingest::log::parts::{Active, Kept, Shared, State, Syncer, Writer};
use crate::ingest::log::recovery::rewrite_unsynced;
use crate::ingest::log::scan::{Place, Stopped, Visit, walk};
use crate::ingest::log::spares::{Spare, Spares};

/// How the log lays out its files.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// A file is followed by the next at this size. A larger group makes a larger file.
    pub file_bytes: u64,
    /// What is only in files older than the last ones of so many bytes should be flushed: a log
    /// that grows takes ever new files, which cost ten times what overwriting old ones does, and
    /// recovery must read it. At least [`MIN_FILES`] files.
    pub limit_bytes: u64,
    /// How many files are kept to be overwritten.
    pub spares: usize,
    /// Permissions of the folder.
    pub mode: u32,
}

impl LogOptions {
    /// For a store whose buffers share so much memory: the log has what is in them, so it is as long
    /// at least, and not to be much longer.
    pub fn of_store(memory_bytes: usize, mode: u32) -> Self {
        let limit_bytes = memory_bytes as u64;
        Self {
            file_bytes: (limit_bytes / 8).clamp(1 << 20, 32 << 20),
            limit_bytes,
            spares: 4,
            mode,
        }
    }
}

/// Files of which a log may consist, however small its limit: buffers are not to be flushed for it
/// before they are worth a segment.
const MIN_FILES: u64 = 4;

/// What the catalog knows of the log when it is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// Frames up to this one are no longer needed.
    pub released: u64,
    /// Frames up to this one were surely synced, since segments were published from them.
    pub synced: u64,
}

/// The log, open for writing. There is one writing process, which holds the store's lock; of its
/// threads one appends at a time, beside others that sync and release.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: LogOptions,
    shared: Shared,
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
        let next_number = numbers.max().unwrap_or(0) + 1;
        let mut spares = Spares::new(options.spares, options.file_bytes.saturating_mul(2));
        for (number, len) in listing.spares {
            let path = dir.join(names::spare_file(number));
            if !spares.keep(&path, len) {
                disk.remove_file(&path)?;
            }
        }
        let kept = files.iter().map(Kept::of).collect();
        let shared = Shared::new(State::new(kept, spares, end.seq, next_number));
        let log = Self { disk, dir, options, shared };
        log.release(bounds.released)?;
        Ok(log)
    }

    /// Begins a log whose first frame will be `seq`, in a folder without one: for a copy of a
    /// store, whose catalog already counts sequences.
    pub fn begin(disk: Arc<dyn Disk>, dir: PathBuf, options: LogOptions, seq: u64) -> Result<Self> {
        let log = Self::open(disk, dir, options, Bounds::default(), &mut |_, _| Ok(()))?;
        if !log.shared.state().files.is_empty() {
            return Err(Error::invalid(format!("{} holds a log already", log.dir.display())));
        }
        log.shared.state().next_seq = seq;
        log.begin_file(&mut Writer::new(1), seq)?;
        Ok(log)
    }

    /// Appends `payloads` as consecutive frames and returns their sequences. They are with the
    /// operating system then, visible to readers and safe from a crash of the process, but not
    /// from power loss before [`Log::sync`]. After an error other than `Poisoned` none of them is in
    /// the log.
    pub fn append(&self, payloads: &[&[u8]]) -> Result<Range<u64>> {
        self.shared.check_poison()?;
        if payloads.iter().any(|payload| payload.len() > frame::MAX_PAYLOAD_BYTES) {
            let what = format!("a batch of {} bytes in the log", frame::MAX_PAYLOAD_BYTES);
            return Err(Error::Limit { what });
        }
        let next = |state: &State| Some(state.next_seq);
        let Some((mut writer, first)) = self.shared.lease(|state| &mut state.writer, next) else {
            return Err(Error::Closed);
        };
        let seqs = first..first + payloads.len() as u64;
        if payloads.is_empty() {
            return Ok(seqs);
        }
        let frames = payloads.iter().map(|payload| (frame::HEADER_BYTES + payload.len()) as u64);
        let bytes: u64 = frames.sum();
        let fits = |active: &Active| {
            active.end == FIRST_FRAME || active.end + bytes <= self.options.file_bytes
        };
        if !writer.active.as_ref().is_some_and(fits) {
            self.sync()?;
            // Whatever becomes of the next file, its first sequence must stay the end of this one.
            writer.active = None;
            self.begin_file(&mut writer, first)?;
        }
        if let Err(error) = writer.write(payloads, first) {
            self.withdraw(&mut writer, first);
            return Err(error);
        }
        let mut state = self.shared.state();
        if let (Some(active), Some(kept)) = (&mut writer.active, state.files.back_mut()) {
            active.end += bytes;
            kept.len = kept.len.max(active.end);
            state.end = active.end;
        }
        state.next_seq = seqs.end;
        drop(state);
        Ok(seqs)
    }

    /// Makes all appended frames durable and returns the last one's sequence; frames may be
    /// appended meanwhile, which are not waited for. If that fails, the log is `Poisoned`: what
    /// was not synced before may be lost, and every later append and sync is refused until the
    /// log is opened again.
    pub fn sync(&self) -> Result<u64> {
        let wanted = self.shared.state().next_seq - 1;
        // Where another thread's sync is under way, that may do, or there is yet more to sync.
        let unsynced = |state: &State| {
            let due = state.synced_seq < wanted && state.check_poison().is_ok();
            due.then(|| (state.next_seq - 1, state.end))
        };
        let leased = self.shared.lease(|state| &mut state.syncer, unsynced);
        let Some((mut syncer, (seq, end))) = leased else {
            let state = self.shared.state();
            return state.check_poison().map(|()| state.synced_seq);
        };
        let (number, marks) = (syncer.number, syncer.marks);
        let Some(file) = &mut syncer.file else { return Err(Error::Closed) };
        if let Err(error) = file.sync() {
            return Err(self.shared.poisoned(&error));
        }
        // The frames are durable already: a mark that cannot be written costs only the power to
        // tell later damage from a torn tail.
        let (at, mark) = header::mark(number, end, marks);
        file.write_at(at, &mark).ok();
        syncer.marks += 1;
        self.shared.state().set_synced(seq);
        Ok(seq)
    }

    /// Forgets the frames up to `through`: files that hold no later one become spares or go. The
    /// last file always stays, so that a log that was lost is told from one that is empty.
    pub fn release(&self, through: u64) -> Result<()> {
        let unneeded = |state: &State| {
            let (oldest, next) = (state.files.front()?, state.files.get(1)?);
            let is_over = next.first_seq <= through.saturating_add(1);
            is_over.then_some((oldest.number, oldest.len))
        };
        let leased = self.shared.lease(|state| &mut state.remover, unneeded);
        let Some((_remover, mut oldest)) = leased else { return Ok(()) };
        loop {
            let (number, len) = oldest;
            let path = self.dir.join(names::log_file(number));
            let spare = self.dir.join(names::spare_file(number));
            self.disk.rename(&path, &spare)?;
            let (kept, next) = {
                let mut state = self.shared.state();
                state.files.pop_front();
                (state.spares.keep(&spare, len), unneeded(&state))
            };
            if !kept {
                self.disk.remove_file(&spare)?;
            }
            match next {
                Some(next) => oldest = next,
                None => return Ok(()),
            }
        }
    }

    /// The first frame of those that the log should keep, if it has become too long: buffers with
    /// earlier ones should be flushed.
    pub fn overdue(&self) -> Option<u64> {
        let limit = self.options.limit_bytes.max(self.options.file_bytes.saturating_mul(MIN_FILES));
        self.shared.state().first_within(limit)
    }

    /// The sequence that the next frame gets.
    #[cfg(test)]
    pub fn next_seq(&self) -> u64 {
        self.shared.state().next_seq
    }

    /// Frames up to this one are durable.
    pub fn synced_seq(&self) -> u64 {
        self.shared.state().synced_seq
    }

    /// Bytes of the files that are still needed.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.shared.state().files.iter().map(|file| file.len).sum()
    }

    /// Begins the next file, with frame `first_seq`: its header is durable before its name is, and
    /// both before a frame.
    fn begin_file(&self, writer: &mut Writer, first_seq: u64) -> Result<()> {
        let number = writer.next_number;
        let spare = self.shared.state().spares.take();
        let spare = match spare {
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
        let page = header::page(number, first_seq);
        let opened = || {
            let mut file = self.disk.open_write(&spare.path)?;
            file.write_at(0, &page)?;
            Ok((file, self.disk.open_write(&spare.path)?))
        };
        let (mut file, synced_by) = match opened() {
            Ok(files) => files,
            Err(error) => {
                self.shared.state().spares.give_back(spare);
                return Err(error);
            }
        };
        if let Err(error) = file.sync() {
            return Err(self.shared.poisoned(&error));
        }
        self.disk.rename(&spare.path, &self.dir.join(names::log_file(number)))?;
        self.sync_names()?;
        let len = spare.len.max(FIRST_FRAME);
        writer.active = Some(Active { file, number, end: FIRST_FRAME });
        writer.next_number += 1;
        // Nothing is left to sync in the file before; whoever synced it last may still have it.
        let leased = self.shared.lease(|state| &mut state.syncer, |_| Some(()));
        if let Some((mut syncer, ())) = leased {
            *syncer = Syncer { file: Some(synced_by), number, marks: 0 };
        }
        let mut state = self.shared.state();
        state.files.push_back(Kept { number, first_seq, len });
        state.end = FIRST_FRAME;
        drop(state);
        Ok(())
    }

    /// Makes the names of all files durable.
    fn sync_names(&self) -> Result<()> {
        let before = self.shared.state().spares.count();
        if let Err(error) = self.disk.sync_dir(&self.dir) {
            return Err(self.shared.poisoned(&error));
        }
        self.shared.state().spares.set_named(before);
        Ok(())
    }

    /// Takes back a failed append, whose first frame would have been `seq`. Frames that got
    /// through would come to life with the next recovery, or stand behind the next append as if
    /// they followed it; cutting them off works on a full disk too.
    fn withdraw(&self, writer: &mut Writer, seq: u64) {
        let Some(active) = &mut writer.active else { return };
        let cut = active.file.set_len(active.end).and_then(|()| active.file.sync());
        match cut {
            Ok(()) => self.shared.state().set_synced(seq - 1),
            Err(error) => drop(self.shared.poisoned(&error)),
        }
    }
}
