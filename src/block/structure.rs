//! Which template each row has and where its parent stands, as ranks among likely successors.
//!
//! A row's *step* is its template and its parent code in one number. After a given step mostly one
//! of few others follows (a server span is followed by its database call), so a block stores for
//! each row the rank of its step among the most frequent successors of the step before, and only
//! where that fails the step itself:
//!
//! ```text
//! | rank, `rank_bits` a row | step, `step_bits` for every row of the highest rank |
//! ```
//!
//! The successors are the segment's; a trace's first row follows a step of its own. A step is told by
//! its place among the segment's steps, or, where rare ones are too many to list, by its number.

use crate::base::quick::QuickMap;
use crate::base::varint::{read_len, read_u64, write_u64};
use crate::block::bits::{BitWriter, bit_length, get_bits, mask};
use crate::block::whim;

/// Where a row's parent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentCode {
    /// So many levels above the row before; 0 is that row itself.
    Up(u32),
    /// There is none.
    Root,
    /// Its id stands in the block's list of parents: it is missing from the trace, or in an
    /// earlier block. Rows that follow can refer to it as to a row.
    Explicit,
}

/// Bits of a parent code in a step.
const PARENT_BITS: u32 = 6;
/// Levels that can be climbed; parents farther up are explicit.
pub const MAX_UP: u32 = 61;
const ROOT: u32 = 62;
const EXPLICIT: u32 = 63;

/// Successors are ranked in at most this many bits.
const MAX_RANK_BITS: u32 = 4;
/// Steps seen less often are not worth a place in the table, unless all have one.
const MIN_COUNT: u32 = 3;
/// All have one where there are so many rows, or more, for each that is seen less often.
const ROWS_OF_RARE: usize = 24;
/// Steps in the table at most, the same for hostile input.
const MAX_STEPS: usize = 1 << 15;
/// Ranks that fit a word wherever in its first byte they begin.
const RANKS_AT_ONCE: usize = 57 / MAX_RANK_BITS as usize;
/// No successor of this rank.
const NONE: u32 = u32::MAX;

/// A template and a parent code in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u32);

impl Step {
    /// The step of a row of `template`; its code must be below 2^26.
    pub const fn new(template: u32, parent: ParentCode) -> Self {
        let parent = match parent {
            ParentCode::Up(levels) => levels,
            ParentCode::Root => ROOT,
            ParentCode::Explicit => EXPLICIT,
        };
        Self(template << PARENT_BITS | parent)
    }

    /// The template's code.
    #[inline]
    pub const fn template(self) -> u32 {
        self.0 >> PARENT_BITS
    }

    /// The parent's place.
    #[inline]
    pub const fn parent(self) -> ParentCode {
        match self.0 & mask(PARENT_BITS) as u32 {
            ROOT => ParentCode::Root,
            EXPLICIT => ParentCode::Explicit,
            levels => ParentCode::Up(levels),
        }
    }
}

/// The likely successors of each step, for a whole segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Grammar {
    /// The steps it knows, ascending. Step `i` is state `i + 1`; state 0 is a trace's beginning.
    steps: Vec<Step>,
    /// For each state, the indexes of its successors in `steps`, most frequent first, [`NONE`]
    /// where there are fewer than ranks.
    successors: Vec<u32>,
    rank_bits: u32,
    step_bits: u32,
    /// Whether the table has all steps, so that their places in it tell them.
    is_complete: bool,
}

impl Grammar {
    /// Learns from all rows of a segment: their steps, and whether they begin a trace.
    pub fn fit(rows: &[Step], begins: impl FnMut(usize) -> bool) -> Self {
        let counts = count(rows);
        let rare = counts.iter().filter(|&&(_, count)| count < MIN_COUNT).count();
        let is_complete =
            counts.len() <= MAX_STEPS && whim::take(rare * ROWS_OF_RARE <= rows.len());
        let least = if is_complete { 1 } else { MIN_COUNT };
        let mut kept: Vec<(Step, u32)> = counts.into_iter().filter(|&(_, n)| n >= least).collect();
        kept.sort_unstable_by_key(|&(step, count)| (std::cmp::Reverse(count), step));
        let mut steps: Vec<Step> = kept.iter().map(|&(step, _)| step).take(MAX_STEPS).collect();
        steps.sort_unstable();
        let highest = match is_complete {
            true => steps.len().saturating_sub(1) as u64,
            false => rows.iter().map(|step| u64::from(step.0)).max().unwrap_or(0),
        };
        let step_bits = bit_length(highest);
        let mut grammar =
            Self { steps, successors: Vec::new(), rank_bits: 0, step_bits, is_complete };
        let ranked = grammar.rank_successors(rows, begins);
        grammar.rank_bits = grammar.best_rank_bits(&ranked, rows.len());
        let ranks = grammar.ranks();
        for list in &ranked {
            let codes = list.iter().map(|&(_, code)| code).chain(std::iter::repeat(NONE));
            grammar.successors.extend(codes.take(ranks));
        }
        grammar
    }

