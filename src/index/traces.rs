//! The trace table: of each trace of a segment its id, rows and times, by ordinal.
//!
//! ```text
//! | traces | page entries | page offsets: packed column |  offsets from the end of this header;
//! | page 0 | page 1 | ...                              |  one more than pages, the last is the end
//! page of m traces:
//! | first rows: ascending column, m + 1 values |  the last one ends the page's last trace
//! | first start: ascending column, m values |
//! | id high | id low, both zigzagged | last start - first start, a share | end - first start |
//! | longest duration, a share | flags |   packed columns of m values each, modulo 2^64
//! ```
//! What only bounds a search is told in eighths of end - first start: codes up to 8 are so many of
//! them, and those above are by 9 above a rough number ([`crate::index::rough`]).
//! Ordinals follow (first start, id), so the highest ordinal is the newest trace.

mod entry;

use std::ops::Range;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::recent::Recent;
use crate::base::time::Timestamp;
use crate::base::varint::{unzigzag, write_u64};
use crate::index::ascending::{Ascending, pack_ascending};
use crate::index::packed::{Packed, pack};
use crate::index::source::{Cursor, Source, partition_point};
use crate::index::traces::entry::{bound_of, length, longest, near_zero, spread};

pub use entry::{TraceEntry, TraceFlags};

/// Traces of a page: few enough that one lookup reads two granules, enough that the headers of
/// its columns are noise.
const PAGE_ENTRIES: usize = 256;

/// Pages each reader has at hand: bisecting for a time or a row meets a few again and again.
const AT_HAND: usize = 4;

/// Collects the table, a page at a time.
#[derive(Debug, Default)]
pub struct TraceTableBuilder {
    pending: Vec<TraceEntry>,
    pages: Vec<u8>,
    offsets: Vec<u64>,
    traces: u64,
    rows: u32,
}

impl TraceTableBuilder {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next trace, in the order of ordinals. Its rows follow those of the trace before:
    /// `first_row` is not read.
    pub fn push(&mut self, entry: &TraceEntry) {
        let first_row = self.rows;
        self.rows = self.rows.saturating_add(entry.rows);
        self.traces += 1;
        self.pending.push(TraceEntry { first_row, ..*entry });
        if self.pending.len() == PAGE_ENTRIES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.offsets.push(self.pages.len() as u64);
        let rows = self.pending.iter().map(|e| u64::from(e.first_row));
        let rows: Vec<u64> = rows.chain([u64::from(self.rows)]).collect();
        pack_ascending(&rows, &mut self.pages);
        let starts: Vec<u64> = self.pending.iter().map(|e| e.first_start.nanos()).collect();
        pack_ascending(&starts, &mut self.pages);
        for column in COLUMNS {
            let values: Vec<u64> = self.pending.iter().map(column).collect();
            pack(&values, &mut self.pages);
        }
        self.pending.clear();
    }

    /// The table as bytes.
    pub fn finish(mut self) -> Vec<u8> {
        if !self.pending.is_empty() {
            self.flush();
        }
        self.offsets.push(self.pages.len() as u64);
        let mut out = Vec::with_capacity(self.pages.len() + 64);
        write_u64(&mut out, self.traces);
        write_u64(&mut out, PAGE_ENTRIES as u64);
        pack(&self.offsets, &mut out);
        out.extend_from_slice(&self.pages);
        out
    }
}

/// The columns of a page behind the first rows and starts.
const COLUMNS: [fn(&TraceEntry) -> u64; 6] = [
    |e| near_zero(e.id.high()),
    |e| near_zero(e.id.low()),
    spread,
    length,
    longest,
    |e| e.flags.0.into(),
];

/// Reads the table.
#[derive(Debug)]
pub struct TraceTable {
    source: Arc<dyn Source>,
    traces: u32,
    page_entries: u32,
    offsets: Packed,
    /// Where the first page begins.
    start: usize,
    /// The pages opened last: a search asks for one trace several times, and for its neighbours.
    last: Recent<(u32, Arc<PageColumns>)>,
}

