//! The catalog against a naive model: across reopening, power loss and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::{create, key, open, publish, root, segment};
use crate::base::error::{Error, Result};
use crate::catalog::version::PartitionState;
use crate::catalog::*;
use crate::disk::memory::{Fault, MemDisk, Survivors};
use crate::disk::{Disk, names};

/// What the catalog should say, in the plainest form.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    segments: BTreeMap<u64, (PartitionKey, SegmentEntry)>,
    flushed: BTreeMap<PartitionKey, u64>,
    floor: u64,
    next_id: u64,
}

impl Model {
    fn apply(&mut self, edit: &Edit) {
        for id in &edit.remove {
            self.segments.remove(id);
        }
        for (key, seq) in &edit.drop {
            self.segments.retain(|_, (of, _)| of != key);
            let flushed = self.flushed.entry(*key).or_default();
            *flushed = (*flushed).max(*seq);
        }
        for (key, segment) in &edit.add {
            self.segments.insert(segment.id, (*key, *segment));
            self.next_id = self.next_id.max(segment.id + 1);
        }
        for (key, seq) in &edit.flushed {
            let flushed = self.flushed.entry(*key).or_default();
            *flushed = (*flushed).max(*seq);
        }
        self.floor = self.floor.max(edit.log_floor.unwrap_or(0));
        self.next_id = self.next_id.max(edit.next_segment_id.unwrap_or(1)).max(1);
    }

    fn check(&self, version: &Version) {
        let live: BTreeMap<u64, (PartitionKey, SegmentEntry)> =
            version.segments().map(|(key, s)| (s.id, (*key, *s))).collect();
        assert_eq!(live, self.segments);
        for hour in 0..5 {
            let flushed = self.flushed.get(&key(hour)).copied().unwrap_or(0).max(self.floor);
            assert_eq!(version.flushed_seq(&key(hour)), flushed, "hour {hour}");
        }
        assert_eq!(version.log_floor, self.floor);
        assert_eq!(version.next_segment_id, self.next_id.max(1));
        let highest = self.flushed.values().copied().max().unwrap_or(0).max(self.floor);
        assert_eq!(version.highest_flushed(), highest);
    }
}

/// One planned edit; ids are filled in when its turn comes.
#[derive(Clone, Debug)]
struct Plan {
    add: Vec<u64>,
    /// Partitions that flush beside, so that the manifest grows until it is rewritten.
    crowd: u64,
    remove: BTreeSet<usize>,
    drop: Option<u64>,
    flushed: Option<u64>,
    floor_lag: Option<u64>,
    sweep: bool,
    reopen: bool,
}

fn plan() -> impl Strategy<Value = Plan> {
    let add = prop::collection::vec(0u64..5, 0..3);
    let crowd = prop_oneof![3 => Just(0u64), 1 => 10u64..60];
    let remove = prop::collection::btree_set(0usize..6, 0..3);
    let option = |range| prop::option::weighted(0.3, range);
    (add, crowd, remove, option(0u64..5), option(0u64..5), option(0u64..4), any::<bool>(), 0..4)
        .prop_map(|(add, crowd, remove, drop, flushed, floor_lag, sweep, reopen)| Plan {
            add,
            crowd,
            remove,
            drop,
            flushed,
            floor_lag,
            sweep,
            reopen: reopen == 0,
        })
}

impl Plan {
    fn edit(&self, model: &Model, seq: u64) -> Edit {
        let ids: Vec<u64> = model.segments.keys().copied().collect();
        let next = model.next_id.max(1);
        let flushed = self.flushed.iter().copied().chain(100..100 + self.crowd);
        Edit {
            remove: self.remove.iter().filter_map(|&at| ids.get(at).copied()).collect(),
            drop: self.drop.iter().map(|&hour| (key(hour), seq)).collect(),
            add: self.add.iter().zip(next..).map(|(&hour, id)| (key(hour), segment(id))).collect(),
            flushed: flushed.map(|hour| (key(hour), seq)).collect(),
            state: self
                .flushed
                .iter()
                .map(|&hour| (key(hour), PartitionState::Sealed(next)))
                .collect(),
            log_floor: self.floor_lag.map(|lag| seq.saturating_sub(lag)),
            next_segment_id: None,
        }
    }
}

/// A catalog and what it should say.
#[derive(Default)]
struct Pair {
    disk: MemDisk,
    catalog: Option<Catalog>,
    model: Model,
    /// The model as it is if the edit that failed last holds after all.
    attempted: Option<Model>,
    seq: u64,
}

impl Pair {
    fn run(&mut self, plans: &[Plan]) -> Result<()> {
        plans.iter().try_for_each(|plan| self.step(plan))
    }

    fn step(&mut self, plan: &Plan) -> Result<()> {
        if self.catalog.is_none() {
            self.reopen()?;
        }
        self.seq += 1;
        let edit = plan.edit(&self.model, self.seq);
        for (key, segment) in &edit.add {
            publish(&self.disk, *key, segment.id)?;
        }
        let catalog = self.catalog.as_mut().unwrap();
        let mut next = self.model.clone();
        next.apply(&edit);
        self.attempted = Some(next.clone());
        let number = catalog.current().number;
        let version = catalog.apply(&edit)?;
        (self.model, self.attempted) = (next, None);
        assert_eq!(version.number, number + 1);
        self.model.check(&version);
        if plan.sweep {
            catalog.sweep()?;
            assert_eq!(catalog.obsolete_files(), 0);
        }
        if plan.reopen {
            self.catalog = None;
        }
        Ok(())
    }

