//! Peaks: in which blocks the rows of each sort last long, or are at all.
//!
//! A *sort* is all rows of one template and one service. What people search for is rare among
//! its like: errors of a service, calls that took too long. Rows of a rare sort stand in few
//! blocks, and the longest of a common sort, too; those blocks are listed here.
//!
//! ```text
//! | services | for each the code of a resource that names it |           varints
//! | sorts + 1, or 0 where they are too many to tell |                    varint
//! | sorts, by template and service:                                           |
//! |   template - that of the sort before | service | pointer |           varints
//! |   usual: u8 | highest: u8 | listed blocks, unless `usual` is 0: varint    |
//! | peaks: u8 for each listed block of each sort whose `usual` is not 0       |
//! | heap of posting lists, of blocks in place of traces                       |
//! ```
//! Durations are told in quarters of octaves, see [`level`]. `highest` is that of the longest row;
//! blocks that are not listed have rows up to `usual` only; where that is 0 they have none.

use std::ops::Range;
use std::sync::Arc;

use crate::base::effort::Effort;
use crate::base::error::Result;
use crate::base::varint::write_u64;
use crate::index::postings::Postings;
use crate::index::postings_builder::PostingsBuilder;
use crate::index::source::{Cursor, Source};

/// Sorts at most: more have only hostile segments, which must not spend memory on them.
const MAX_SORTS: usize = 1 << 14;

/// A sort in fewer blocks than one in so many is rare: all of its blocks are listed.
const RARE: usize = 4;

/// Of a common sort one block in so many is listed, at most. Fewer cost bytes, more cost a search
/// for what is just above the usual the opening of that many blocks a hit.
const PEAKS: usize = 8;

/// The level of a duration in nanoseconds: 0 for zero, then four to each power of two, at most
/// 255. Longer durations never have a lower one.
pub fn level(nanos: u64) -> u8 {
    let Some(octave) = nanos.checked_ilog2() else { return 0 };
    let quarter = if octave < 2 { nanos << (2 - octave) } else { nanos >> (octave - 2) } & 3;
    (u64::from(octave) * 4 + quarter + 1).min(255) as u8
}

/// Gathers the peaks of a segment while its rows are lined up.
#[derive(Debug, Default)]
pub struct PeaksBuilder {
    /// By template.
    sorts: Vec<Vec<Gathered>>,
    count: usize,
}

#[derive(Debug)]
struct Gathered {
    service: u32,
    /// The blocks it was met in, each with its longest row.
    blocks: Vec<(u32, u64)>,
}

impl PeaksBuilder {
    /// Adds a row; blocks ascend.
    pub fn add(&mut self, template: u32, service: u32, block: u32, nanos: u64) {
        if self.count > MAX_SORTS {
            return;
        }
        let place = template as usize;
        if self.sorts.len() <= place {
            self.sorts.resize_with(place + 1, Vec::new);
        }
        let Some(sorts) = self.sorts.get_mut(place) else { return };
        // Mostly the only one.
        let sort = match sorts.iter_mut().position(|sort| sort.service == service) {
            Some(at) => sorts.get_mut(at),
            None => {
                self.count += 1;
                sorts.push(Gathered { service, blocks: Vec::new() });
                sorts.last_mut()
            }
        };
        let Some(sort) = sort else { return };
        match sort.blocks.last_mut() {
            Some((last, longest)) if *last == block => *longest = (*longest).max(nanos),
            _ => sort.blocks.push((block, nanos)),
        }
    }

    /// Leaves all sorts out: some row's cannot be told.
    pub fn give_up(&mut self) {
        self.count = MAX_SORTS + 1;
        self.sorts.clear();
    }

    /// The section, for a segment of so many blocks. `services` holds for each service a
    /// resource that names it.
    pub fn finish(mut self, services: &[u32], blocks: u32) -> Vec<u8> {
        let mut out = Vec::new();
        write_u64(&mut out, services.len() as u64);
        services.iter().for_each(|&resource| write_u64(&mut out, resource.into()));
        if self.count > MAX_SORTS {
            write_u64(&mut out, 0);
            return out;
        }
        write_u64(&mut out, self.count as u64 + 1);
        let mut lists = PostingsBuilder::new(blocks, Effort::Thorough);
        let mut peaks = Vec::new();
        let mut last = 0;
        for (template, sorts) in (0u64..).zip(&mut self.sorts) {
            sorts.sort_unstable_by_key(|sort| sort.service);
            for sort in sorts {
                let levels = sort.blocks.iter().map(|&(block, nanos)| (block, level(nanos)));
                let usual = usual_of(levels.clone().map(|(_, level)| level), blocks as usize);
                let listed = levels.clone().filter(|&(_, level)| usual == 0 || level > usual);
                let highest = levels.map(|(_, level)| level).max().unwrap_or(0);
                let (list, own): (Vec<u32>, Vec<u8>) = listed.unzip();
                write_u64(&mut out, template - last);
                last = template;
                write_u64(&mut out, sort.service.into());
                write_u64(&mut out, lists.add(&list));
                out.extend([usual, highest]);
                if usual > 0 {
                    write_u64(&mut out, list.len() as u64);
                    peaks.extend(own);
                }
            }
        }
        out.extend(peaks);
        out.extend(lists.finish());
        out
    }
}

