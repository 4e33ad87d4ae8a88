//! Where pieces go: into the store, several at a time, so that they share syncs of the log.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracekeep::{Appended, Commit, Error, Store};

use crate::failure::{Failure, note};
use crate::import::join::Joined;
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
    joined: Joined,
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
            joined: Joined::default(),
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

    /// The file that was begun is at its end.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.store_joined()
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
        let mut result = self.store_joined();
        while let Some(commit) = self.pending.pop_front() {
            match commit.wait() {
                Ok(appended) => self.count(&appended),
                Err(error) => result = result.and(Err(error.into())),
            }
        }
        (self.store, self.totals, result)
    }

    /// Stores the requests that were joined. If they cannot be stored as one, each is stored
    /// alone, so that the one to blame is told and costs no other.
    fn store_joined(&mut self) -> Result<(), Failure> {
        let (request, parts) = self.joined.take();
        if parts.is_empty() {
            return Ok(());
        }
        match self.store.submit_otlp(request) {
            Ok(commit) => self.wait_for(commit),
            Err(Error::InvalidInput { .. } | Error::Limit { .. }) => parts
                .into_iter()
                .try_for_each(|(place, text)| self.submit(place, Piece::Json(text))),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a piece as one request.
    fn submit(&mut self, place: Place, piece: Piece) -> Result<(), Failure> {
        let submitted = match piece {
            Piece::Protobuf(request) => self.store.submit_otlp(request),
            Piece::Json(request) => self.store.submit_otlp_json(&request),
            Piece::Spans(spans) => self.store.submit(&spans),
        };
        match submitted {
            Ok(commit) => self.wait_for(commit),
            Err(error) => self.refused(place, error),
        }
    }

    /// Goes on with a piece that is malformed; fails with any other error.
    fn refused(&mut self, place: Place, error: Error) -> Result<(), Failure> {
        match error {
            Error::InvalidInput { message, position } => {
                let offset = place.offset + position.unwrap_or(0);
                self.blame(Place { offset, ..place }, message)
            }
            error @ Error::Limit { .. } => self.blame(place, error.to_string()),
            error => Err(error.into()),
        }
    }

    fn blame(&mut self, place: Place, message: String) -> Result<(), Failure> {
        let failure = Failure::Input(bad_input(&self.file, place, message));
        if !self.keep_going {
            return Err(failure);
        }
        self.leave_out(&failure);
        Ok(())
    }

    /// Puts a commit behind those that are under way.
    fn wait_for(&mut self, commit: Commit) -> Result<(), Failure> {
        self.pending.push_back(commit);
        if self.pending.len() >= PENDING
            && let Some(commit) = self.pending.pop_front()
        {
            let appended = commit.wait()?;
            self.count(&appended);
        }
        self.show_progress();
        Ok(())
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
        match piece {
            Piece::Json(text) if Joined::takes(&text) => match self.joined.add(place, text) {
                Ok(()) if self.joined.is_full() => self.store_joined(),
                Ok(()) => Ok(()),
                Err(error) => {
                    self.store_joined()?;
                    self.refused(place, error)
                }
            },
            piece => {
                self.store_joined()?;
                self.submit(place, piece)
            }
        }
    }

    fn malformed(&mut self, place: Place, message: String) -> Result<(), Failure> {
        // What came before is stored, and told of, before it.
        self.store_joined()?;
        self.blame(place, message)
    }
}
