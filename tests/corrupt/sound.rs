//! A sound store, what it answers, and the same store with a file damaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracekeep::simulation::{Environment, InlineExecutor, ManualClock, MemDisk, Survivors};
use tracekeep::{
    Error, Event, KeyValue, Options, Query, Reader, Resource, ResourceSpans, Result, ScopeSpans,
    Span, Store, TimeRange, Timestamp, Trace, TraceId, TraceReader, Value,
};

pub const HOUR: u64 = 3_600_000_000_000;
pub const START: u64 = 480_000 * HOUR;
pub const ROOT: &str = "/store";
/// A trace fills a block, so that a damaged block costs one trace.
pub const SPANS_A_TRACE: u64 = 4;
pub const TRACES_A_BATCH: u64 = 4;

/// Trace `n`: constants, numbers, dictionary values, and text for the pages.
pub fn trace(n: u64) -> ResourceSpans {
    let spans = (0..SPANS_A_TRACE).map(|i| {
        let text = format!("/cart/{:x}/items/{:x}?{n}", (n + 3) * 7_919_777, (i + n) * 104_729_333);
        let event = Event {
            time: Timestamp::from_nanos(START + n * 1000 + i),
            name: "retry".into(),
            attributes: vec![KeyValue::new("cause", Value::Bytes(vec![n as u8; 50]))],
            ..Event::default()
        };
        Span {
            trace_id: trace_id(n),
            span_id: (n * 100 + i + 1).into(),
            parent_span_id: (i > 0).then(|| (n * 100 + i).into()),
            start: Timestamp::from_nanos(START + n * 1000 + i),
            end: Timestamp::from_nanos(START + n * 1000 + i + 17 * n),
            name: if i == 0 { "GET /cart".into() } else { "query".into() },
            attributes: vec![
                KeyValue::new("url", text),
                KeyValue::new("status", 200 + (n * i % 5) as i64),
                KeyValue::new("region", if n.is_multiple_of(2) { "eu" } else { "us" }),
            ],
            events: if i == 2 { vec![event] } else { Vec::new() },
            ..Span::default()
        }
    });
    let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
    let service = if n.is_multiple_of(3) { "cart" } else { "shop" };
    let attributes = vec![KeyValue::new("service.name", service)];
    let resource = Some(Resource { attributes, ..Resource::default() });
    ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }
}

pub fn trace_id(n: u64) -> TraceId {
    TraceId::from((u128::from(n + 1) << 64) | (u128::from(n + 1) * 0x1234_5678_9abc))
}

pub fn batch(number: u64) -> Vec<ResourceSpans> {
    let first = number * TRACES_A_BATCH;
    (first..first + TRACES_A_BATCH).map(trace).collect()
}

pub fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(START))),
        executor: Arc::new(InlineExecutor::new()),
    }
}

pub fn options() -> Options {
    let options = Options::default().threads(0).min_free_bytes(0);
    options.block_rows(SPANS_A_TRACE as usize).page_bytes(64)
}

pub fn open(disk: &MemDisk) -> Result<Store> {
    Store::open_in(ROOT, options(), world(disk))
}

/// A store, and what it answers.
pub struct Sound {
    pub disk: MemDisk,
    pub answers: Answers,
}

/// What a store says to every question.
pub struct Answers {
    pub traces: Vec<Result<Option<Trace>>>,
    pub searches: Vec<Result<Vec<TraceId>>>,
    pub names: Vec<Result<Vec<String>>>,
}

impl Answers {
    pub fn of(store: &impl TraceReader, traces: u64) -> Self {
        let search = |text: &str| {
            let page = store.search(&Query::parse(text).unwrap().limit(100))?;
            Ok(page.traces.iter().map(|hit| hit.trace_id).collect())
        };
        let operations = |service| {
            let operations = store.operations(service)?;
            Ok(operations.iter().map(|operation| operation.name.to_string()).collect())
        };
        let services = || {
            let services = store.services(TimeRange::ALL)?;
            Ok(services.iter().map(|service| service.to_string()).collect())
        };
        let values = || {
            let values = store.tag_values("span.region", TimeRange::ALL)?;
            Ok(values.iter().map(|value| format!("{value:?}")).collect())
        };
        Self {
            traces: (0..traces).map(|n| store.trace(trace_id(n))).collect(),
            searches: vec![
                search("{ }"),
                search("{ resource.service.name = \"cart\" && duration > 100ns }"),
            ],
            names: vec![operations("shop"), services(), values()],
        }
    }

