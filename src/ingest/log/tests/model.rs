//! The log against a list of payloads: across reopening, power loss and faults.

use proptest::prelude::*;

use super::open;
use crate::base::error::{Error, Result};
use crate::disk::memory::{Fault, MemDisk, Survivors};
use crate::ingest::log::*;

/// A log and what should be in it.
#[derive(Default)]
struct Model {
    disk: MemDisk,
    log: Option<Log>,
    /// All payloads ever acknowledged, by sequence less one.
    payloads: Vec<Vec<u8>>,
    /// What the append that failed last wanted to add.
    attempted: Vec<Vec<u8>>,
    /// How many frames were surely synced.
    synced: u64,
    /// How many may have been released.
    released: u64,
    /// Tells the payloads of one life from those of another.
    serial: u8,
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    Sync,
    Release(u64),
    Reopen,
    Kill,
    PowerLoss(Option<u64>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(0usize..200, 0..4).prop_map(Step::Append),
        1 => (300usize..9000).prop_map(|len| Step::Append(vec![len])),
        3 => Just(Step::Sync),
        3 => (0u64..8).prop_map(Step::Release),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
        1 => any::<Option<u64>>().prop_map(Step::PowerLoss),
    ]
}

impl Model {
    fn new() -> Self {
        Self::default()
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        if self.log.is_none() {
            self.reopen()?;
        }
        let log = self.log.as_mut().unwrap();
        match step {
            Step::Append(lens) => {
                self.serial = self.serial.wrapping_add(1);
                let payloads: Vec<_> = lens.iter().map(|&len| vec![self.serial; len]).collect();
                self.attempted = payloads.clone();
                let slices: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
                let seqs = log.append(&slices)?;
                assert_eq!(seqs.start, self.payloads.len() as u64 + 1);
                assert_eq!(seqs.end, seqs.start + payloads.len() as u64);
                self.payloads.append(&mut self.attempted);
            }
            Step::Sync => {
                assert_eq!(log.sync()?, self.payloads.len() as u64);
                self.synced = self.payloads.len() as u64;
            }
            Step::Release(kept) => {
                let through = self.synced.saturating_sub(*kept).max(self.released);
                self.released = through;
                log.release(through)?;
            }
            Step::Reopen => {
                log.sync()?;
                self.synced = self.payloads.len() as u64;
                self.log = None;
            }
            Step::Kill => self.log = None,
            Step::PowerLoss(seed) => {
                let survivors = seed.map_or(Survivors::None, Survivors::Chosen);
                self.power_loss(survivors);
            }
        }
        Ok(())
    }

    fn power_loss(&mut self, survivors: Survivors) {
        self.log = None;
        self.disk = self.disk.crash(survivors);
    }

    /// Opens the log anew and checks that it holds a prefix of what was appended, and all that
    /// was synced.
    fn reopen(&mut self) -> Result<()> {
        self.log = None;
        let bounds = Bounds { released: self.released, synced: self.synced };
        let (log, frames) = open(&self.disk, bounds)?;
        let mut wanted = std::mem::take(&mut self.payloads);
        wanted.append(&mut self.attempted);
        let last = self.released + frames.len() as u64;
        assert!(self.synced <= last && last <= wanted.len() as u64, "{last} of {}", wanted.len());
        for (at, (seq, payload)) in frames.iter().enumerate() {
            assert_eq!(*seq, self.released + 1 + at as u64);
            assert_eq!(payload, &wanted[*seq as usize - 1], "frame {seq}");
        }
        wanted.truncate(last as usize);
        self.payloads = wanted;
        assert_eq!((log.next_seq(), log.synced_seq()), (last + 1, last));
        self.synced = last;
        self.log = Some(log);
        Ok(())
    }
}

fn history() -> Vec<Step> {
    use Step::{Append, Kill, Release, Reopen, Sync};
    let mut steps = Vec::new();
    for round in 0..4 {
        steps.push(Append(vec![10, 20 + round]));
        steps.push(Sync);
        steps.push(Append(vec![90, 0, 100]));
        steps.push(Append(vec![150]));
        steps.push(Sync);
        steps.push(Release(1));
        steps.push(Append(vec![700]));
        steps.push(Append(vec![30]));
        steps.push(if round == 1 { Kill } else { Sync });
        if round == 2 {
            steps.push(Reopen);
        }
    }
    steps
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p1_any_history_leaves_a_prefix(steps in prop::collection::vec(step(), 1..60)) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step).unwrap();
        }
        model.reopen().unwrap();
    }
}

#[test]
fn p1_power_loss_at_every_operation_leaves_a_prefix() {
    let mut whole = Model::new();
    history().iter().for_each(|step| whole.step(step).unwrap());
    for operation in 0..whole.disk.operations() {
        for seed in 0..6 {
            let mut model = Model::new();
            model.disk.fail_at(operation, Fault::PowerOff);
            // Writing a mark is only an attempt and may fail without a word, the last one too.
            let _ = history().iter().try_for_each(|step| model.step(step));
            // A second failure hits recovery itself.
            if seed > 2 {
                model.power_loss(Survivors::Chosen(seed * 1000 + operation));
                model.disk.fail_at(seed * 2 - 6, Fault::PowerOff);
                let kept = (model.payloads.clone(), model.attempted.clone());
                if model.reopen().is_ok() {
                    continue;
                }
                (model.payloads, model.attempted) = kept;
            }
            let survivors = [Survivors::None, Survivors::All];
            let survivors = survivors.get(seed as usize).copied();
            model.power_loss(survivors.unwrap_or(Survivors::Chosen(seed * 77 + operation)));
            model.reopen().unwrap();
            model.step(&Step::Append(vec![5, 6])).unwrap();
            model.step(&Step::Sync).unwrap();
            model.power_loss(Survivors::None);
            model.reopen().unwrap();
        }
    }
}

#[test]
fn p1_after_any_single_fault_exactly_the_acknowledged_frames_remain() {
    let mut whole = Model::new();
    history().iter().for_each(|step| whole.step(step).unwrap());
    for operation in 0..whole.disk.operations() {
        for fault in [Fault::Io, Fault::NoSpace] {
            let mut model = Model::new();
            model.disk.fail_at(operation, fault);
            let mut poisoned = false;
            for step in history() {
                if let Err(Error::Poisoned { .. }) = model.step(&step) {
                    poisoned = true;
                    break;
                }
                model.attempted.clear();
            }
            if !poisoned && let Some(log) = &mut model.log {
                model.synced = log.sync().unwrap();
                model.power_loss(Survivors::None);
            }
            let acknowledged = model.payloads.len();
            model.attempted.clear();
            model.reopen().unwrap();
            assert_eq!(model.payloads.len(), acknowledged, "operation {operation}, {fault:?}");
            // What recovery gave, it has made durable, whatever the failed sync had dropped.
            model.power_loss(Survivors::None);
            model.reopen().unwrap();
            assert_eq!(model.payloads.len(), acknowledged, "operation {operation}, {fault:?}");
        }
    }
}
