//! Where pieces go: into the store, several at a time, so that they share syncs of the log.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracekeep::{Appended, Commit, Error, Store};

use crate::failure::{Failure, note};
use crate::import::{Piece, Place, Sink, bad_input};
use crate::output::grouped;
use crate::progress::Progress;

/// Requests that may wait for their commit. Many share one sync of the log, and all of them
/// together weigh little.
const PENDING: usize = 256;

/// What became of everything so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Spans stored.
    pub spans: u64,
    /// Spans that were refused one by one.
    pub rejected: u64,
    /// Lines, messages, traces and files that are malformed and were left out.
    pub malformed: u64,
}

/// Stores pieces of files.
pub struct Intake {
    store: Store,
    keep_going: bool,
    progress: Progress,
    pending: VecDeque<Commit>,
    totals: Totals,
    file: PathBuf,
    consumed: Arc<AtomicU64>,
    /// How much of the file the progress bar has seen.
    shown: u64,
}

impl Intake {
    /// Stores into `store`; with `keep_going`, what is malformed is told and left out.
    pub fn new(store: Store, keep_going: bool, progress: Progress) -> Self {
        Self {
            store,
            keep_going,
            progress,
            pending: VecDeque::new(),
            totals: Totals::default(),
            file: PathBuf::new(),
            consumed: Arc::default(),
            shown: 0,
        }
    }

    /// Turns to a file; `consumed` tells how much of it was read.
    pub(super) fn begin(&mut self, file: &Path, consumed: Arc<AtomicU64>) {
        self.file = file.to_path_buf();
        self.consumed = consumed;
        self.shown = 0;
    }

    /// A file cannot be read at all.
    pub(super) fn unreadable(&mut self, failure: Failure) -> Result<(), Failure> {
        if !self.keep_going {
            return Err(failure);
        }
        self.leave_out(&failure);
        Ok(())
    }

    /// Waits until everything is stored. The store is given back to be closed.
    pub fn finish(mut self) -> (Store, Totals, Result<(), Failure>) {
        let mut result = Ok(());
        while let Some(commit) = self.pending.pop_front() {
            match commit.wait() {
                Ok(appended) => self.count(&appended),
                Err(error) => result = result.and(Err(error.into())),
            }
        }
        (self.store, self.totals, result)
    }

    fn leave_out(&mut self, failure: &Failure) {
        self.totals.malformed += 1;
        self.progress.note(&format!("tracekeep: {failure}; left out"));
    }

    fn count(&mut self, appended: &Appended) {
        if let Some(why) = appended.first_rejection.as_ref().filter(|_| self.totals.rejected == 0) {
            note(&format!("tracekeep: {}: a span was refused: {why}", self.file.display()));
        }
        self.totals.spans += appended.accepted;
        self.totals.rejected += appended.rejected;
    }

    fn show_progress(&mut self) {
        let consumed = self.consumed.load(Ordering::Relaxed);
        self.progress.advance(consumed.saturating_sub(self.shown));
        self.shown = consumed;
        self.progress.message(format!("{} spans", grouped(self.totals.spans)));
    }
}

impl Sink for Intake {
    fn piece(&mut self, place: Place, piece: Piece) -> Result<(), Failure> {
        let submitted = match piece {
            Piece::Protobuf(request) => self.store.submit_otlp(request),
            Piece::Json(request) => self.store.submit_otlp_json(&request),
            Piece::Spans(spans) => self.store.submit(&spans),
        };
        match submitted {
            Ok(commit) => self.pending.push_back(commit),
            Err(Error::InvalidInput { message, position }) => {
                let offset = place.offset + position.unwrap_or(0);
                self.malformed(Place { offset, ..place }, message)?;
            }
            Err(error @ Error::Limit { .. }) => self.malformed(place, error.to_string())?,
            Err(error) => return Err(error.into()),
        }
        if self.pending.len() >= PENDING
            && let Some(commit) = self.pending.pop_front()
        {
            let appended = commit.wait()?;
            self.count(&appended);
        }
        self.show_progress();
        Ok(())
    }

    fn malformed(&mut self, place: Place, message: String) -> Result<(), Failure> {
        let failure = Failure::Input(bad_input(&self.file, place, message));
        if !self.keep_going {
            return Err(failure);
        }
        self.leave_out(&failure);
        Ok(())
    }
}
