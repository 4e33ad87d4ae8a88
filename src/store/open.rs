//! Opening: the directory, the lock, the manifest, the log; what a crash left behind.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::time::{Timestamp, saturating_nanos};
use crate::block::cache::Cache;
use crate::catalog::{Catalog, PartitionKey, lock_writer};
use crate::disk::clock::SystemClock;
use crate::disk::executor::{Executor, InlineExecutor};
use crate::disk::observed::ObservedDisk;
use crate::disk::pool::ThreadPool;
use crate::disk::real::RealDisk;
use crate::disk::{Disk, FileLock, names};
use crate::ingest::contexts::Contexts;
use crate::ingest::log::{Bounds, Log, LogOptions};
use crate::ingest::otlp;
use crate::segment::Segment;
use crate::store::append::add_batch;
use crate::store::engine::{Engine, Environment, Parts};
use crate::store::lazy::Opener;
use crate::store::options::Options;
use crate::store::progress::Progress;
use crate::store::reserve;
use crate::store::resources::{Resources, contexts_limit, models_limit};
use crate::store::state::State;
use crate::store::watch::Watch;

/// The real world, with the threads that the options allow.
pub(crate) fn real_environment(options: &Options) -> Environment {
    let executor: Arc<dyn Executor> = match (&options.resources, options.threads) {
        (Some(shared), _) => Arc::clone(shared.executor()),
        (None, 0) => Arc::new(InlineExecutor::new()),
        (None, threads) => Arc::new(ThreadPool::new(threads)),
    };
    let disk = Arc::new(RealDisk::new(options.io));
    Environment { disk, clock: Arc::new(SystemClock), executor }
}

/// The cache of a reader with these options.
pub(crate) fn cache(options: &Options) -> Arc<Cache> {
    let models = models_limit(options.memory_bytes);
    Arc::new(Cache::with_models(options.cache_limit() as u64, models))
}

/// The interner of a reader with these options.
pub(crate) fn contexts(options: &Options) -> Contexts {
    Contexts::new(contexts_limit(options.memory_bytes))
}

/// Opens the store at `root`.
pub(crate) fn engine(
    root: &Path,
    options: Options,
    mut environment: Environment,
) -> Result<Arc<Engine>> {
    if let Some(observer) = &options.observer {
        environment.disk = Arc::new(ObservedDisk::new(environment.disk, Arc::clone(observer)));
    }
    let disk = Arc::clone(&environment.disk);
    let (lock, catalog) =
        reserve::on_full_disk(disk.as_ref(), root, || open_catalog(&disk, root, &options))?;
    let clock = Arc::clone(&environment.clock);
    let watch = Watch::new(options.observer.clone(), clock, disk.as_ref(), root);
    let own = || Resources::own(&options, Arc::clone(&environment.executor));
    let resources = options.resources.clone().unwrap_or_else(own);
    let cache = Arc::new(resources.cache().observed(options.observer.clone()));
    let version = catalog.current();
    let opener = Opener::new(&disk, root, &cache, None);
    let mut state = State::new(Arc::clone(version), &opener, environment.clock.now());
    let contexts = Arc::clone(resources.contexts());
    let replay = Replay::new(&options, &environment);
    let log_dir = root.join(names::LOG_DIR);
    let mut progress = Progress::new(&watch, disk.as_ref(), &log_dir)?;
    let log = Log::open(
        Arc::clone(&disk),
        log_dir,
        LogOptions::of_store(options.memory_bytes, options.mode),
        Bounds { released: version.log_floor, synced: version.highest_flushed() },
        &mut |seq, payload| {
            let spans = replay.add(&mut state, &contexts, seq, payload)?;
            progress.frame(payload.len(), spans);
            Ok(())
        },
    )?;
    progress.done();
    let root = root.to_path_buf();
    let parts =
        Parts { environment, root, options, resources, opener, watch, log, catalog, state, lock };
    let engine = Arc::new(Engine::new(parts));
    engine.resources.join(&engine);
    engine.seal_where_due();
    engine.arm_rule(Duration::ZERO);
    engine.arm_quiet();
    engine.keep_reserve();
    Ok(engine)
}

/// The store's lock and catalog, made if there is none.
fn open_catalog(
    disk: &Arc<dyn Disk>,
    root: &Path,
    options: &Options,
) -> Result<(Box<dyn FileLock>, Catalog)> {
    let holder = format!("process {}", std::process::id());
    if disk.exists(&root.join(names::MANIFEST))? {
        let lock = lock_writer(disk.as_ref(), root, &holder)?;
        let catalog = Catalog::open(Arc::clone(disk), root, options.mode)?;
        return Ok((lock, catalog));
    }
    if !options.create_if_missing {
        return Err(Error::NotFound { path: root.into() });
    }
    disk.create_dir_all(root, options.mode)?;
    // The store is as durable as its own name: also where an earlier attempt only made the folder.
    match root.parent() {
        Some(parent) if parent.as_os_str().is_empty() => disk.sync_dir(Path::new("."))?,
        Some(parent) => disk.sync_dir(parent)?,
        None => {}
    }
    let lock = lock_writer(disk.as_ref(), root, &holder)?;
    // Another process may have made the store before this one got the lock.
    let catalog = if disk.exists(&root.join(names::MANIFEST))? {
        Catalog::open(Arc::clone(disk), root, options.mode)?
    } else {
        Catalog::create(Arc::clone(disk), root, options.mode)?
    };
    Ok((lock, catalog))
}

/// Opens a single segment file.
pub(crate) fn segment_at(disk: &dyn Disk, path: &Path, cache: &Arc<Cache>) -> Result<Arc<Segment>> {
    Ok(Arc::new(Segment::open(disk.open(path)?, Arc::clone(cache))?))
}

/// Puts logged frames back into live buffers.
pub(crate) struct Replay {
    width_nanos: u64,
    now: Timestamp,
}

impl Replay {
    pub(crate) fn new(options: &Options, environment: &Environment) -> Self {
        let width_nanos = saturating_nanos(options.partition);
        Self { width_nanos, now: environment.clock.now() }
    }

    /// Adds what of a frame's spans is in no segment yet, and says how many those are.
    pub(crate) fn add(
        &self,
        state: &mut State,
        contexts: &Contexts,
        seq: u64,
        payload: &[u8],
    ) -> Result<u64> {
        let batch = otlp::replay(payload, contexts)?;
        let version = Arc::clone(&state.version);
        let wanted = |key: &PartitionKey| version.flushed_seq(key) < seq;
        Ok(add_batch(state, self.width_nanos, seq, self.now, batch, &wanted))
    }
}