/// The columns of a page.
#[derive(Debug)]
struct PageColumns {
    rows: Ascending,
    starts: Ascending,
    columns: [Packed; COLUMNS.len()],
}

impl TraceTable {
    /// Opens the table that makes up `source`.
    pub fn open(source: Arc<dyn Source>) -> Result<Self> {
        let mut cursor = Cursor::new(&*source, 0..source.len())?;
        let traces = cursor.varint_u32()?;
        let page_entries = cursor.varint_u32()?;
        if page_entries == 0 {
            return Err(cursor.corrupt("pages without entries"));
        }
        let offsets = Packed::open(&mut cursor)?;
        if offsets.len() != u64::from(traces.div_ceil(page_entries)) + 1 {
            return Err(cursor.corrupt("a wrong number of pages"));
        }
        let start = cursor.at();
        Ok(Self { source, traces, page_entries, offsets, start, last: Recent::new(AT_HAND) })
    }

    /// How many traces the segment has.
    pub fn len(&self) -> u32 {
        self.traces
    }

    /// The trace of an ordinal; `Corrupt` beyond the last.
    pub fn get(&self, ordinal: u32) -> Result<TraceEntry> {
        self.page(ordinal)?.get(ordinal)
    }

    /// A trace's id: cheaper than all of its entry.
    pub fn id(&self, ordinal: u32) -> Result<TraceId> {
        self.page(ordinal)?.id(ordinal)
    }

    /// A trace's id and first start: cheaper than all of its entry.
    pub fn beginning(&self, ordinal: u32) -> Result<(TraceId, Timestamp)> {
        let page = self.page(ordinal)?;
        Ok((page.id(ordinal)?, page.first_start(ordinal)?))
    }

    /// The page that holds an ordinal: cheaper than [`Self::get`] for several neighbours.
    pub fn page(&self, ordinal: u32) -> Result<TracePage<'_>> {
        let source = &*self.source;
        if ordinal >= self.traces {
            return Err(source.corrupt(0, "no trace of this ordinal"));
        }
        let page = ordinal / self.page_entries;
        let first = page * self.page_entries;
        let count = self.page_entries.min(self.traces - first);
        let known = |(number, columns): &(u32, Arc<PageColumns>)| {
            (*number == page).then(|| Arc::clone(columns))
        };
        let columns = match self.last.find(known) {
            Some(columns) => columns,
            None => {
                let columns = Arc::new(self.open_page(page, count)?);
                self.last.keep((page, Arc::clone(&columns)));
                columns
            }
        };
        Ok(TracePage { source, first, count, columns })
    }

    fn open_page(&self, page: u32, count: u32) -> Result<PageColumns> {
        let mut cursor = Cursor::new(&*self.source, self.page_range(page.into())?)?;
        let (rows, starts) = (Ascending::open(&mut cursor)?, Ascending::open(&mut cursor)?);
        if rows.len() != u64::from(count) + 1 || starts.len() != u64::from(count) {
            return Err(cursor.corrupt("a page of the wrong size"));
        }
        let columns = [(); COLUMNS.len()].map(|()| Packed::open(&mut cursor));
        let [high, low, spread, length, longest, flags] = columns;
        let columns = [high?, low?, spread?, length?, longest?, flags?];
        if columns.iter().any(|c| c.len() != u64::from(count)) {
            return Err(cursor.corrupt("a column of the wrong size"));
        }
        Ok(PageColumns { rows, starts, columns })
    }

    fn page_range(&self, page: u64) -> Result<Range<usize>> {
        let at = |i| {
            let offset = self.offsets.get(&*self.source, i)?;
            let at = usize::try_from(offset).ok().and_then(|o| o.checked_add(self.start));
            at.ok_or_else(|| self.source.corrupt(0, "a page beyond the section"))
        };
        Ok(at(page)?..at(page + 1)?)
    }

    /// The ordinal of the trace that a row belongs to.
    pub fn of_row(&self, row: u64) -> Result<u32> {
        let pages = self.offsets.len() - 1;
        let first_of = |page: u64| page as u32 * self.page_entries;
        let after = partition_point(pages, |page| {
            let page = self.page(first_of(page))?;
            Ok(page.columns.rows.get(page.source, 0)? <= row)
        })?;
        let page = self.page(first_of(after.saturating_sub(1)))?;
        let within = partition_point(page.count.into(), |i| {
            Ok(page.columns.rows.get(page.source, i)? <= row)
        })?;
        Ok(page.first + (within as u32).saturating_sub(1))
    }

    /// How many traces begin before `time`: the ordinal of the first that does not.
    pub fn starting_before(&self, time: Timestamp) -> Result<u32> {
        let pages = self.offsets.len() - 1;
        let first_of = |page: u64| page as u32 * self.page_entries;
        let page = partition_point(pages, |page| {
            let page = self.page(first_of(page))?;
            Ok(page.first_start(page.first)? < time)
        })?;
        let Some(page) = page.checked_sub(1) else { return Ok(0) };
        let page = self.page(first_of(page))?;
        let within = partition_point(page.count.into(), |i| {
            Ok(page.first_start(page.first + i as u32)? < time)
        })?;
        Ok(page.first + within as u32)
    }
}

