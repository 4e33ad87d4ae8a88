//! Checks every checksum and every invariant of a segment.

use std::ops::ControlFlow;

use crate::base::checksum::crc32;
use crate::base::error::{Error, Result};
use crate::base::model::StatusCode;
use crate::base::time::Timestamp;
use crate::block::pages::Page;
use crate::index::bloom::HashedId;
use crate::index::source::Source;
use crate::index::traces::{TraceEntry, TraceFlags};
use crate::index::zones::Zone;
use crate::segment::findable::Findable;
use crate::segment::footer::{FOOTER_BYTES, Footer, HEADER_BYTES, check_header};
use crate::segment::kind;
use crate::segment::reader::Segment;
use crate::segment::recount::Recount;
use crate::segment::rows::Row;

impl Segment {
    /// All damage found, in the order of the file; empty if the segment is sound. Reads every
    /// byte, and every row. Damage that readers repair on the way is told as well.
    pub fn verify(&self) -> Vec<Error> {
        let mut damage = Vec::new();
        self.verify_ends(&mut damage);
        self.verify_area(&mut damage);
        if damage.is_empty() || self.meta().is_ok() {
            note(&mut damage, self.verify_pages());
            note(&mut damage, self.verify_ids());
            note_one(&mut damage, self.verify_operations());
            self.verify_rows(&mut damage);
            note(&mut damage, self.verify_terms());
            note_one(&mut damage, self.peaks().and_then(|peaks| peaks.verify()));
            note(&mut damage, self.verify_contexts());
        }
        damage
    }

    fn verify_ends(&self, damage: &mut Vec<Error>) {
        let header = self.file.read_at(0, HEADER_BYTES);
        note_one(damage, header.and_then(|header| check_header(self.path(), &header)));
        let first = self.footer.pages_end();
        match self.file.read_at(first, FOOTER_BYTES) {
            Ok(copy) if *copy == self.footer.to_bytes() => {}
            Ok(_) => damage.push(self.damaged(first, "footer", "the first copy is damaged")),
            Err(error) => damage.push(error),
        }
        let offset = self.footer_offset();
        match self.file.read_at(offset, 2 * FOOTER_BYTES) {
            Ok(tail) if Footer::copies_agree(&tail) => {}
            Ok(_) => damage.push(self.damaged(offset, "footer", "one of the copies is damaged")),
            Err(error) => damage.push(error),
        }
    }

    fn verify_area(&self, damage: &mut Vec<Error>) {
        for granule in 0..self.area.granules() {
            match self.area.is_sound(granule) {
                Ok(true) => {}
                Ok(false) => {
                    let at = self.area.offset_of(granule);
                    let section = self.section_at(at);
                    damage.push(self.area.corrupt(at, section, "checksum of a granule"));
                }
                Err(error) => return damage.push(error),
            }
        }
        let end = self.area.len();
        match self.area.is_parity_sound() {
            Ok(true) => {}
            Ok(false) => damage.push(self.area.corrupt(end, "parity", "checksum")),
            Err(error) => damage.push(error),
        }
        match self.area.sound_tables() {
            Ok([true, true]) => {}
            Ok(_) => damage.push(self.area.corrupt(
                end + self.area.guards()[0] as usize,
                "crc table",
                "one of the copies is damaged",
            )),
            Err(error) => damage.push(error),
        }
        note_one(damage, self.meta().map(drop));
        // Repaired where that was needed: it vouches for the content.
        let area = self.area.bytes(0..end, "area");
        if area.is_ok_and(|area| crc32(&area) != self.footer.area_crc) {
            damage.push(self.damaged(self.footer_offset(), "footer", "checksum of the area"));
        }
    }

    /// Where the last footer but one stands.
    fn footer_offset(&self) -> u64 {
        self.file.len().saturating_sub(2 * FOOTER_BYTES as u64)
    }

