//! Gathers the statistics of a segment, see [`crate::index::statistics`].

use std::collections::BTreeMap;

use crate::base::quick::QuickMap;
use crate::base::varint::{write_i64, write_u64};
use crate::index::sketch::{begin, bucket};
use crate::index::statistics::{Caller, MINUTE};

/// One span, as statistics see it.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The place of its operation in the list of operations.
    pub operation: u32,
    /// Who called it.
    pub caller: Caller,
    /// Its start, in nanoseconds.
    pub start: u64,
    /// Its duration, in nanoseconds.
    pub duration: u64,
    /// Whether its status is `error`.
    pub error: bool,
    /// The ordinal of its trace.
    pub ordinal: u32,
}

/// Gathers statistics: 16 bytes a span.
#[derive(Debug, Default)]
pub struct StatisticsBuilder {
    /// By operation and caller, the place in `groups`.
    places: QuickMap<(u32, u32), u32>,
    /// By operation, the caller met last and its place: mostly the next one's, too.
    last: Vec<Option<(Caller, u32)>>,
    groups: Vec<Gathered>,
    unresolved: Vec<u32>,
}

#[derive(Debug, Default)]
struct Gathered {
    /// Minute, duration and ordinal, in 32, 64 and 32 bits: they sort as one number.
    spans: Vec<u128>,
    /// The minutes of errors.
    errors: Vec<u32>,
}

impl StatisticsBuilder {
    /// Adds the span of a row; rows ascend.
    pub fn add(&mut self, row: u32, sample: &Sample) {
        let place = self.place(sample.operation, sample.caller);
        let Some(group) = self.groups.get_mut(place as usize) else { return };
        // Below 2^29.
        let minute = (sample.start / MINUTE) as u32;
        let (high, low) = (u128::from(minute) << 96, u128::from(sample.ordinal));
        group.spans.push(high | u128::from(sample.duration) << 32 | low);
        if sample.error {
            group.errors.push(minute);
        }
        if sample.caller == Caller::Elsewhere {
            self.unresolved.push(row);
        }
    }

    /// The place of an operation's and caller's spans.
    fn place(&mut self, operation: u32, caller: Caller) -> u32 {
        if self.last.len() <= operation as usize {
            self.last.resize(operation as usize + 1, None);
        }
        let last = self.last.get_mut(operation as usize);
        if let Some(Some((known, place))) = last
            && *known == caller
        {
            return *place;
        }
        let next = self.groups.len() as u32;
        let place = *self.places.entry((operation, caller.number())).or_insert(next);
        if place == next {
            self.groups.push(Gathered::default());
        }
        if let Some(last) = last {
            *last = Some((caller, place));
        }
        place
    }

    /// Both sections: statistics and sketches.
    pub fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        let mut keys: Vec<_> = self.places.iter().map(|(&key, &place)| (key, place)).collect();
        keys.sort_unstable();
        let mut out = Columns::default();
        for ((operation, caller), place) in keys {
            if let Some(group) = self.groups.get_mut(place as usize) {
                out.add_group(operation, caller, group);
            }
        }
        out.finish(&self.unresolved)
    }
}

/// The parts of the sections while groups are added to them.
#[derive(Debug, Default)]
struct Columns {
    groups: Vec<u8>,
    count: u64,
    before: u32,
    /// Minute and exemplar of all cells, and how many there are up to the end of each group.
    cells: Vec<(u32, u32)>,
    ends: Vec<usize>,
    spans: Vec<u8>,
    errors: Vec<u8>,
    runs: Vec<u8>,
}