/// The level up to which blocks need not be listed; 0 if all that have such rows are.
fn usual_of(levels: impl Iterator<Item = u8>, blocks: usize) -> u8 {
    let mut levels: Vec<u8> = levels.collect();
    if levels.len() <= blocks / RARE {
        return 0;
    }
    levels.sort_unstable();
    let listed = levels.len().saturating_sub(1 + blocks / PEAKS);
    // At least 1: with 0 the blocks that are not listed had none.
    levels.get(listed).copied().unwrap_or(0).max(1)
}

/// Reads the peaks of a segment.
#[derive(Debug)]
pub struct Peaks {
    source: Arc<dyn Source>,
    /// None if they are too many to tell.
    sorts: Option<Vec<Sort>>,
    lists: Postings,
}

/// All rows of one template and service.
#[derive(Clone, Debug)]
pub struct Sort {
    /// The template's code.
    pub template: u32,
    /// A resource that names the service.
    pub resource: u32,
    usual: u8,
    highest: u8,
    pointer: u64,
    /// Where its peaks stand, if it is common.
    peaks: Range<usize>,
}

impl Peaks {
    /// Opens the section that makes up `source`, of a segment of so many blocks.
    pub fn open(source: Arc<dyn Source>, blocks: u32) -> Result<Self> {
        let mut cursor = Cursor::new(&*source, 0..source.len())?;
        let count = bounded(&mut cursor)?;
        let services = (0..count).map(|_| cursor.varint_u32()).collect::<Result<Vec<_>>>()?;
        let count = bounded(&mut cursor)?;
        let mut sorts = Vec::new();
        let (mut template, mut peaks) = (0u32, 0);
        for _ in 1..count {
            let delta = cursor.varint_u32()?;
            let next = template.checked_add(delta);
            template = next.ok_or_else(|| cursor.corrupt("a template of no code"))?;
            let resource = services.get(cursor.varint_u32()? as usize).copied();
            let resource = resource.ok_or_else(|| cursor.corrupt("no such service"))?;
            let pointer = cursor.varint()?;
            let (usual, highest) = (cursor.byte()?, cursor.byte()?);
            let listed = if usual > 0 { cursor.varint_len()? } else { 0 };
            let own = peaks..peaks + listed;
            peaks = own.end;
            sorts.push(Sort { template, resource, usual, highest, pointer, peaks: own });
        }
        let peaks = cursor.skip(peaks)?;
        for sort in &mut sorts {
            sort.peaks = peaks.start + sort.peaks.start..peaks.start + sort.peaks.end;
        }
        let lists = Postings::new(blocks, peaks.end, source.len());
        Ok(Self { source, sorts: (count > 0).then_some(sorts), lists })
    }

    /// All sorts, by template; `None` if they were too many to tell.
    pub fn sorts(&self) -> Option<&[Sort]> {
        self.sorts.as_deref()
    }

    /// Reads every list.
    pub fn verify(&self) -> Result<()> {
        let mut last = None;
        for sort in self.sorts.iter().flatten() {
            let own = (sort.template, sort.resource);
            if last.replace(own).is_some_and(|before| before >= own) {
                return Err(self.source.corrupt(0, "sorts in disorder"));
            }
            let listed = self.lists.read(&*self.source, sort.pointer)?;
            if sort.usual > 0 && listed.len() != sort.peaks.len() as u64 {
                return Err(self.source.corrupt(sort.peaks.start, "blocks without their peaks"));
            }
        }
        Ok(())
    }

