//! What the golden files are made of. Each exists for the forms that it holds; `golden.rs` checks
//! that together they hold every one.

use std::sync::LazyLock;

use tracekeep::simulation::MemDisk;
use tracekeep::{ResourceSpans, Timestamp};
use tracekeep_workload::{Config, Workload};

use crate::world::{HOUR, files, open, options, segment};
use crate::{manifest, shapes, spans};

/// The golden file at that path, made once for all tests.
pub fn one(path: &str) -> Vec<u8> {
    static MADE: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(make);
    MADE.iter().find(|(own, _)| own == path).unwrap().1.clone()
}

/// Every golden file, by its path.
pub fn make() -> Vec<(String, Vec<u8>)> {
    let (tiny, tiny_ids) = segment(&[spans::tiny()], options());
    let small = || options().block_rows(64).page_bytes(1 << 10);
    let mut made = vec![
        ("tiny.seg", tiny),
        ("tiny.ids", tiny_ids),
        ("values.seg", segment(&[spans::every_value()], options()).0),
        ("columns.seg", segment(&[shapes::columns()], small()).0),
        ("lists.seg", segment(&[shapes::lists()], options().block_rows(256)).0),
        ("scarce.seg", segment(&[shapes::scarce()], options()).0),
        ("constant.seg", segment(&[shapes::constant()], options()).0),
        ("hostile.seg", segment(&workload(16, true), options().block_rows(16)).0),
        ("shop.seg", segment(&workload(12, false), small()).0),
        ("operations.manifest", manifest::every_operation()),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect::<Vec<_>>();
    made.extend(store().into_iter().map(|(path, bytes)| (format!("store/{path}"), bytes)));
    made.sort();
    made
}

fn workload(spans: u64, hostile: bool) -> Vec<Vec<ResourceSpans>> {
    let mut config = Config::default().seed(7).spans(spans);
    config.hostile = hostile;
    let mut batches: Vec<_> = Workload::new(&config).collect();
    let scopes = batches.iter_mut().flatten().flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        // The widest partition ends a nanosecond before the end of time.
        span.start = span.start.min(Timestamp::from_nanos(u64::MAX - 1));
    }
    batches
}

/// A store that has flushed, merged and recycled a log file: the older of its log files has both
/// marks, the newer one frames of its former life.
fn store() -> Vec<(String, Vec<u8>)> {
    let disk = MemDisk::new();
    let batch = |trace: u128, start: u64, spans: u64| {
        let spans = (0..spans).map(|n| spans::plain(trace, n + 1, start + n * 10));
        spans::batch("store", spans.collect())
    };
    let first = open(&disk, options());
    first.append(&batch(1, 0, 30)).unwrap();
    first.append(&batch(2, 500, 30)).unwrap();
    first.flush().unwrap();
    first.append(&batch(3, 700, 3)).unwrap();
    first.flush().unwrap();
    first.merge().unwrap();
    drop(first);
    // Each opening begins a log file; a flush lets go of those before.
    let second = open(&disk, options());
    second.append(&batch(4, HOUR, 2)).unwrap();
    second.flush().unwrap();
    drop(second);
    let third = open(&disk, options());
    third.append(&batch(5, HOUR + 7, 2)).unwrap();
    third.append(&batch(6, 9, 2)).unwrap();
    drop(third);
    let fourth = open(&disk, options());
    fourth.append(&batch(7, HOUR, 1)).unwrap();
    drop(fourth);
    files(&disk)
}