/// One page of a trace table.
#[derive(Debug)]
pub struct TracePage<'a> {
    source: &'a dyn Source,
    first: u32,
    count: u32,
    columns: Arc<PageColumns>,
}

impl TracePage<'_> {
    /// The trace of one of these ordinals; `Corrupt` for others.
    pub fn get(&self, ordinal: u32) -> Result<TraceEntry> {
        let index = self.index(ordinal)?;
        let [_, _, spread, length, longest, flags] = &self.columns.columns;
        let get = |column: &Packed| column.get(self.source, index);
        let row =
            |index| self.columns.rows.get(self.source, index).map(|row| u32::try_from(row).ok());
        let (from, to) = (row(index)?, row(index + 1)?);
        let rows = from.zip(to).and_then(|(from, to)| Some((from, to.checked_sub(from)?)));
        let (first_row, rows) =
            rows.ok_or_else(|| self.source.corrupt(0, "rows of traces in disorder"))?;
        let first_start = self.first_start(ordinal)?;
        let entry = TraceEntry {
            id: self.id(ordinal)?,
            first_row,
            rows,
            first_start,
            last_start: Timestamp::ZERO,
            max_end: Timestamp::from_nanos(first_start.nanos().wrapping_add(get(length)?)),
            max_duration: 0,
            flags: TraceFlags(get(flags)? as u8),
        };
        let last_start = entry.last_start_of(get(spread)?);
        Ok(TraceEntry { last_start, ..entry }.with_longest(get(longest)?))
    }

    /// Whether the trace of an ordinal is on the page.
    pub fn has(&self, ordinal: u32) -> bool {
        ordinal.checked_sub(self.first).is_some_and(|index| index < self.count)
    }

    /// A bound of the longest duration in a trace: cheaper than all of its entry.
    pub fn max_duration(&self, ordinal: u32) -> Result<u64> {
        let index = self.index(ordinal)?;
        let [_, _, _, length, longest, _] = &self.columns.columns;
        let get = |column: &Packed| column.get(self.source, index);
        Ok(bound_of(get(longest)?, get(length)?))
    }

    fn id(&self, ordinal: u32) -> Result<TraceId> {
        let [high, low, ..] = &self.columns.columns;
        let index = self.index(ordinal)?;
        let half = |column: &Packed| {
            column.get(self.source, index).map(|half| u128::from(unzigzag(half) as u64))
        };
        Ok(TraceId::from(half(high)? << 64 | half(low)?))
    }

    fn first_start(&self, ordinal: u32) -> Result<Timestamp> {
        let start = self.columns.starts.get(self.source, self.index(ordinal)?)?;
        Ok(Timestamp::from_nanos(start))
    }

    fn index(&self, ordinal: u32) -> Result<u64> {
        let index = ordinal.checked_sub(self.first).filter(|&index| index < self.count);
        index.map(u64::from).ok_or_else(|| self.source.corrupt(0, "no trace of this ordinal"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