    /// The section that begins last before a place in the area.
    fn section_at(&self, at: usize) -> &'static str {
        let Ok(directory) = self.directory() else { return "area" };
        let before = directory.sections().filter(|section| section.offset <= at);
        before.last().map_or("area", |section| section.name)
    }

    fn damaged(&self, offset: u64, section: &'static str, detail: &str) -> Error {
        Error::corrupt(self.path(), offset, section, detail)
    }

    /// A section whose bytes are as they were written, but wrong.
    fn contradiction(&self, number: u32, detail: &str) -> Error {
        match self.directory().and_then(|directory| directory.get(number)) {
            Ok(section) => section.corrupt(0, detail),
            Err(error) => error,
        }
    }

    fn verify_pages(&self) -> Result<Vec<Error>> {
        let mut damage = Vec::new();
        let pages = &self.meta()?.pages;
        for entry in pages.directory().pages() {
            let offset = self.footer.pages_offset + entry.offset;
            let stored = self.file.read_at(offset, entry.stored_len)?;
            if let Err(detail) = Page::decode(pages.before(), entry, &stored) {
                damage.push(self.damaged(offset, "pages", detail));
            }
        }
        Ok(damage)
    }

    /// Reads all rows, and compares what they add up to with traces, zones and summary.
    fn verify_rows(&self, damage: &mut Vec<Error>) {
        let block_rows = u64::from(self.footer.block_rows);
        let rows = self.summary().rows;
        // What does not open is told by the check of the index.
        let mut findable = self.terms().and_then(Findable::new).ok();
        let mut traces = Tally::default();
        let mut recount = match Recount::new(self) {
            Ok(recount) => recount,
            Err(error) => {
                damage.push(error);
                None
            }
        };
        // Of all rows, while all could be read.
        let mut all: Option<Zone> = None;
        let mut complete = true;
        let meta = self.meta().ok();
        for (number, first) in (0..rows).step_by(block_rows as usize).enumerate() {
            let range = first as u32..rows.min(first + block_rows) as u32;
            let mut zone: Option<Zone> = None;
            // Rows may come from the cache, so the file's bytes are looked at first.
            if let Some(meta) = &meta
                && let Some((offset, len)) = meta.block(number)
                && let Err(error) = self.read_block(meta, number as u32, offset, len)
            {
                damage.push(error);
                traces = Tally::default();
                recount = None;
                complete = false;
                continue;
            }
            let read = self.rows(range, &mut |row| {
                let own = zone_of(&row);
                zone = Some(zone.map_or(own, |zone| merged(zone, own)));
                let closed = traces.add(&row, own);
                if let Some(keys) = &findable
                    && !keys.finds(&row)?
                {
                    // Once is enough: where one is missing, many are.
                    findable = None;
                    damage.push(self.contradiction(kind::TERMS, "a text that is not found"));
                }
                note_one(damage, closed.map_or(Ok(()), |sum| self.verify_trace(&sum)));
                if let Some(open) = &mut recount
                    && !open.add(&row)?
                {
                    damage.push(self.contradiction(kind::OPERATIONS, "an operation is missing"));
                    recount = None;
                }
                Ok(ControlFlow::Continue(()))
            });
            complete &= read.is_ok();
            all = all.into_iter().chain(zone).reduce(merged);
            match read.and_then(|()| self.zone(number as u64)) {
                Ok(stored) if zone == Some(stored) => {}
                Ok(_) => damage.push(self.contradiction(kind::ZONES, "a zone unlike its rows")),
                Err(error) => {
                    damage.push(error);
                    traces = Tally::default();
                    recount = None;
                }
            }
        }
        if let Some(last) = traces.open.take() {
            note_one(damage, self.verify_trace(&last));
        }
        match recount.map_or(Ok(true), Recount::agrees) {
            Ok(true) => {}
            Ok(false) => {
                damage.push(self.contradiction(kind::STATISTICS, "statistics unlike the rows"));
            }
            Err(error) => damage.push(error),
        }
        if let Some(all) = all.filter(|_| complete) {
            self.verify_summary(all, damage);
        }
    }

    /// Compares the summary with what all rows add up to.
    fn verify_summary(&self, all: Zone, damage: &mut Vec<Error>) {
        let summary = self.summary();
        let said = Zone {
            first_start: summary.first_start,
            last_start: summary.last_start,
            max_end: summary.last_end,
            max_duration: summary.max_duration,
            errors: u32::try_from(summary.errors).unwrap_or(u32::MAX),
        };
        if all != said {
            damage.push(self.damaged(self.footer_offset(), "footer", "a summary unlike the rows"));
        }
    }

    fn verify_trace(&self, sum: &TraceSum) -> Result<()> {
        let entry = self.entry(sum.ordinal)?;
        let Zone { first_start, last_start, max_end, max_duration, .. } = sum.zone;
        let (first_row, rows) = (sum.first_row, sum.rows);
        let own =
            TraceEntry { first_row, rows, first_start, last_start, max_end, max_duration, ..entry };
        let agrees =
            entry == own.as_stored() && entry.flags.has(TraceFlags::ERROR) == (sum.zone.errors > 0);
        // A trace whose beginning could not be read says nothing of the table.
        if agrees || entry.first_row != sum.first_row {
            return Ok(());
        }
        Err(self.contradiction(kind::TRACES, "a trace unlike its rows"))
    }

    fn verify_ids(&self) -> Result<Vec<Error>> {
        let mut damage = Vec::new();
        let filter = self.bloom()?;
        let (mut rows, mut before): (u64, Option<TraceEntry>) = (0, None);
        for ordinal in 0..self.traces()?.len() {
            let entry = self.entry(ordinal)?;
            let low = entry.id.low();
            if !filter.contains(&HashedId::new(low)) || !self.find(low)?.contains(&ordinal) {
                damage.push(self.contradiction(kind::IDS, "a trace that is not found"));
            }
            let order = |entry: &TraceEntry| (entry.first_start, entry.id);
            // Fragments of one trace that a merge could not gather may start together.
            let ascends = before.is_none_or(|before| order(&before) <= order(&entry));
            if !ascends || u64::from(entry.first_row) != rows {
                damage.push(self.contradiction(kind::TRACES, "traces in disorder"));
            }
            rows += u64::from(entry.rows);
            before = Some(entry);
        }
        if rows != self.summary().rows {
            damage.push(self.contradiction(kind::TRACES, "rows without a trace"));
        }
        note_one(&mut damage, self.ids()?.verify(self.trace_count()?));
        Ok(damage)
    }

    /// Reads every value and every posting list.
    fn verify_terms(&self) -> Result<Vec<Error>> {
        self.terms()?.verify()
    }

    /// Compares how many spans the operations have with the summary.
    fn verify_operations(&self) -> Result<()> {
        let operations = self.operations()?;
        let counts = operations.list()?.into_iter().map(|operation| operation.totals.spans);
        let spans = counts.fold(0u64, u64::saturating_add);
        if operations.is_complete() && spans != self.summary().rows {
            return Err(self.contradiction(kind::OPERATIONS, "operations of other spans"));
        }
        Ok(())
    }

    fn verify_contexts(&self) -> Result<Vec<Error>> {
        let (resources, scopes) = self.context_counts()?;
        let mut damage = Vec::new();
        for code in 0..resources as u32 {
            note_one(&mut damage, self.resource(code).map(drop));
        }
        for code in 0..scopes as u32 {
            note_one(&mut damage, self.scope(code).map(drop));
        }
        Ok(damage)
    }
}