    /// For each state the (count, step index) pairs of its successors, most frequent first.
    fn rank_successors(
        &self,
        rows: &[Step],
        mut begins: impl FnMut(usize) -> bool,
    ) -> Vec<Vec<(u32, u32)>> {
        // State and state after, in one number.
        let mut pairs: QuickMap<u64, u32> = QuickMap::default();
        let mut state = 0;
        let states = self.states();
        for (row, &step) in rows.iter().enumerate() {
            if begins(row) {
                state = 0;
            }
            let after = states.after(step);
            if after > 0 {
                *pairs.entry(u64::from(state) << 32 | u64::from(after)).or_default() += 1;
            }
            state = after;
        }
        let mut ranked = vec![Vec::new(); self.steps.len() + 1];
        for (pair, count) in pairs {
            if let Some(list) = ranked.get_mut((pair >> 32) as usize).filter(|_| count > 1) {
                list.push((count, pair as u32 - 1));
            }
        }
        for list in &mut ranked {
            list.sort_unstable_by_key(|&(count, code)| (std::cmp::Reverse(count), code));
            list.truncate(mask(MAX_RANK_BITS) as usize);
        }
        ranked
    }

    /// The rank width under which all rows and the table take the fewest bits.
    fn best_rank_bits(&self, ranked: &[Vec<(u32, u32)>], rows: usize) -> u32 {
        let cost = |bits: u32| {
            let ranks = mask(bits) as usize;
            let kept = ranked.iter().flat_map(|list| list.iter().take(ranks));
            let (hits, entries) = kept.fold((0, 0), |(h, e), &(n, _)| (h + u64::from(n), e + 1));
            let misses = rows as u64 - hits;
            rows as u64 * u64::from(bits) + misses * u64::from(self.step_bits) + entries * 12
        };
        (0..=MAX_RANK_BITS).min_by_key(|&bits| cost(bits)).unwrap_or(0)
    }

    /// How many ranks name a successor; the next one says that the step is spelled out.
    fn ranks(&self) -> usize {
        mask(self.rank_bits) as usize
    }

    fn state_after(&self, step: Step) -> usize {
        self.steps.binary_search(&step).map_or(0, |index| index + 1)
    }

    /// The states, to be looked up by steps many times.
    pub fn states(&self) -> States {
        let mut states = States(vec![0; self.steps.last().map_or(0, |step| step.0 as usize + 1)]);
        for (step, state) in self.steps.iter().zip(1..) {
            if let Some(place) = states.0.get_mut(step.0 as usize) {
                *place = state;
            }
        }
        states
    }

    /// Appends the steps of a block's rows; the first row counts as the beginning of a trace. `begins`
    /// is asked of each row, in order; `states` are this grammar's.
    pub fn encode(
        &self,
        states: &States,
        rows: &[Step],
        mut begins: impl FnMut(usize) -> bool,
        out: &mut BitWriter,
    ) {
        let ranks = self.ranks();
        let mut spelled = Vec::new();
        let mut state = 0;
        for (row, &step) in rows.iter().enumerate() {
            if begins(row) {
                state = 0;
            }
            let after = states.after(step) as usize;
            let list = self.successors.get(state * ranks..(state + 1) * ranks).unwrap_or_default();
            let code = (after as u32).wrapping_sub(1);
            let rank = list.iter().position(|&c| c == code && after > 0);
            if rank.is_none() {
                spelled.push(if self.is_complete { code } else { step.0 });
            }
            out.put(rank.unwrap_or(ranks) as u64, self.rank_bits);
            state = after;
        }
        for step in spelled {
            out.put(step.into(), self.step_bits);
        }
    }

