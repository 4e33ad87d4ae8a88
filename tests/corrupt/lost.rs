//! A segment that cannot be opened costs what it holds: everything else is answered rightly, and
//! the store goes on.

use std::path::{Path, PathBuf};

use tracekeep::simulation::MemDisk;
use tracekeep::{
    Error, Options, Query, Reader, ResourceSpans, Store, TimeRange, Timestamp, Trace, TraceId,
    TraceReader,
};

use crate::sound::*;

/// Traces of which the first hour's older segment holds all spans.
const IN_LOST: u64 = TRACES_A_BATCH;
/// Beside them a newer segment of that hour, and one of the next hour.
const TRACES: u64 = 3 * TRACES_A_BATCH;
/// A trace with spans in the lost segment and in the next hour.
const BOTH: u64 = 50;
/// Traces that come while the segment is lost, none of them of the service `cart`.
const NEW: [u64; 2] = [61, 62];

fn next_hour() -> TimeRange {
    TimeRange::from(Timestamp::from_nanos(START + HOUR)..)
}

fn first_hour() -> TimeRange {
    TimeRange::from(..Timestamp::from_nanos(START + HOUR))
}

/// The trace's spans, an hour later.
fn later(mut spans: ResourceSpans) -> ResourceSpans {
    for span in spans.scope_spans.iter_mut().flat_map(|scope| &mut scope.spans) {
        span.start = Timestamp::from_nanos(span.start.nanos() + HOUR);
        span.end = Timestamp::from_nanos(span.end.nanos() + HOUR);
    }
    spans
}

/// A store whose segments hold three batches, and what it answers.
struct Whole {
    sound: Sound,
    both: Option<Trace>,
    late_half: Option<Trace>,
    late_cart: Vec<TraceId>,
}

impl Whole {
    fn new() -> Self {
        let disk = MemDisk::new();
        let store = open(&disk).unwrap();
        let late: Vec<_> = batch(2).into_iter().map(later).collect();
        for (number, spans) in [batch(0), batch(1), late].iter_mut().enumerate() {
            match number {
                0 => spans.push(trace(BOTH)),
                1 => {}
                _ => spans.push(later(trace(BOTH))),
            }
            store.append(spans).unwrap();
            store.flush().unwrap();
        }
        let whole = Self {
            both: store.trace(trace_id(BOTH)).unwrap(),
            late_half: store.trace_in(trace_id(BOTH), next_hour()).unwrap(),
            late_cart: late_cart(&store).unwrap(),
            sound: Sound { answers: Answers::of(&store, TRACES), disk },
        };
        assert_eq!(whole.both.as_ref().unwrap().spans.len() as u64, 2 * SPANS_A_TRACE);
        assert_eq!(whole.late_half.as_ref().unwrap().spans.len() as u64, SPANS_A_TRACE);
        assert_eq!(whole.late_cart.len(), 1);
        whole
    }

    fn lost_segment(&self) -> PathBuf {
        self.sound.segments()[0].clone()
    }

    /// What `reader` must say while the segment at `path` cannot be opened.
    fn check(&self, reader: &impl TraceReader, path: &Path, context: &str) {
        for n in 0..TRACES {
            match reader.trace(trace_id(n)) {
                Ok(found) => {
                    assert!(n >= IN_LOST, "{context}: trace {n} is lost");
                    assert_eq!(&found, self.sound.answers.traces[n as usize].as_ref().unwrap());
                }
                Err(error) => {
                    assert_is_about(&error, path, context);
                    assert!(n < IN_LOST, "{context}: trace {n} lies elsewhere");
                }
            }
        }
        // Half a trace would be a wrong answer.
        assert_is_about(&reader.trace(trace_id(BOTH)).unwrap_err(), path, context);
        assert_eq!(reader.trace_in(trace_id(BOTH), next_hour()).unwrap(), self.late_half);
        assert_eq!(late_cart(reader).unwrap(), self.late_cart, "{context}");
        let everywhere = reader.search(&Query::parse("{ }").unwrap().limit(100));
        assert_is_about(&everywhere.unwrap_err(), path, context);
        assert_eq!(reader.services(next_hour()).unwrap().len(), 2, "{context}");
        assert_is_about(&reader.services(first_hour()).unwrap_err(), path, context);
    }