fn note(damage: &mut Vec<Error>, found: Result<Vec<Error>>) {
    match found {
        Ok(found) => damage.extend(found),
        Err(error) => damage.push(error),
    }
}

fn note_one(damage: &mut Vec<Error>, found: Result<()>) {
    damage.extend(found.err());
}

/// A row as a zone of its own.
fn zone_of(row: &Row<'_>) -> Zone {
    let (start, end) = (row.span.start, row.span.end);
    Zone {
        first_start: start,
        last_start: start,
        max_end: end,
        max_duration: end.nanos().saturating_sub(start.nanos()),
        errors: u32::from(row.span.status_code() == StatusCode::ERROR),
    }
}

fn merged(a: Zone, b: Zone) -> Zone {
    Zone {
        first_start: Timestamp::min(a.first_start, b.first_start),
        last_start: Timestamp::max(a.last_start, b.last_start),
        max_end: Timestamp::max(a.max_end, b.max_end),
        max_duration: a.max_duration.max(b.max_duration),
        errors: a.errors.saturating_add(b.errors),
    }
}

/// Adds up rows trace by trace.
#[derive(Default)]
struct Tally {
    open: Option<TraceSum>,
}

/// What the rows of a trace add up to.
#[derive(Clone, Copy)]
struct TraceSum {
    ordinal: u32,
    first_row: u32,
    rows: u32,
    zone: Zone,
}

impl Tally {
    /// Adds a row; the trace before it, if that has ended.
    fn add(&mut self, row: &Row<'_>, zone: Zone) -> Option<TraceSum> {
        match &mut self.open {
            Some(open) if open.ordinal == row.ordinal => {
                open.rows += 1;
                open.zone = merged(open.zone, zone);
                None
            }
            open => {
                let next = TraceSum { ordinal: row.ordinal, first_row: row.row, rows: 1, zone };
                open.replace(next)
            }
        }
    }
}
