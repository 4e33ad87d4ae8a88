//! Claim: a store with a damaged byte, or with bytes missing, answers rightly or says which file is
//! damaged; what lies elsewhere is answered rightly (P6).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracekeep::simulation::{Environment, InlineExecutor, ManualClock, MemDisk, Survivors};
use tracekeep::{
    Error, Event, KeyValue, Options, Query, Reader, Resource, ResourceSpans, Result, ScopeSpans,
    Span, Store, TimeRange, Timestamp, Trace, TraceId, TraceReader, Value,
};

const HOUR: u64 = 3_600_000_000_000;
const START: u64 = 480_000 * HOUR;
const ROOT: &str = "/store";
/// A trace fills a block, so that a damaged block costs one trace.
const SPANS_A_TRACE: u64 = 4;
const TRACES_A_BATCH: u64 = 4;

/// Trace `n`: constants, numbers, dictionary values, and text for the pages.
fn trace(n: u64) -> ResourceSpans {
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

fn trace_id(n: u64) -> TraceId {
    TraceId::from((u128::from(n + 1) << 64) | (u128::from(n + 1) * 0x1234_5678_9abc))
}

fn batch(number: u64) -> Vec<ResourceSpans> {
    let first = number * TRACES_A_BATCH;
    (first..first + TRACES_A_BATCH).map(trace).collect()
}

fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(START))),
        executor: Arc::new(InlineExecutor::new()),
    }
}

fn options() -> Options {
    let options = Options::default().threads(0).min_free_bytes(0);
    options.block_rows(SPANS_A_TRACE as usize).page_bytes(64)
}

fn open(disk: &MemDisk) -> Result<Store> {
    Store::open_in(ROOT, options(), world(disk))
}

/// A store, and what it answers.
struct Sound {
    disk: MemDisk,
    answers: Answers,
}

/// What a store says to every question.
struct Answers {
    traces: Vec<Result<Option<Trace>>>,
    searches: Vec<Result<Vec<TraceId>>>,
    names: Vec<Result<Vec<String>>>,
}