    /// Reads the steps of `rows` rows at bit `at`, and where they end. `begins` lists the rows
    /// that begin a trace, ascending.
    pub fn decode(
        &self,
        bytes: &[u8],
        at: usize,
        rows: usize,
        begins: &[u32],
    ) -> Option<(Vec<Step>, usize)> {
        let ranks = self.ranks();
        let width = self.rank_bits;
        let mut next_spelled = at.checked_add(rows.checked_mul(width as usize)?)?;
        if next_spelled > bytes.len().checked_mul(8)? {
            return None;
        }
        let mut begins = begins.iter().copied();
        let mut next_begin = begins.next().unwrap_or(NONE);
        let mut steps = Vec::with_capacity(rows);
        let mut state = 0;
        // Many ranks to a load: opening a block is mostly this loop.
        for first in (0..rows).step_by(RANKS_AT_ONCE) {
            let count = RANKS_AT_ONCE.min(rows - first);
            let place = at + first * width as usize;
            let mut word = get_bits(bytes, place, count as u32 * width)?;
            for row in first..first + count {
                if row as u32 == next_begin {
                    next_begin = begins.next().unwrap_or(NONE);
                    state = 0;
                }
                let rank = (word & mask(width)) as usize;
                word >>= width;
                if rank < ranks {
                    let code = *self.successors.get(state * ranks + rank)?;
                    steps.push(*self.steps.get(code as usize)?);
                    state = code as usize + 1;
                } else {
                    let spelled = get_bits(bytes, next_spelled, self.step_bits)? as u32;
                    next_spelled += self.step_bits as usize;
                    if self.is_complete {
                        steps.push(*self.steps.get(spelled as usize)?);
                        state = spelled as usize + 1;
                    } else {
                        steps.push(Step(spelled));
                        state = self.state_after(Step(spelled));
                    }
                }
            }
        }
        Some((steps, next_spelled))
    }

    /// Appends the grammar.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.rank_bits as u8);
        out.push(self.step_bits as u8);
        out.push(self.is_complete.into());
        write_u64(out, self.steps.len() as u64);
        let mut last = 0;
        for step in &self.steps {
            write_u64(out, u64::from(step.0 - last));
            last = step.0;
        }
        if self.ranks() == 0 {
            return;
        }
        for list in self.successors.chunks(self.ranks()) {
            let known = list.iter().take_while(|&&code| code != NONE).count();
            write_u64(out, known as u64);
            for &code in list.iter().take(known) {
                write_u64(out, u64::from(code));
            }
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let (&[rank_bits, step_bits, complete], rest) = input.split_first_chunk::<3>()?;
        *input = rest;
        let (rank_bits, step_bits) = (u32::from(rank_bits), u32::from(step_bits));
        let count = read_len(input)?;
        if rank_bits > MAX_RANK_BITS
            || step_bits > 32
            || complete > 1
            || count > MAX_STEPS.min(input.len())
        {
            return None;
        }
        let mut steps = Vec::with_capacity(count);
        let mut last = 0u32;
        for index in 0..count {
            let delta = u32::try_from(read_u64(input)?).ok()?;
            last = last.checked_add(delta).filter(|_| index == 0 || delta > 0)?;
            steps.push(Step(last));
        }
        let is_complete = complete == 1;
        let mut grammar = Self { steps, successors: Vec::new(), rank_bits, step_bits, is_complete };
        let ranks = grammar.ranks();
        for _ in 0..if ranks == 0 { 0 } else { count + 1 } {
            let known = read_len(input).filter(|&known| known <= ranks)?;
            for _ in 0..known {
                let code = u32::try_from(read_u64(input)?).ok();
                grammar.successors.push(code.filter(|&code| (code as usize) < count)?);
            }
            grammar.successors.extend(std::iter::repeat_n(NONE, ranks - known));
        }
        Some(grammar)
    }
}

/// The state behind each step, by the step: 0 behind one that the grammar does not know.
#[derive(Debug, Default)]
pub struct States(Vec<u32>);

impl States {
    #[inline]
    fn after(&self, step: Step) -> u32 {
        self.0.get(step.0 as usize).copied().unwrap_or(0)
    }
}

/// The steps that occur, each with how often. They are small numbers: as many tables would hold
/// as many templates as there may be.
fn count(rows: &[Step]) -> Vec<(Step, u32)> {
    let highest = rows.iter().map(|step| step.0).max();
    let mut counts = vec![0u32; highest.map_or(0, |step| step as usize + 1)];
    for step in rows {
        if let Some(count) = counts.get_mut(step.0 as usize) {
            *count += 1;
        }
    }
    let steps = (0..).map(Step).zip(counts);
    steps.filter(|&(_, count)| count > 0).collect()
}

#[cfg(test)]
mod tests;
