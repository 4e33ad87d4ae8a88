//! [`Reader`]: a store seen from another process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::base::error::{Error, Result};
use crate::block::cache::Cache;
use crate::catalog::{Pinned, ReadCatalog};
use crate::disk::names;
use crate::ingest::contexts::Contexts;
use crate::ingest::log::{Cursor, Replayed, replay};
use crate::query::view::View;
use crate::store::backup::{BackupReport, Original};
use crate::store::engine::{Environment, lock};
use crate::store::lazy::Opener;
use crate::store::open::{self, Replay};
use crate::store::options::Options;
use crate::store::read::TraceReader;
use crate::store::retain::RetentionReport;
use crate::store::state::State;
use crate::store::stats::{self, Stats};
use crate::store::watch;
use crate::upkeep::retention::Retention;

/// How often a reader starts over when the writer flushes or merges under it. Each time the
/// writer has moved on by at least a version, which takes far longer than reading the manifest.
pub(crate) const TRIES: usize = 64;

/// Reads a store without writing to it, also while another process writes.
///
/// It sees all that was acknowledged when it was opened or last [refreshed](Reader::refresh), and
/// keeps the files of that moment in place however long it lives. What is not flushed yet it reads
/// from the log into memory of its own, as much as the writer's buffers hold.
///
/// ```
/// use tracekeep::{Options, Reader, Store, TimeRange, TraceReader};
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path(), Options::default())?;
/// let reader = Reader::open(dir.path())?;
/// // The store appends meanwhile ...
/// reader.refresh()?;
/// assert!(reader.services(TimeRange::ALL)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader {
    place: Place,
    /// Held through a refresh; reading goes on meanwhile.
    refreshing: Mutex<Option<Position>>,
    state: RwLock<Arc<State>>,
}

/// What stays the same from one refresh to the next.
struct Place {
    environment: Environment,
    root: PathBuf,
    options: Options,
    contexts: Contexts,
    cache: Arc<Cache>,
}

/// How far a reader of a directory has come.
struct Position {
    catalog: ReadCatalog,
    log: Cursor,
}

impl Reader {
    /// Opens the store in the directory `path` for reading.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Corrupt` or `Version` if manifest or log cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let options = Options::default();
        let environment = open::real_environment(&options);
        Self::open_in(path, options, environment)
    }

    /// [`Reader::open`] in a world of the caller's making.
    #[doc(hidden)]
    pub fn open_in(
        path: impl AsRef<Path>,
        options: Options,
        environment: Environment,
    ) -> Result<Self> {
        let place = Place::new(path.as_ref(), options, environment);
        let (state, position) = place.read_afresh()?;
        Ok(Self {
            place,
            refreshing: Mutex::new(Some(position)),
            state: RwLock::new(Arc::new(state)),
        })
    }

    /// Opens single segment files, such as were cut from a store or copied from elsewhere.
    pub fn open_files(paths: &[impl AsRef<Path>]) -> Result<Self> {
        let options = Options::default();
        let environment = open::real_environment(&options);
        let place = Place::new(Path::new(""), options, environment);
        let segments = paths.iter().map(|path| {
            open::segment_at(place.environment.disk.as_ref(), path.as_ref(), &place.cache)
        });
        let state = State::of_segments(segments.collect::<Result<_>>()?);
        Ok(Self { place, refreshing: Mutex::new(None), state: RwLock::new(Arc::new(state)) })
    }

    /// Brings the reader up to date with all that is acknowledged now; snapshots and iterators
    /// that were made before stay as they are. Cost: the manifest and the new part of the log.
    pub fn refresh(&self) -> Result<()> {
        let mut position = lock(&self.refreshing);
        // Single files do not change.
        let Some(current) = position.as_mut() else { return Ok(()) };
        let state = match self.place.read_on(current, &self.state())? {
            Some(state) => state,
            None => {
                let (state, afresh) = self.place.read_afresh()?;
                *position = Some(afresh);
                state
            }
        };
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        Ok(())
    }

    /// Counts and sizes as of the last refresh. Cost: reads every segment's trace ids.
    pub fn stats(&self) -> Result<Stats> {
        let mut stats = stats::collect(&self.state())?;
        let place = &self.place;
        stats.counters = watch::read(place.environment.disk.as_ref(), &place.root);
        Ok(stats)
    }

    /// Copies the store as it is now to the directory `to`; see
    /// [`Store::backup`](crate::Store::backup).
    ///
    /// # Errors
    /// Of single files also `InvalidInput`: they can be copied as they are.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<BackupReport> {
        if lock(&self.refreshing).is_none() {
            return Err(Error::invalid("single segment files are no store: copy them"));
        }
        let Place { environment, root, options, .. } = &self.place;
        Original::new(&environment.disk, root, options).backup(to.as_ref())
    }

    /// What [`Store::retain`](crate::Store::retain) would have dropped at the last refresh.
    pub fn expired(&self, rule: &Retention) -> Result<RetentionReport> {
        RetentionReport::of(&self.state(), rule, self.place.environment.clock.now())
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    fn new(root: &Path, options: Options, environment: Environment) -> Self {
        let cache = open::cache(&options);
        let contexts = open::contexts(&options);
        Self { environment, root: root.into(), options, contexts, cache }
    }

    /// Pins the current version and replays the log above it.
    fn read_afresh(&self) -> Result<(State, Position)> {
        let mut moved = Error::Busy;
        for _ in 0..TRIES {
            let catalog = ReadCatalog::open(Arc::clone(&self.environment.disk), &self.root)?;
            let mut state = self.segments(catalog.current())?;
            let first = state.version.log_floor + 1;
            match self.replay(Cursor::at(first), &mut state)? {
                Replayed::Whole(log) => return Ok((state, Position { catalog, log })),
                Replayed::Moved(error) => moved = error,
            }
        }
        Err(moved)
    }

    /// Reads only the log's new frames if the catalog has not moved; else `None`.
    fn read_on(&self, position: &mut Position, current: &State) -> Result<Option<State>> {
        if position.catalog.refresh()? {
            return Ok(None);
        }
        let mut state = current.successor();
        match self.replay(position.log, &mut state)? {
            // A flush meanwhile may have released frames before they could be read.
            Replayed::Whole(log) if !position.catalog.refresh()? => {
                position.log = log;
                Ok(Some(state))
            }
            Replayed::Whole(_) | Replayed::Moved(_) => Ok(None),
        }
    }

    /// The segments of a version, which keep its files in place.
    fn segments(&self, pinned: &Pinned) -> Result<State> {
        let disk = &self.environment.disk;
        let opener = Opener::new(disk, &self.root, &self.cache, Some(pinned.clone()));
        let now = self.environment.clock.now();
        let state = State::new(Arc::clone(&pinned.version), &opener, now);
        if !pinned.is_held() {
            // Nothing keeps the files in place but having them open.
            let mut segments = state.partitions().values().flat_map(|p| &p.segments);
            segments.try_for_each(|held| held.segment().map(drop))?;
        }
        Ok(state)
    }

    fn replay(&self, from: Cursor, state: &mut State) -> Result<Replayed> {
        let frames = Replay::new(&self.options, &self.environment);
        let dir = self.root.join(names::LOG_DIR);
        let mut visit =
            |seq: u64, payload: &[u8]| frames.add(state, &self.contexts, seq, payload).map(drop);
        replay(self.environment.disk.as_ref(), &dir, from, &mut visit)
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("path", &self.place.root).finish_non_exhaustive()
    }
}

impl TraceReader for Reader {
    fn view(&self) -> Result<View> {
        Ok(self.state().view().clone().timed(&self.place.environment.clock))
    }
}