impl Answers {
    fn of(store: &impl TraceReader, traces: u64) -> Self {
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
    fn check(&self, sound: &Self, file: &Path, context: &str) -> usize {
        let failed = compare(&self.traces, &sound.traces, file, context);
        compare(&self.searches, &sound.searches, file, context);
        compare(&self.names, &sound.names, file, context);
        failed
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(
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

fn assert_is_about(error: &Error, damaged: &Path, context: &str) {
    match error {
        Error::Corrupt { file, .. } => assert_eq!(file, damaged, "{context}: {error}"),
        _ => panic!("{context}: {error}"),
    }
}

/// Two segments of one partition, and with `logged` two traces that are in the log only.
fn sound(logged: bool) -> Sound {
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
    fn read(&self, path: &Path) -> Vec<u8> {
        world(&self.disk).disk.read(path).unwrap()
    }

    /// The store with `bytes` in place of a file.
    fn with(&self, path: &Path, bytes: &[u8]) -> MemDisk {
        let disk = self.disk.crash(Survivors::All);
        let mut file = world(&disk).disk.create(path).unwrap();
        file.write_at(0, bytes).unwrap();
        file.sync().unwrap();
        disk
    }

    /// Every file below a folder whose name ends so.
    fn files(&self, dir: &str, suffix: &str) -> Vec<PathBuf> {
        let dir = Path::new(ROOT).join(dir);
        let entries = world(&self.disk).disk.list(&dir).unwrap();
        let names = entries.into_iter().filter(|entry| entry.name.ends_with(suffix));
        names.map(|entry| dir.join(entry.name)).collect()
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = world(&self.disk).disk.list(Path::new(ROOT)).unwrap();
        let folders = entries.into_iter().filter(|entry| entry.is_dir);
        folders.flat_map(|folder| self.files(&folder.name, ".seg")).collect()
    }

    /// How many traces cannot be read with `bytes` in place of a file; `None` if the store cannot
    /// be opened.
    fn damage(&self, path: &Path, bytes: &[u8], context: &str) -> Option<usize> {
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
    fn damage_to_writer(&self, path: &Path, bytes: &[u8], context: &str) -> Option<usize> {
        let traces = self.answers.traces.len() as u64;
        match open(&self.with(path, bytes)) {
            Ok(store) => {
                let failed = Answers::of(&store, traces).check(&self.answers, path, context);
                store.append(&[trace(1000)]).unwrap();
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

fn flipped(bytes: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= mask;
    bytes
}

/// A bit to flip: another one from byte to byte.
fn mask(at: usize) -> u8 {
    1 << (at * 5 % 8)
}

#[test]
fn p6_a_flipped_byte_of_a_segment_costs_the_traces_in_its_block_or_page() {
    let sound = sound(false);
    let path = &sound.segments()[1];
    let bytes = sound.read(path);
    let (mut costly, mut most) = (0, 0);
    for at in 0..bytes.len() {
        let context = format!("byte {at} of {}", bytes.len());
        let failed = sound.damage(path, &flipped(&bytes, at, mask(at)), &context);
        let failed = failed.unwrap_or_else(|| panic!("{context}: the store cannot be opened"));
        costly += usize::from(failed > 0);
        most = most.max(failed);
    }
    assert!(costly > 0, "no byte matters");
    // A block is a trace; a page of 64 bytes holds text of two neighbours.
    assert!(most <= 2, "a byte costs {most} traces");
}

#[test]
fn p6_a_segment_cut_at_any_length_is_corrupt() {
    let sound = sound(false);
    let path = &sound.segments()[1];
    let bytes = sound.read(path);
    for len in 0..bytes.len() {
        let context = format!("{len} of {} bytes", bytes.len());
        let failed = sound.damage(path, &bytes[..len], &context);
        assert!(failed.is_none_or(|failed| failed > 0), "{context}: nothing is missed");
    }
}

#[test]
fn p6_a_single_segment_file_says_what_is_damaged() {
    let sound = sound(false);
    let bytes = sound.read(&sound.segments()[0]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.seg");
    std::fs::write(&path, &bytes).unwrap();
    let traces = TRACES_A_BATCH;
    let whole = Answers::of(&Reader::open_files(&[&path]).unwrap(), traces);
    let mut damages: Vec<_> =
        (0..bytes.len()).step_by(7).map(|at| flipped(&bytes, at, mask(at))).collect();
    damages.extend((0..bytes.len()).step_by(61).map(|len| bytes[..len].to_vec()));
    for (number, damaged) in damages.iter().enumerate() {
        std::fs::write(&path, damaged).unwrap();
        let context = format!("damage {number}");
        match Reader::open_files(&[&path]) {
            Ok(reader) => {
                Answers::of(&reader, traces).check(&whole, &path, &context);
            }
            Err(error) => assert_is_about(&error, &path, &context),
        }
    }
}

#[test]
fn p6_a_flipped_or_missing_byte_of_the_log_costs_no_acknowledged_span() {
    let sound = sound(true);
    let files = sound.files("log", ".log");
    for path in &files {
        let bytes = sound.read(path);
        let mut damaged = 0;
        // What follows both marks in the header page is padding.
        let padding = 1_100..4_096;
        for at in (0..bytes.len()).filter(|at| !padding.contains(at) || at % 100 == 0) {
            let context = format!("byte {at} of {} in {}", bytes.len(), path.display());
            let flipped = flipped(&bytes, at, mask(at));
            let failed = sound.damage(path, &flipped, &context);
            assert!(failed.is_none_or(|failed| failed == 0), "{context}: {failed:?}");
            assert_eq!(sound.damage_to_writer(path, &flipped, &context), failed, "{context}");
            damaged += usize::from(failed.is_none());
        }
        for len in (0..bytes.len()).step_by(23) {
            let context = format!("{len} of {} bytes of {}", bytes.len(), path.display());
            let failed = sound.damage(path, &bytes[..len], &context);
            assert!(failed.is_none_or(|failed| failed == 0), "{context}: {failed:?}");
        }
        assert!(damaged > 0, "no byte of {} matters", path.display());
    }
    assert!(!files.is_empty());
}

#[test]
fn p6_a_flipped_or_missing_byte_of_the_manifest_is_corrupt() {
    let sound = sound(true);
    let path = Path::new(ROOT).join("MANIFEST");
    let bytes = sound.read(&path);
    for at in 0..bytes.len() {
        let context = format!("byte {at} of {}", bytes.len());
        let flipped = flipped(&bytes, at, mask(at));
        assert_eq!(sound.damage(&path, &flipped, &context), None, "{context}");
        assert_eq!(sound.damage_to_writer(&path, &flipped, &context), None, "{context}");
        let context = format!("{at} of {} bytes", bytes.len());
        assert_eq!(sound.damage(&path, &bytes[..at], &context), None, "{context}");
    }
}

/// Where a file says its version: offset of the part, and its length up to and with its checksum.
struct Versioned {
    path: PathBuf,
    parts: Vec<(usize, usize)>,
}

fn versioned(sound: &Sound) -> Vec<Versioned> {
    let segment = sound.segments()[0].clone();
    let len = sound.read(&segment).len();
    let log = sound.files("log", ".log").pop().unwrap();
    vec![
        Versioned { path: segment, parts: vec![(0, 64), (len - 256, 128), (len - 128, 128)] },
        Versioned { path: Path::new(ROOT).join("MANIFEST"), parts: vec![(0, 16)] },
        Versioned { path: log, parts: vec![(0, 16)] },
    ]
}

/// Changes bytes of each part, whose checksums are made to fit.
fn patched(sound: &Sound, file: &Versioned, change: &dyn Fn(&mut [u8])) -> MemDisk {
    let mut bytes = sound.read(&file.path);
    for &(at, len) in &file.parts {
        let (checked, crc) = bytes[at..at + len].split_at_mut(len - 4);
        change(checked);
        crc.copy_from_slice(&crc32fast::hash(checked).to_le_bytes());
    }
    sound.with(&file.path, &bytes)
}

/// What opening a store and reading it runs into.
fn errors(disk: &MemDisk) -> Vec<Error> {
    let ask = |store: Result<Store>| store?.trace(trace_id(0)).map(|_| ());
    let ask_reader = |reader: Result<Reader>| reader?.trace(trace_id(0)).map(|_| ());
    let reader = ask_reader(Reader::open_in(ROOT, options(), world(disk)));
    vec![ask(open(disk)).unwrap_err(), reader.unwrap_err()]
}

#[test]
fn p6_a_newer_version_is_no_damage() {
    let sound = sound(true);
    for file in versioned(&sound) {
        let disk =
            patched(&sound, &file, &|bytes| bytes[8..12].copy_from_slice(&7u32.to_le_bytes()));
        for error in errors(&disk) {
            match error {
                Error::Version { file: named, found: 7, reads: 1 } => assert_eq!(named, file.path),
                other => panic!("{}: {other}", file.path.display()),
            }
        }
    }
}

#[test]
fn p6_a_file_of_another_kind_is_corrupt() {
    let sound = sound(true);
    for file in versioned(&sound) {
        let disk = patched(&sound, &file, &|bytes| bytes[..8].copy_from_slice(b"SQLite f"));
        for error in errors(&disk) {
            assert_is_about(&error, &file.path, "another magic");
        }
    }
}