impl Columns {
    fn add_group(&mut self, operation: u32, caller: u32, group: &mut Gathered) {
        group.spans.sort_unstable();
        group.errors.sort_unstable();
        let lowest = group.spans.iter().map(|&span| duration_of(span)).min().unwrap_or_default();
        let lowest = bucket(lowest);
        let mut errors = group.errors.iter().peekable();
        let mut cells = 0;
        for cell in group.spans.chunk_by(|&a, &b| minute_of(a) == minute_of(b)) {
            let (Some(&first), Some(&last)) = (cell.first(), cell.last()) else { continue };
            let minute = minute_of(first);
            let mut failed = 0;
            while errors.next_if(|&&error| error == minute).is_some() {
                failed += 1;
            }
            // Of several that last longest, the one with the lowest ordinal comes first.
            let longest = cell.partition_point(|&span| duration_of(span) < duration_of(last));
            let exemplar = cell.get(longest).map_or(0, |&span| span as u32);
            self.cells.push((minute, exemplar));
            write_u64(&mut self.spans, cell.len() as u64 - 1);
            write_u64(&mut self.errors, failed);
            self.add_runs(lowest, cell);
            cells += 1;
        }
        write_u64(&mut self.groups, (operation - self.before).into());
        write_u64(&mut self.groups, caller.into());
        write_u64(&mut self.groups, lowest.into());
        write_u64(&mut self.groups, cells - 1);
        self.before = operation;
        self.count += 1;
        self.ends.push(self.cells.len());
    }

    fn add_runs(&mut self, lowest: u16, cell: &[u128]) {
        let mut before = lowest;
        let mut rest = cell;
        while let Some(&first) = rest.first() {
            let own = bucket(duration_of(first));
            let end = begin(own + 1);
            let inside = |&&span: &&u128| u128::from(duration_of(span)) < end;
            let count = rest.iter().take_while(inside).count();
            rest = rest.get(count..).unwrap_or_default();
            let steps = own - before;
            before = own;
            if steps < 24 && count <= 8 {
                self.runs.push((steps * 8) as u8 + (count - 1) as u8);
                continue;
            }
            self.runs.push((count + 191).min(255) as u8);
            write_u64(&mut self.runs, steps.into());
            if let Some(more) = count.checked_sub(64) {
                write_u64(&mut self.runs, more as u64);
            }
        }
    }

    fn finish(self, unresolved: &[u32]) -> (Vec<u8>, Vec<u8>) {
        let mut lowest: BTreeMap<u32, u32> = BTreeMap::new();
        for &(minute, exemplar) in &self.cells {
            lowest.entry(minute).and_modify(|low| *low = exemplar.min(*low)).or_insert(exemplar);
        }
        let mut out = Vec::new();
        write_u64(&mut out, lowest.len() as u64);
        let (mut next, mut before) = (0, 0);
        for (&minute, &ordinal) in &lowest {
            write_u64(&mut out, (minute - next).into());
            write_i64(&mut out, i64::from(ordinal) - before);
            (next, before) = (minute + 1, ordinal.into());
        }
        write_u64(&mut out, self.count);
        out.extend(self.groups);
        let places: QuickMap<u32, (u64, u32)> =
            lowest.iter().zip(0..).map(|((&minute, &low), index)| (minute, (index, low))).collect();
        let place = |minute: u32| places.get(&minute).copied().unwrap_or_default();
        let mut first = 0;
        for end in self.ends {
            let mut next = 0;
            for &(minute, _) in self.cells.get(first..end).unwrap_or_default() {
                let (index, _) = place(minute);
                write_u64(&mut out, index - next);
                next = index + 1;
            }
            first = end;
        }
        out.extend(self.spans);
        out.extend(self.errors);
        for &(minute, exemplar) in &self.cells {
            write_u64(&mut out, (exemplar - place(minute).1).into());
        }
        write_u64(&mut out, unresolved.len() as u64);
        let mut next = 0;
        for &row in unresolved {
            write_u64(&mut out, (row - next).into());
            next = row + 1;
        }
        (out, self.runs)
    }
}

fn minute_of(span: u128) -> u32 {
    (span >> 96) as u32
}

fn duration_of(span: u128) -> u64 {
    (span >> 32) as u64
}

#[cfg(test)]
mod tests;
