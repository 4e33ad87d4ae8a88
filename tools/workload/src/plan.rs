//! The shop's operations, prepared for walking: each with its shapes and the numbers of its callees.

use crate::shape::Shapes;
use crate::shop::services::{ALL, Service};
use crate::shop::{Entry, Op, Times, entrances};

/// All operations that can be reached from the entrances.
#[derive(Debug)]
pub struct Plan {
    ops: Vec<PlannedOp>,
    /// The sum of weights up to here, and the operation.
    entrances: Vec<(u64, usize)>,
}

/// One operation, prepared.
#[derive(Debug)]
pub struct PlannedOp {
    /// Which of [`ALL`] does it.
    pub service: usize,
    /// Whether it starts from a message, and nobody waits for it.
    pub queued: bool,
    /// Median of its own work in nanoseconds.
    pub busy: f64,
    /// How often it fails by itself, of 1.
    pub failures: f64,
    /// Its spans' shapes.
    pub shapes: Shapes,
    /// What it calls.
    pub steps: Vec<PlannedStep>,
}

/// One call, prepared.
#[derive(Clone, Copy, Debug)]
pub struct PlannedStep {
    /// The operation's number.
    pub op: usize,
    /// How often.
    pub times: Times,
    /// Whether all at once.
    pub parallel: bool,
}

impl Plan {
    /// Prepares the shop.
    pub fn new() -> Self {
        let mut found: Vec<&'static Op> = Vec::new();
        let mut sum = 0;
        let mut starts = Vec::new();
        for (weight, op) in entrances() {
            sum += u64::from(weight);
            starts.push((sum, number(&mut found, op)));
        }
        let mut ops = Vec::new();
        // `found` grows while operations are prepared, until no callee is new.
        while let Some(&op) = found.get(ops.len()) {
            ops.push(prepare(op, &mut found));
        }
        Self { ops, entrances: starts }
    }

    /// The operation with this number.
    pub fn op(&self, number: usize) -> Option<&PlannedOp> {
        self.ops.get(number)
    }

    /// The entrance at `pick` of the sum of all weights.
    pub fn entrance(&self, pick: u64) -> usize {
        let place = self.entrances.partition_point(|&(upto, _)| upto <= pick);
        self.entrances.get(place).map_or(0, |&(_, op)| op)
    }

    /// The sum of all entrances' weights.
    pub fn weights(&self) -> u64 {
        self.entrances.last().map_or(0, |&(sum, _)| sum)
    }
}

fn number(found: &mut Vec<&'static Op>, op: &'static Op) -> usize {
    found.iter().position(|&known| std::ptr::eq(known, op)).unwrap_or_else(|| {
        found.push(op);
        found.len() - 1
    })
}

fn prepare(op: &'static Op, found: &mut Vec<&'static Op>) -> PlannedOp {
    let step = |found: &mut Vec<_>, step: &'static crate::shop::Step| PlannedStep {
        op: number(found, step.op),
        times: step.times,
        parallel: step.parallel,
    };
    PlannedOp {
        service: service_index(op.service),
        queued: matches!(op.entry, Entry::Message(_)),
        busy: f64::from(op.busy_us) * 1000.0,
        failures: f64::from(op.failures) / 10_000.0,
        shapes: Shapes::new(op),
        steps: op.steps.iter().map(|s| step(found, s)).collect(),
    }
}

fn service_index(service: &'static Service) -> usize {
    ALL.iter().position(|&known| std::ptr::eq(known, service)).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn calls_have_no_cycle_and_reach_every_service() {
        let plan = Plan::new();
        let mut services = std::collections::BTreeSet::new();
        for &(_, start) in &plan.entrances {
            let mut open = vec![(start, 0)];
            while let Some((op, depth)) = open.pop() {
                assert!(depth < 32, "a cycle");
                let op = plan.op(op).unwrap();
                services.insert(op.service);
                open.extend(op.steps.iter().map(|s| (s.op, depth + 1)));
            }
        }
        assert_eq!(services.len(), ALL.len());
        assert!(services.len() >= 15);
    }
}
