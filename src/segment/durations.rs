//! How long spans lasted, without all else of them.

use std::ops::{ControlFlow, Range};

use crate::base::error::Result;
use crate::base::time::TimeRange;
use crate::block::durations::{sound_bytes, unpack};
use crate::segment::reader::{Segment, once};

/// Times below this differ by less than it: a difference, modulo 2^64, that is not less is one
/// below zero.
const HALF: u64 = 1 << 63;

impl Segment {
    /// Hands over the durations, in nanoseconds, of the spans that start inside `range` and whose
    /// rows are in none of `except`, which ascend. At most a block's at a time, in no order.
    ///
    /// Of a block whose spans all count, only the durations are read and verified; of others, all
    /// that says when a row starts.
    pub fn durations(
        &self,
        range: TimeRange,
        except: &[Range<u32>],
        visit: &mut dyn FnMut(&[u64]),
    ) -> Result<()> {
        let summary = self.summary();
        let is_whole = range.covers(summary.first_start, summary.last_start);
        let is_plain = summary.last_start.max(summary.last_end).nanos() < HALF;
        let mut durations = Vec::new();
        let mut except = except.iter().peekable();
        for number in 0..self.blocks() {
            let Some(rows) = self.block_range(number) else { break };
            while except.next_if(|left_out| left_out.end <= rows.start).is_some() {}
            let mut by_rows =
                !is_plain || except.peek().is_some_and(|left_out| left_out.start < rows.end);
            if !is_whole {
                let zone = self.zone(number.into())?;
                if !range.overlaps(zone.first_start, zone.last_start) {
                    continue;
                }
                by_rows |= !range.covers(zone.first_start, zone.last_start);
            }
            if !by_rows {
                self.durations_of_block(number, rows.len(), &mut durations)?;
                by_rows = durations.iter().fold(0, |all, own| all | own) >= HALF;
            }
            if by_rows {
                self.durations_of_rows(rows, range, except.clone(), &mut durations)?;
            }
            visit(&durations);
        }
        Ok(())
    }

    /// The durations of a block, modulo 2^64.
    fn durations_of_block(&self, number: u32, rows: usize, out: &mut Vec<u64>) -> Result<()> {
        let meta = self.meta()?;
        let place = meta.block(number as usize);
        let (offset, len) = place.ok_or_else(|| self.bad_block(0, "no such block"))?;
        let block = self.file.read_at(offset, len)?;
        if sound_bytes(&block).is_none() {
            return Err(self.bad_block(offset, "checksum"));
        }
        unpack(&block, &meta.models.durations, out)
            .ok_or_else(|| self.bad_block(offset, "contents at odds"))?;
        match rows == out.len() {
            true => Ok(()),
            false => Err(self.bad_block(offset, "another number of rows")),
        }
    }

    /// The same of those of its rows that count, from their times.
    fn durations_of_rows<'r>(
        &self,
        rows: Range<u32>,
        range: TimeRange,
        except: impl Iterator<Item = &'r Range<u32>> + Clone,
        out: &mut Vec<u64>,
    ) -> Result<()> {
        out.clear();
        self.outlines(rows, &mut |outlined| {
            let times = outlined.times;
            let mut before = except.clone().take_while(|left_out| left_out.start <= outlined.row);
            if range.contains(times.start) && !before.any(|own| own.contains(&outlined.row)) {
                out.push(times.end.nanos().saturating_sub(times.start.nanos()));
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Whether no trace lies in several fragments here: a merge leaves those apart that are too
    /// large to be gathered, and may leave identical spans in them.
    pub fn is_gathered(&self) -> Result<bool> {
        once(&self.gathered, || {
            let mut ids = Vec::new();
            for ordinal in 0..self.trace_count()? {
                ids.push(self.traces()?.id(ordinal)?);
            }
            ids.sort_unstable();
            Ok(!ids.windows(2).any(|two| two.first() == two.last()))
        })
        .copied()
    }
}