    /// Opens the catalog, made if need be, and checks it and the files of its segments.
    fn reopen(&mut self) -> Result<()> {
        self.catalog = None;
        let catalog = match open(&self.disk) {
            Err(Error::NotFound { .. }) => create(&self.disk)?,
            other => other?,
        };
        let version = catalog.current();
        let ids = |model: &Model| model.segments.keys().copied().collect::<Vec<_>>();
        let live: Vec<u64> = version.segments().map(|(_, s)| s.id).collect();
        if let Some(attempted) = self.attempted.take() {
            let floors = (attempted.floor, attempted.next_id.max(1));
            let same = ids(&attempted).len() == live.len()
                && ids(&attempted).iter().all(|id| live.contains(id))
                && floors == (version.log_floor, version.next_segment_id)
                && (0..5).all(|hour| {
                    let flushed = attempted.flushed.get(&key(hour)).copied().unwrap_or(0);
                    version.flushed_seq(&key(hour)) == flushed.max(attempted.floor)
                });
            if same {
                self.model = attempted;
            }
        }
        self.model.check(version);
        let mut found = BTreeSet::new();
        for (key, segment) in version.segments() {
            let path = key.segment_path(&root(), segment.id);
            assert_eq!(self.disk.read(&path)?, vec![segment.id as u8; 10]);
            found.insert(path);
        }
        // Nothing else is left in the folders.
        for entry in self.disk.list(&root())?.iter().filter(|entry| entry.is_dir) {
            if names::parse_partition(&entry.name).is_some() {
                let dir = root().join(&entry.name);
                for file in self.disk.list(&dir)? {
                    assert!(found.contains(&dir.join(&file.name)), "{}", file.name);
                }
            }
        }
        self.catalog = Some(catalog);
        Ok(())
    }

    fn power_loss(&mut self, survivors: Survivors) {
        self.catalog = None;
        self.disk = self.disk.crash(survivors);
    }
}

fn history() -> Vec<Plan> {
    let plan = |add: &[u64], crowd: u64, remove: &[usize], round: usize| Plan {
        add: add.to_vec(),
        crowd,
        remove: remove.iter().copied().collect(),
        drop: (round % 5 == 4).then_some(1),
        flushed: round.is_multiple_of(2).then_some(round as u64 % 3),
        floor_lag: round.is_multiple_of(3).then_some(1),
        sweep: round % 2 == 1,
        reopen: round == 5,
    };
    // Two crowds, so that one edit rewrites the manifest.
    vec![
        plan(&[0, 1], 0, &[], 0),
        plan(&[1], 60, &[], 1),
        plan(&[2], 60, &[0, 1], 2),
        plan(&[], 0, &[0], 3),
        plan(&[1], 0, &[], 4),
        plan(&[3], 0, &[1], 5),
        plan(&[0], 0, &[], 6),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p2_any_edits_hold_across_reopening(plans in prop::collection::vec(plan(), 1..25)) {
        let mut pair = Pair::default();
        pair.run(&plans).unwrap();
        pair.reopen().unwrap();
        pair.power_loss(Survivors::None);
        pair.reopen().unwrap();
        let reader = ReadCatalog::open(Arc::new(pair.disk.clone()), &root()).unwrap();
        pair.model.check(&reader.current().version);
    }
}

#[test]
fn p1_power_loss_at_every_operation_keeps_what_was_acknowledged() {
    let mut whole = Pair::default();
    whole.run(&history()).unwrap();
    for operation in 0..whole.disk.operations() {
        for seed in 0..6 {
            let mut pair = Pair::default();
            pair.disk.fail_at(operation, Fault::PowerOff);
            // An operation that is only an attempt may fail without a word, the last one too.
            let _ = pair.run(&history());
            let survivors = [Survivors::None, Survivors::All].get(seed as usize).copied();
            pair.power_loss(survivors.unwrap_or(Survivors::Chosen(seed * 77 + operation)));
            // A second failure hits recovery itself.
            if seed > 2 {
                let kept = (pair.model.clone(), pair.attempted.clone());
                pair.disk.fail_at(operation % 7, Fault::PowerOff);
                if pair.reopen().is_err() {
                    (pair.model, pair.attempted) = kept;
                }
                pair.power_loss(Survivors::Chosen(seed * 1000 + operation));
            }
            pair.reopen().unwrap();
            pair.step(&history()[0]).unwrap();
            pair.power_loss(Survivors::None);
            pair.reopen().unwrap();
        }
    }
}

#[test]
fn p1_after_any_single_fault_the_catalog_goes_on_or_is_poisoned() {
    let mut whole = Pair::default();
    whole.run(&history()).unwrap();
    for operation in 0..whole.disk.operations() {
        for fault in [Fault::Io, Fault::NoSpace] {
            let mut pair = Pair::default();
            pair.disk.fail_at(operation, fault);
            for plan in history() {
                match pair.step(&plan) {
                    // A failed sync leaves it open whether the edit holds.
                    Err(Error::Poisoned { .. }) => break,
                    Err(_) => pair.attempted = None,
                    Ok(()) => {}
                }
            }
            pair.reopen().unwrap();
            pair.step(&history()[0]).unwrap();
            pair.power_loss(Survivors::None);
            pair.reopen().unwrap();
        }
    }
}
