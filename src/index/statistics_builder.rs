//! Gathers the statistics of a segment, see [`crate::index::statistics`].

use std::collections::BTreeMap;

use crate::base::quick::QuickMap;
use crate::base::varint::{write_i64, write_u64};
use crate::index::sketch::bucket;
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

/// Gathers statistics: two bytes a span, and some dozens for each cell.
#[derive(Debug, Default)]
pub struct StatisticsBuilder {
    /// By operation and caller, the place in `groups`.
    places: QuickMap<(u32, u32), u32>,
    /// By operation, the caller met last and its place: mostly the next one's, too.
    last: Vec<Option<(Caller, u32)>>,
    groups: Vec<Gathered>,
    /// By group and minute, the place of a cell among those of its group.
    cells: QuickMap<(u32, u32), u32>,
    unresolved: Vec<u32>,
}

/// The spans of an operation and a caller.
#[derive(Debug, Default)]
struct Gathered {
    /// In the order in which they were met: that of minutes but for a few.
    cells: Vec<GatheredCell>,
    /// The place of the cell that took the last span.
    last: u32,
}

/// Those of one minute.
#[derive(Debug, Default)]
struct GatheredCell {
    minute: u32,
    errors: u32,
    /// Its longest duration, and the lowest ordinal of those that last so long.
    longest: u64,
    exemplar: u32,
    /// Those of all durations, in any order.
    buckets: Vec<u16>,
}

impl GatheredCell {
    fn new(minute: u32) -> Self {
        Self { minute, exemplar: u32::MAX, ..Self::default() }
    }

    #[inline]
    fn add(&mut self, sample: &Sample) {
        let Sample { duration, ordinal, .. } = *sample;
        if duration > self.longest || duration == self.longest && ordinal < self.exemplar {
            (self.longest, self.exemplar) = (duration, ordinal);
        }
        self.errors += u32::from(sample.error);
        self.buckets.push(bucket(duration));
    }
}

impl StatisticsBuilder {
    /// Adds the span of a row; rows ascend.
    pub fn add(&mut self, row: u32, sample: &Sample) {
        let place = self.place(sample.operation, sample.caller);
        let Some(group) = self.groups.get_mut(place as usize) else { return };
        // Below 2^29.
        let minute = (sample.start / MINUTE) as u32;
        if group.cells.get(group.last as usize).is_none_or(|cell| cell.minute != minute) {
            let next = group.cells.len() as u32;
            group.last = *self.cells.entry((place, minute)).or_insert(next);
            if group.last == next {
                group.cells.push(GatheredCell::new(minute));
            }
        }
        if let Some(cell) = group.cells.get_mut(group.last as usize) {
            cell.add(sample);
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
        group.cells.sort_unstable_by_key(|cell| cell.minute);
        group.cells.iter_mut().for_each(|cell| cell.buckets.sort_unstable());
        let lowest = group.cells.iter().filter_map(|cell| cell.buckets.first()).min();
        let lowest = lowest.copied().unwrap_or_default();
        for cell in &group.cells {
            self.cells.push((cell.minute, cell.exemplar));
            write_u64(&mut self.spans, (cell.buckets.len() as u64).saturating_sub(1));
            write_u64(&mut self.errors, cell.errors.into());
            self.add_runs(lowest, &cell.buckets);
        }
        write_u64(&mut self.groups, (operation - self.before).into());
        write_u64(&mut self.groups, caller.into());
        write_u64(&mut self.groups, lowest.into());
        write_u64(&mut self.groups, (group.cells.len() as u64).saturating_sub(1));
        self.before = operation;
        self.count += 1;
        self.ends.push(self.cells.len());
    }

    fn add_runs(&mut self, lowest: u16, buckets: &[u16]) {
        let mut before = lowest;
        for alike in buckets.chunk_by(|a, b| a == b) {
            let own = alike.first().copied().unwrap_or_default();
            let (steps, count) = (own - before, alike.len());
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

#[cfg(test)]
mod tests;