    /// How many traces cannot be read; panics at a wrong answer, and at an error that is not
    /// about `file`.
    pub fn check(&self, sound: &Self, file: &Path, context: &str) -> usize {
        let failed = compare(&self.traces, &sound.traces, file, context);
        compare(&self.searches, &sound.searches, file, context);
        compare(&self.names, &sound.names, file, context);
        failed
    }
}

pub fn compare<T: PartialEq + std::fmt::Debug>(
    found: &[Result<T>],
    sound: &[Result<T>],
    file: &Path,
    context: &str,
) -> usize {
    let mut failed = 0;
    for (found, sound) in found.iter().zip(sound) {
        match found {
            Ok(found) => assert_eq!(found, sound.as_ref().unwrap(), "{context}"),
            Err(error) => {
                assert_is_about(error, file, context);
                failed += 1;
            }
        }
    }
    failed
}

pub fn assert_is_about(error: &Error, damaged: &Path, context: &str) {
    match error {
        Error::Corrupt { file, .. } => assert_eq!(file, damaged, "{context}: {error}"),
        _ => panic!("{context}: {error}"),
    }
}

/// Two segments of one partition, and with `logged` two traces that are in the log only.
pub fn sound(logged: bool) -> Sound {
    let disk = MemDisk::new();
    let store = open(&disk).unwrap();
    for number in 0..2 {
        store.append(&batch(number)).unwrap();
        store.flush().unwrap();
    }
    let flushed = 2 * TRACES_A_BATCH;
    let traces = if logged { flushed + 2 } else { flushed };
    for n in flushed..traces {
        store.append(&[trace(n)]).unwrap();
    }
    let answers = Answers::of(&store, traces);
    assert!(answers.traces.iter().all(|trace| trace.as_ref().unwrap().is_some()));
    assert_eq!(answers.searches[0].as_ref().unwrap().len() as u64, traces);
    drop(store);
    Sound { disk, answers }
}

impl Sound {
    pub fn read(&self, path: &Path) -> Vec<u8> {
        world(&self.disk).disk.read(path).unwrap()
    }

    /// The store with `bytes` in place of a file.
    pub fn with(&self, path: &Path, bytes: &[u8]) -> MemDisk {
        let disk = self.disk.crash(Survivors::All);
        let mut file = world(&disk).disk.create(path).unwrap();
        file.write_at(0, bytes).unwrap();
        file.sync().unwrap();
        disk
    }

    /// Every file below a folder whose name ends so.
    pub fn files(&self, dir: &str, suffix: &str) -> Vec<PathBuf> {
        let dir = Path::new(ROOT).join(dir);
        let entries = world(&self.disk).disk.list(&dir).unwrap();
        let names = entries.into_iter().filter(|entry| entry.name.ends_with(suffix));
        names.map(|entry| dir.join(entry.name)).collect()
    }

    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = world(&self.disk).disk.list(Path::new(ROOT)).unwrap();
        let folders = entries.into_iter().filter(|entry| entry.is_dir);
        folders.flat_map(|folder| self.files(&folder.name, ".seg")).collect()
    }

    /// How many traces cannot be read with `bytes` in place of a file; `None` if the store cannot
    /// be opened.
    pub fn damage(&self, path: &Path, bytes: &[u8], context: &str) -> Option<usize> {
        let traces = self.answers.traces.len() as u64;
        let reader = Reader::open_in(ROOT, options(), world(&self.with(path, bytes)));
        match reader {
            Ok(reader) => Some(Answers::of(&reader, traces).check(&self.answers, path, context)),
            Err(error) => {
                assert_is_about(&error, path, context);
                None
            }
        }
    }

    /// The same for a writer, which must be able to go on if it can be opened.
    pub fn damage_to_writer(&self, path: &Path, bytes: &[u8], context: &str) -> Option<usize> {
        let traces = self.answers.traces.len() as u64;
        match open(&self.with(path, bytes)) {
            Ok(store) => {
                let failed = Answers::of(&store, traces).check(&self.answers, path, context);
                // Also spans that a damaged segment may hold already.
                store.append(&[batch(1), vec![trace(1000)]].concat()).unwrap();
                store.flush().unwrap_or_else(|error| panic!("{context}: {error}"));
                assert!(store.trace(trace_id(1000)).unwrap().is_some(), "{context}");
                Some(failed)
            }
            Err(error) => {
                assert_is_about(&error, path, context);
                None
            }
        }
    }
}

pub fn flipped(bytes: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= mask;
    bytes
}

/// A bit to flip: another one from byte to byte.
pub fn mask(at: usize) -> u8 {
    1 << (at * 5 % 8)
}