    /// The blocks that can hold a row of a sort that lasts at least so long; `None` if the
    /// section cannot tell, and all can.
    pub fn blocks(&self, sort: &Sort, nanos: u64) -> Result<Option<Vec<u32>>> {
        let level = level(nanos);
        if level > sort.highest {
            return Ok(Some(Vec::new()));
        }
        if sort.usual > 0 && level <= sort.usual {
            return Ok(None);
        }
        let listed = self.lists.read(&*self.source, sort.pointer)?;
        if sort.usual == 0 {
            return Ok(Some(listed.iter().collect()));
        }
        let peaks = self.source.bytes(sort.peaks.start, sort.peaks.len())?;
        if listed.len() != peaks.len() as u64 {
            return Err(self.source.corrupt(sort.peaks.start, "blocks without their peaks"));
        }
        let high = listed.iter().zip(&*peaks).filter(|&(_, &peak)| peak >= level);
        Ok(Some(high.map(|(block, _)| block).collect()))
    }
}

/// A count of what takes at least a byte each, or one more.
fn bounded(cursor: &mut Cursor<'_>) -> Result<usize> {
    let count = usize::try_from(cursor.varint()?).ok();
    let count = count.filter(|&count| count <= cursor.remaining() + 1);
    count.ok_or_else(|| cursor.corrupt("a count that lies"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    /// Template, service, block, duration.
    type Row = (u32, u32, u32, u64);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let nanos = prop_oneof![5 => 100u64..140, 1 => 0u64..4, 1 => any::<u64>()];
        prop::collection::vec((0u32..4, 0u32..3, 0u32..40, nanos), 0..300)
    }

    fn write(rows: &mut [Row]) -> Vec<u8> {
        rows.sort_by_key(|row| row.2);
        let mut builder = PeaksBuilder::default();
        for &mut (template, service, block, nanos) in rows {
            builder.add(template, service, block, nanos);
        }
        builder.finish(&[7, 8, 9], 40)
    }

    fn open(bytes: Vec<u8>) -> Result<Peaks> {
        Peaks::open(Arc::new(MemSource::new(bytes, Path::new("x"), "peaks")), 40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn p5_no_block_with_a_long_row_is_missed(mut rows in rows(), nanos in 0u64..200) {
            let peaks = open(write(&mut rows)).unwrap();
            let sorts = peaks.sorts().unwrap();
            for &(template, service, block, duration) in &rows {
                let own = |s: &&Sort| s.template == template && s.resource == 7 + service;
                let sort = sorts.iter().find(own).unwrap();
                for least in [duration, nanos.min(duration), 0] {
                    let blocks = peaks.blocks(sort, least).unwrap();
                    prop_assert!(blocks.is_none_or(|blocks| blocks.contains(&block)));
                }
            }
            for sort in sorts {
                prop_assert!(rows.iter().any(|r| r.0 == sort.template && r.1 + 7 == sort.resource));
            }
        }

        #[test]
        fn p6_a_changed_byte_ends_in_an_error_or_a_value(
            mut rows in rows(), at: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = write(&mut rows);
            let at = at.index(bytes.len());
            *bytes.get_mut(at).unwrap() = byte;
            if let Ok(peaks) = open(bytes) {
                for sort in peaks.sorts().into_iter().flatten() {
                    let _ = peaks.blocks(sort, 120);
                }
            }
        }
    }

    #[test]
    fn levels_ascend_by_quarters_of_octaves() {
        let levels: Vec<u8> = (0..10).map(level).collect();
        assert_eq!(levels, [0, 1, 5, 7, 9, 10, 11, 12, 13, 13]);
        assert_eq!((level(u64::MAX / 2), level(u64::MAX)), (252, 255));
        assert!((0..100_000).all(|n| level(n) <= level(n + 1)));
    }

    #[test]
    fn of_a_common_sort_few_blocks_are_listed() {
        let mut rows: Vec<Row> = (0..40).map(|block| (0, 0, block, 1000)).collect();
        rows.push((0, 0, 11, 1 << 20));
        rows.push((1, 0, 5, 3));
        let peaks = open(write(&mut rows)).unwrap();
        let [common, rare] = peaks.sorts().unwrap() else { unreachable!("two sorts") };
        assert_eq!(peaks.blocks(common, 1000).unwrap(), None);
        assert_eq!(peaks.blocks(common, 2000).unwrap(), Some(vec![11]));
        assert_eq!(peaks.blocks(common, 1 << 21).unwrap(), Some(vec![]));
        assert_eq!(peaks.blocks(rare, 0).unwrap(), Some(vec![5]));
    }

    #[test]
    fn a_segment_without_rows_has_no_sorts() {
        assert!(open(write(&mut [])).unwrap().sorts().unwrap().is_empty());
    }

    #[test]
    fn too_many_sorts_are_not_told() {
        let mut builder = PeaksBuilder::default();
        (0..=MAX_SORTS as u32).for_each(|template| builder.add(template, 0, 0, 1));
        let bytes = builder.finish(&[0], 40);
        assert!(bytes.len() < 8 && open(bytes).unwrap().sorts().is_none());
    }
}
