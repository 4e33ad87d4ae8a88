//! Claim: once a partition is over and quiet, each of its traces stands in one place, by itself, and
//! a crash at any moment of that costs nothing (P1, P2); what comes late stands beside it until there
//! is enough to gather all again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/world.rs"]
mod world;

use std::time::Duration;

use tracekeep::simulation::{Fault, MemDisk, Survivors};
use tracekeep::{
    Error, Options, PartitionState, PartitionStats, ResourceSpans, ScopeSpans, Span, Store,
    Timestamp,
};
use world::World;

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
const FIRST: Timestamp = Timestamp::from_nanos(1_800_000_000_000_000_000);

/// One span of each of these traces, which start with the partition.
fn spans(span: u64, traces: impl IntoIterator<Item = u128>) -> Vec<ResourceSpans> {
    let of = |trace: u128| Span {
        trace_id: trace.into(),
        span_id: span.into(),
        start: FIRST.saturating_add(Duration::from_nanos(span)),
        end: FIRST,
        name: format!("work {}", trace % 7).into(),
        ..Span::default()
    };
    let spans = traces.into_iter().map(of).collect();
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }]
}

fn open(world: &World) -> Result<Store, Error> {
    world.open(Options::default().lateness(HOUR))
}

fn computer(disk: MemDisk) -> World {
    World::new(disk, FIRST)
}

/// The store's only partition.
fn only(store: &Store) -> PartitionStats {
    let [only] = store.stats().unwrap().partitions.try_into().unwrap();
    only
}

/// Its state, segments, and traces in several pieces.
fn told(store: &Store) -> (PartitionState, u64, u64) {
    let only = only(store);
    (only.state, only.segments, only.split_traces)
}

#[test]
fn a_partition_is_sealed_when_it_is_over_and_quiet_and_gathered_again_when_it_pays() {
    let world = computer(MemDisk::new());
    let store = open(&world).unwrap();
    for span in 1..4 {
        store.append(&spans(span, 0..1000)).unwrap();
        store.flush().unwrap();
    }
    assert_eq!(told(&store), (PartitionState::Open, 3, 1000));
    world.pass(HOUR + MINUTE * 30);
    assert_eq!(told(&store), (PartitionState::Open, 3, 1000));
    // Something comes: it is not quiet yet.
    store.append(&spans(4, [1])).unwrap();
    world.pass(MINUTE * 40);
    assert_eq!(told(&store), (PartitionState::Open, 4, 1000));
    world.pass(MINUTE * 21);
    assert_eq!(told(&store), (PartitionState::Sealed, 1, 0));
    // A little that is late stands beside it, also after reopening.
    store.append(&spans(5, [1, 2])).unwrap();
    assert_eq!(told(&store), (PartitionState::Late, 1, 2));
    store.flush().unwrap();
    drop(store);
    let store = open(&world).unwrap();
    world.pass(HOUR * 2);
    assert_eq!(told(&store), (PartitionState::Late, 2, 2));
    // Much is gathered.
    store.append(&spans(6, 0..3000)).unwrap();
    store.flush().unwrap();
    assert_eq!(told(&store), (PartitionState::Late, 3, 1000));
    world.pass(HOUR + MINUTE);
    assert_eq!(told(&store), (PartitionState::Sealed, 1, 0));
    assert_eq!(only(&store).spans, 6003);
    // Nothing is left to be done.
    let written = store.stats().unwrap().counters.unwrap().merge_bytes_written;
    world.pass(HOUR * 100);
    store.merge().unwrap();
    store.merge_due().unwrap();
    assert_eq!(store.stats().unwrap().counters.unwrap().merge_bytes_written, written);
}

#[test]
fn a_partition_for_which_something_always_comes_is_sealed_all_the_same() {
    let world = computer(MemDisk::new());
    let store = open(&world).unwrap();
    for span in 1..60 {
        store.append(&spans(span, [1])).unwrap();
        world.pass(MINUTE * 30);
        store.flush().unwrap();
    }
    assert_ne!(only(&store).state, PartitionState::Open);
}

#[test]
fn merges_that_are_asked_for_seal_what_is_over_by_the_time_of_its_spans() {
    for all in [false, true] {
        let world = computer(MemDisk::new());
        let store = open(&world).unwrap();
        let merge = || if all { store.merge() } else { store.merge_due() };
        store.append(&spans(1, [1, 2])).unwrap();
        merge().unwrap();
        assert_eq!(only(&store).state, PartitionState::Open);
        world.clock.advance(HOUR * 2);
        store.append(&spans(2, [1, 2])).unwrap();
        merge().unwrap();
        assert_eq!(told(&store), (PartitionState::Sealed, 1, 0));
    }
}

/// A life in which a partition is sealed twice; how many batches were acknowledged.
fn live(world: &World) -> (u64, Result<(), Error>) {
    let mut acknowledged = 0;
    let end = (|| {
        let store = open(world)?;
        for span in 1..5 {
            store.append(&spans(span, 0..20))?;
            acknowledged = span;
            store.flush()?;
            if span % 2 == 0 {
                world.pass(HOUR * 3);
            }
        }
        assert_eq!(told(&store), (PartitionState::Sealed, 1, 0));
        Ok(())
    })();
    (acknowledged, end)
}

#[test]
fn p1_p2_a_cut_at_every_operation_of_a_sealing_costs_nothing() {
    let whole = computer(MemDisk::new());
    live(&whole).1.unwrap();
    let mut unsealed = 0;
    for at in 0..whole.disk.operations() {
        for choice in [Survivors::None, Survivors::All, Survivors::Chosen(at)] {
            let context = format!("cut at operation {at}, {choice:?}");
            let disk = MemDisk::new();
            disk.fail_at(at, Fault::PowerOff);
            let cut = std::panic::AssertUnwindSafe(|| live(&computer(disk.clone())));
            // The last look of a life whose power went finds what it finds.
            let acknowledged = std::panic::catch_unwind(cut).map_or(4, |(batches, _)| batches);
            let world = computer(disk.crash(choice));
            let store = open(&world).unwrap_or_else(|error| panic!("{context}: {error}"));
            let found = store.stats().unwrap().spans;
            assert!(found.is_multiple_of(20) && found >= acknowledged * 20, "{context}: {found}");
            if found == 0 {
                continue;
            }
            unsealed += u64::from(only(&store).state != PartitionState::Sealed);
            store.flush().unwrap();
            world.pass(HOUR * 30);
            assert_eq!(told(&store), (PartitionState::Sealed, 1, 0), "{context}");
            assert_eq!(only(&store).spans, found, "{context}");
        }
    }
    assert!(unsealed > 0);
}
