//! Salvage: the rows of a file that can no longer be opened, or not be read to its end.
//!
//! The footers at the end are what a torn copy or a cut transfer loses first. The one before the
//! area is found by its magic, its place and its checksum; the area by the footer, and it is taken
//! if its own checksums or, where those are lost, the footer's vouch for it. Then every row of
//! every block that is whole can be had. Without the area there are no models, and blocks say
//! nothing.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::block::cache::Cache;
use crate::disk::ReadFile;
use crate::segment::area::Area;
use crate::segment::footer::{FOOTER_BYTES, FOOTER_MAGIC, Footer, HEADER_BYTES};
use crate::segment::reader::Segment;
use crate::segment::rows::Row;

/// How much of a file is looked through at a time.
const WINDOW_BYTES: usize = 1 << 20;

/// What takes rows one by one, each with its segment, and may end the walk.
pub type SalvageVisit<'a> = dyn FnMut(Row<'_>, &Segment) -> Result<ControlFlow<()>> + 'a;

/// A segment file being salvaged, and what was found damaged so far.
#[derive(Debug)]
pub struct Salvage {
    segment: Segment,
    /// What is damaged, in the order it was met.
    pub damage: Vec<Error>,
    /// The rows that could not be read.
    pub lost_rows: u64,
}

impl Salvage {
    /// Finds the parts of a file, by its footer or without one.
    ///
    /// # Errors
    /// `Corrupt` if the area is lost; what [`Segment::open`] fails with otherwise.
    pub fn open(file: Arc<dyn ReadFile>, cache: Arc<Cache>) -> Result<Self> {
        let (segment, damage) = match Segment::open(Arc::clone(&file), Arc::clone(&cache)) {
            Ok(segment) => (segment, Vec::new()),
            Err(error @ Error::Corrupt { .. }) => (Segment::without_end(file, cache)?, vec![error]),
            Err(error) => return Err(error),
        };
        // Whatever the rows need of the area, now: else every block would say that it is lost.
        segment.meta()?;
        segment.traces()?;
        Ok(Self { segment, damage, lost_rows: 0 })
    }

    /// Hands over every row of one block that can be read; what cannot is noted. `None` behind
    /// the last block.
    ///
    /// # Errors
    /// What `visit` fails with, if it is no `Corrupt`.
    pub fn block(&mut self, number: u32, visit: &mut SalvageVisit<'_>) -> Result<Option<()>> {
        let Some(rows) = self.segment.block_range(number) else { return Ok(None) };
        let meta = self.segment.meta();
        if let Err(error) = meta.and_then(|meta| self.segment.open_block(&meta, number, false)) {
            self.lost_rows += rows.len() as u64;
            self.note(error);
            return Ok(Some(()));
        }
        let mut next = rows.start;
        while next < rows.end {
            let read = self.segment.rows(next..rows.end, &mut |row: Row<'_>| {
                next = row.row;
                let flow = visit(row, &self.segment)?;
                next += 1;
                Ok(flow)
            });
            match read {
                Ok(()) => break,
                // A page that the row needs: the next row may not.
                Err(error @ Error::Corrupt { .. }) => {
                    self.lost_rows += 1;
                    self.note(error);
                    next += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(()))
    }

    /// Rows that share a page share its damage.
    fn note(&mut self, error: Error) {
        let text = error.to_string();
        if self.damage.last().is_none_or(|last| last.to_string() != text) {
            self.damage.push(error);
        }
    }
}

impl Segment {
    /// Opens a file by the footer before its area.
    fn without_end(file: Arc<dyn ReadFile>, cache: Arc<Cache>) -> Result<Self> {
        let footer = find_footer(file.as_ref())?.ok_or_else(|| {
            let detail = "no footer is left, not even the first: the models are not to be found";
            Error::corrupt(file.path(), 0, "footer", detail)
        })?;
        let lost = |detail: &str| Error::corrupt(file.path(), footer.area_offset, "area", detail);
        let len = usize::try_from(footer.area_bytes).ok();
        let len = len.filter(|_| footer.area_offset + footer.area_bytes <= file.len());
        let len = len.ok_or_else(|| {
            lost("the file ends inside it: without the models no block can be read")
        })?;
        let area = Area::new(Arc::clone(&file), footer.area_offset, len);
        let has_table = area.sound_tables().is_ok_and(|sound| sound.contains(&true));
        let area = match has_table {
            true => area,
            false => {
                let copy = Arc::clone(&file);
                let vouched = Area::vouched(copy, footer.area_offset, len, footer.area_crc)?;
                vouched.ok_or_else(|| {
                    lost("damaged, and its checksums are lost: its models cannot be trusted")
                })?
            }
        };
        Ok(Self::of_parts(file, footer, area, cache))
    }
}

/// The first footer, where it stands right before the area that it tells of.
fn find_footer(file: &dyn ReadFile) -> Result<Option<Footer>> {
    let mut at = HEADER_BYTES as u64;
    while at + (FOOTER_BYTES as u64) <= file.len() {
        let len = (file.len() - at).min(WINDOW_BYTES as u64) as usize;
        let window = file.read_at(at, len)?;
        for (index, candidate) in window.windows(FOOTER_BYTES).enumerate() {
            if !candidate.starts_with(&FOOTER_MAGIC) {
                continue;
            }
            let place = at + index as u64;
            match Footer::from_bytes(candidate) {
                Some(Ok(footer)) if footer.pages_end() == place && is_sane(&footer) => {
                    return Ok(Some(footer));
                }
                _ => {}
            }
        }
        // Whatever begins in the last bytes is seen whole in the next window.
        at += (len - FOOTER_BYTES + 1) as u64;
    }
    Ok(None)
}

/// Whether a footer fits the file that it was written for.
fn is_sane(footer: &Footer) -> bool {
    footer.is_sane(footer.summary.bytes)
}