    /// The same of a writer, which must be able to go on.
    fn check_writer(&self, disk: &MemDisk, path: &Path, context: &str) {
        let store = open(disk).unwrap_or_else(|error| panic!("{context}: {error}"));
        self.check(&store, path, context);
        for n in NEW {
            store.append(&[trace(n), later(trace(n))]).unwrap();
            store.flush().unwrap();
        }
        // A trace of the lost segment goes on in the next hour, and comes again in its own.
        store.append(&[trace(1), later(trace(1))]).unwrap();
        store.flush().unwrap();
        let stats = store.stats().unwrap();
        assert_eq!((stats.lost_segments, stats.segments), (1, 9), "{context}");
        store.merge().unwrap();
        let stats = store.stats().unwrap();
        assert_eq!((stats.lost_segments, stats.segments), (1, 3), "{context}");
        self.check(&store, path, context);
        let found = store.trace(trace_id(NEW[0])).unwrap().unwrap();
        assert_eq!(found.spans.len() as u64, 2 * SPANS_A_TRACE, "{context}");
        store.close().unwrap();
        let reader = Reader::open_in(ROOT, options(), world(disk)).unwrap();
        self.check(&reader, path, context);
    }
}

/// What a search of the next hour finds.
fn late_cart(reader: &impl TraceReader) -> tracekeep::Result<Vec<TraceId>> {
    let query = Query::parse(r#"{ resource.service.name = "cart" }"#).unwrap();
    let found = reader.search_ids(&query.between(next_hour()))?;
    Ok(found.into_iter().map(|times| times.trace_id).collect())
}

#[test]
fn p6_a_store_goes_on_with_a_segment_cut_at_any_length() {
    let whole = Whole::new();
    let path = whole.lost_segment();
    let bytes = whole.sound.read(&path);
    for len in 0..bytes.len() {
        let context = format!("{len} of {} bytes", bytes.len());
        let disk = whole.sound.with(&path, &bytes[..len]);
        let reader = Reader::open_in(ROOT, options(), world(&disk)).unwrap();
        whole.check(&reader, &path, &context);
        if len % 64 == 0 {
            whole.check_writer(&disk, &path, &context);
        }
    }
}

#[test]
fn p6_a_store_goes_on_with_a_missing_or_foreign_segment() {
    let whole = Whole::new();
    let path = whole.lost_segment();
    let other = whole.sound.read(&whole.sound.segments()[1]);
    whole.check_writer(&whole.sound.with(&path, &other), &path, "another segment's bytes");
    whole.check_writer(&whole.sound.with(&path, b"SQLite format 3"), &path, "another format");
    let disk = whole.sound.with(&path, &[]);
    world(&disk).disk.remove_file(&path).unwrap();
    whole.check_writer(&disk, &path, "no file");
}

#[test]
fn p6_without_its_id_filter_a_lost_segment_costs_no_other_range_of_time() {
    let whole = Whole::new();
    let path = whole.lost_segment();
    let disk = whole.sound.with(&path, &[]);
    let ids = path.with_extension("ids");
    let filter = whole.sound.read(&ids);
    for at in [0, 9, 20, filter.len() - 1] {
        let mut file = world(&disk).disk.create(&ids).unwrap();
        file.write_at(0, &flipped(&filter, at, 1)).unwrap();
        let reader = Reader::open_in(ROOT, options(), world(&disk)).unwrap();
        let elsewhere = TRACES - 1;
        let error = reader.trace(trace_id(elsewhere)).unwrap_err();
        assert_is_about(&error, &path, "any trace may be in the lost segment");
        let found = reader.trace_in(trace_id(elsewhere), next_hour()).unwrap();
        assert_eq!(&found, whole.sound.answers.traces[elsewhere as usize].as_ref().unwrap());
        assert_eq!(reader.services(next_hour()).unwrap().len(), 2);
    }
}

#[test]
fn p6_a_damaged_id_filter_costs_nothing() {
    let whole = Whole::new();
    let ids = whole.lost_segment().with_extension("ids");
    let disk = whole.sound.with(&ids, b"nothing");
    let store = open(&disk).unwrap();
    assert_eq!(store.trace(trace_id(BOTH)).unwrap(), whole.both);
    Answers::of(&store, TRACES).check(&whole.sound.answers, &ids, "a damaged filter");
    store.merge().unwrap();
    assert!(!world(&disk).disk.exists(&ids).unwrap(), "it goes with its segment");
}

#[test]
fn p6_verify_names_lost_segments_and_damaged_id_filters() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    store.append(&batch(0)).unwrap();
    store.flush().unwrap();
    drop(store);
    assert!(tracekeep::inspect::verify(dir.path()).unwrap().damage.is_empty());
    let folders = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|dir| {
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    });
    let wanted = ["seg", "ids"];
    let files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| wanted.iter().any(|w| *w == end)))
        .collect();
    assert_eq!(files.len(), 2);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        for damaged in [Some(&bytes[..bytes.len() / 2]), Some(&[][..]), None] {
            match damaged {
                Some(damaged) => std::fs::write(&path, damaged).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let verified = tracekeep::inspect::verify(dir.path()).unwrap();
            let names =
                |error: &Error| matches!(error, Error::Corrupt { file, .. } if *file == path);
            assert!(verified.damage.iter().any(names), "{:?}", verified.damage);
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    assert!(tracekeep::inspect::verify(dir.path()).unwrap().damage.is_empty());
}
