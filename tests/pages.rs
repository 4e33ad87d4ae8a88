//! Claim: the pages of a search, put one behind another, are the whole search: within a snapshot
//! whatever is written meanwhile, and of a store without appends whatever is flushed, merged and
//! reopened between two pages (P5).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use support::condition::{Condition, condition};
use support::generate::{HOUR, batch};
use support::naive::{Hit, Naive};
use tracekeep::simulation::{Environment, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{
    Error, Options, Page, Query, Reader, ResourceSpans, Store, Timestamp, TraceReader,
};

/// What happens between two pages.
#[derive(Clone, Debug)]
enum Between {
    Nothing,
    Flush,
    Merge,
    Reopen,
    /// Only live calls see it.
    Append(Vec<ResourceSpans>),
}

fn betweens() -> impl Strategy<Value = Vec<Between>> {
    let one = prop_oneof![
        Just(Between::Nothing),
        Just(Between::Flush),
        Just(Between::Merge),
        Just(Between::Reopen),
        batch().prop_map(Between::Append),
    ];
    prop::collection::vec(one, 1..8)
}

fn options(width: u64, seal_bytes: usize) -> Options {
    Options::default()
        .block_rows(8)
        .page_bytes(64)
        .partition(Duration::from_secs(width))
        .seal_bytes(seal_bytes)
        .merge_fan_in(2)
        .threads(0)
        .min_free_bytes(0)
}

fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(HOUR))),
        executor: Arc::new(InlineExecutor::new()),
    }
}

fn query(condition: &Condition, limit: usize) -> Query {
    Query::parse(&condition.text()).unwrap().limit(limit)
}

fn hits(naive: &Naive, page: &Page) -> Vec<Hit> {
    page.traces.iter().map(|hit| Hit::of(hit, naive.root_is_ambiguous(hit.trace_id))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn p5_pages_concatenate_to_the_whole(
        batches in prop::collection::vec(batch(), 1..8),
        early in prop::collection::vec(any::<bool>(), 8),
        betweens in betweens(),
        condition in condition(),
        limit in 1..4usize,
        width in prop::sample::select(vec![60, 3600, 86_400]),
        seal_bytes in prop::sample::select(vec![1usize, 2000, 1 << 20]),
    ) {
        let disk = MemDisk::new();
        let open = || Store::open_in("/store", options(width, seal_bytes), world(&disk)).unwrap();
        let mut store = open();
        let mut naive = Naive::default();
        for (batch, flush) in batches.iter().zip(early) {
            store.append(batch).unwrap();
            naive.append(batch);
            if flush {
                store.flush().unwrap();
            }
        }
        let whole = naive.search(&condition, 0, u64::MAX);
        let query = query(&condition, limit);
        let snapshot = store.snapshot().unwrap();
        let reader = Reader::open_in("/store", options(width, seal_bytes), world(&disk)).unwrap();
        let (mut in_store, mut in_snapshot, mut in_reader) = (Vec::new(), Vec::new(), Vec::new());
        // What is appended shows in live calls, which are compared until then.
        let mut written = false;
        let mut cursor: Option<String> = None;
        let mut betweens = betweens.iter().cycle();
        loop {
            let query = match &cursor {
                Some(cursor) => query.clone().after(cursor.as_str()),
                None => query.clone(),
            };
            let page = snapshot.search(&query).unwrap();
            in_snapshot.extend(hits(&naive, &page));
            in_reader.extend(hits(&naive, &reader.search(&query).unwrap()));
            if !written {
                let own = store.search(&query).unwrap();
                prop_assert_eq!(&own.next, &page.next, "cursors tell places, not who gave them");
                in_store.extend(hits(&naive, &own));
            }
            prop_assert_eq!(page.next.is_some(), page.traces.len() == limit);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            match betweens.next().unwrap_or(&Between::Nothing) {
                Between::Nothing => {}
                Between::Flush => store.flush().unwrap(),
                Between::Merge => store.merge().unwrap(),
                Between::Reopen => {
                    drop(store);
                    store = open();
                }
                Between::Append(batch) => {
                    store.append(batch).unwrap();
                    written = true;
                }
            }
        }
        prop_assert_eq!(&in_snapshot, &whole);
        prop_assert_eq!(&in_reader, &whole);
        if !written {
            prop_assert_eq!(&in_store, &whole);
        }
    }
}

/// Cursors come from outside: any text is a cursor or an error.
#[test]
fn a_cursor_that_no_page_gave_is_refused() {
    let store = Store::open_in("/store", options(60, 1), world(&MemDisk::new())).unwrap();
    for wrong in ["", "0", "next", "0000000000000000g0000000000000000000000000000000"] {
        let found = store.search(&Query::spans().after(wrong));
        assert!(matches!(found, Err(Error::InvalidInput { .. })), "{wrong:?}");
    }
}
