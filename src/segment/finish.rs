//! From columns in memory to a segment's bytes.

use std::io;

use crate::base::checksum::crc32;
use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::base::varint::write_u64;
use crate::base::view::SpanRef;
use crate::block::apart::Kind;
use crate::block::models::{Models, SPELLED};
use crate::block::pages::{PagePlan, PageWriter};
use crate::block::shapes::{MemorySlots, Shape};
use crate::block::template::RowTimes;
use crate::block::whim;
use crate::disk::executor::Executor;
use crate::index::bloom::{Strength, write_bloom};
use crate::index::id_index::write_id_index;
use crate::index::traces::TraceTableBuilder;
use crate::index::zones::write_zones;
use crate::segment::area::{Area, AreaBuilder};
use crate::segment::blocks::Source;
use crate::segment::builder::{SPELLED_SHAPE, SegmentBuilder, SegmentOptions, spell};
use crate::segment::counting::Counts;
use crate::segment::footer::{FOOTER_BYTES, Footer, Summary, header_bytes};
use crate::segment::kind;
use crate::segment::lineup::line_up;
use crate::segment::packing::{Material, find_forms, pack, settle};
use crate::segment::services::Services;
use crate::segment::uses::{Ordinals, Uses};
use crate::segment::writer::Writer;

/// A template stays only if spelling its rows would cost more: about so many bytes a row, and for
/// each slot of one, more than columns, against the bytes of skeleton and models. After compression,
/// measured on the OpenTelemetry demo.
const SPELLED_ROW_BYTES: usize = 24;
const SPELLED_SLOT_BYTES: usize = 6;
const TEMPLATE_BYTES: usize = 40;
const SLOT_BYTES: usize = 8;

/// Writes all of `b` to `out`; columns are fitted and encoded by as many threads as are free.
pub(super) fn finish(
    mut b: SegmentBuilder,
    out: &mut dyn io::Write,
    executor: &dyn Executor,
) -> Result<Summary> {
    b.drop_empty_trace();
    b.shapes.settle(&mut b.pools)?;
    let (codes, kept) = choose_templates(b.shapes.list());
    let ordinals = Ordinals::of(&b);
    let mostly_spelled = whim::take(spelled_rows(&b, &codes) * 2 > b.rows.start.len());
    let uses = Uses::build(&mut b, &ordinals, mostly_spelled)?;
    let services = Services::of(&b.resources)?;
    let mut lineup = line_up(&b, &codes, &uses.spelled_errors, &services);
    let counts = Counts::of(&b, &uses.spelled_errors)?;
    let spelled = collect_spelled(&mut b, &codes)?;

    let level = b.options.effort.level(b.rows());
    let plan = page_plan(&b.options, spelled.0.len(), b.rows.start.len());
    let vocabulary = &uses.terms.vocabulary;
    let mut writer = Writer::new(out, vocabulary, plan)?;
    writer.write(&header_bytes())?;
    let pool_uses = writer.share_records(uses.pools, &b.pools)?;
    let skeletons: Vec<Box<[u8]>> = kept
        .iter()
        .filter_map(|&shape| b.shapes.get(shape))
        .map(|shape| shape.skeleton.clone())
        .collect();
    let shapes = std::mem::take(&mut b.shapes).into_list();
    let material = Material { b: &b, uses: &pool_uses, spelled: &spelled };
    let (mut columns, durations) = pack(material, shapes, &kept, &mut lineup, executor);
    let (word_list, codes) = find_forms(&mut columns, &b.pools, &pool_uses, b.options.effort);
    let models = Models { word_list, ..settle(&mut columns, durations, &b, &lineup) };
    let source =
        Source { b: &b, columns: &columns, models: &models, codes: &codes, lineup: &lineup };
    let block_ends = writer.blocks(source, executor)?;
    drop(columns);
    let pages_offset = writer.len;
    let directory = writer.pages()?;
    let area_offset = writer.len + FOOTER_BYTES as u64;

    let mut area = AreaBuilder::default();
    let mut frames = Frames::after(vocabulary, level)?;
    let mut section = Vec::new();
    let mut names: Vec<&[u8]> = vec![&[]];
    names.extend(skeletons.iter().map(|skeleton| &**skeleton));
    models.write(&names, &mut section);
    area.add(kind::MODELS, &frames.frame(&section)?);
    area.add(kind::CONTEXTS, &contexts(&b, plan, vocabulary)?);
    section.clear();
    directory.write(&mut section);
    area.add(kind::PAGES, &frames.frame(&section)?);
    section.clear();
    for end in block_ends {
        write_u64(&mut section, end);
    }
    area.add(kind::BLOCKS, &frames.frame(&section)?);
    let mut table = TraceTableBuilder::new();
    lineup.traces.iter().for_each(|trace| table.push(trace));
    area.add(kind::TRACES, &table.finish());
    let lows: Vec<u64> = lineup.traces.iter().map(|trace| trace.id.low()).collect();
    area.add(kind::IDS, &write_id_index(&lows));
    area.add(kind::BLOOM, &write_bloom(&lows, Strength::SEGMENT));
    area.add(kind::TERMS, &uses.terms.index);
    area.add(kind::OPERATIONS, &frames.frame(&counts.operations)?);
    area.add(kind::ZONES, &write_zones(&lineup.zones));
    let peaks = lineup.peaks.finish(&services.resources, lineup.zones.len() as u32);
    area.add(kind::PEAKS, &frames.frame(&peaks)?);
    area.add(kind::STATISTICS, &frames.frame(&counts.statistics)?);
    area.add(kind::SKETCHES, &frames.frame(&counts.sketches)?);
    area.add(kind::DICTIONARIES, &uses.terms.dictionaries);
    let (bytes, area_bytes, directory_bytes) = area.finish();
    debug_assert_eq!(bytes.len() as u64, area_bytes as u64 + Area::guard_bytes(area_bytes));

    lineup.summary.effort = b.options.effort;
    lineup.summary.bytes = area_offset + bytes.len() as u64 + 2 * FOOTER_BYTES as u64;
    let footer = Footer {
        directory_bytes: directory_bytes as u32,
        pages_offset,
        area_offset,
        area_bytes: area_bytes as u64,
        block_rows: b.options.block_rows as u32,
        area_crc: crc32(bytes.get(..area_bytes).unwrap_or_default()),
        summary: lineup.summary,
    };
    writer.write(&footer.to_bytes())?;
    writer.write(&bytes)?;
    writer.write(&footer.to_bytes())?;
    writer.write(&footer.to_bytes())?;
    Ok(lineup.summary)
}

/// Where every so-manieth row is spelled, or more, pages may be larger: most bytes are in pages then,
/// and like is found farther away.
const MANY_SPELLED: usize = 8;
const LARGER_PAGES: usize = 8;

/// The least zstd level of such larger pages: the first level takes a fifth more bytes for a tenth
/// less of a flush's time.
const SPELLED_LEVEL: i32 = 6;

/// How pages are made in a segment with so many rows spelled.
fn page_plan(options: &SegmentOptions, spelled: usize, rows: usize) -> PagePlan {
    let (usual, level) = (options.page_bytes, options.effort.level(rows));
    if spelled > rows / MANY_SPELLED {
        let largest = usual.saturating_mul(LARGER_PAGES);
        return PagePlan { usual, largest, level: level.max(SPELLED_LEVEL), apart: true };
    }
    // The few pages of a flush that this would make shorter are written again by a merge.
    PagePlan { usual, largest: usual, level, apart: options.effort == Effort::Thorough }
}

/// The template codes of shapes, [`SPELLED`] where a template does not pay, and the shapes by
/// code from 1 on: the most frequent first.
fn choose_templates(shapes: &[Shape]) -> (Vec<u32>, Vec<u32>) {
    let pays = |shape: &Shape| {
        let slots = shape.slots.len();
        let spelled = shape.rows * (SPELLED_ROW_BYTES + slots * SPELLED_SLOT_BYTES);
        whim::take(spelled > TEMPLATE_BYTES + slots * SLOT_BYTES)
    };
    let mut kept: Vec<(usize, u32)> = Vec::new();
    for (number, shape) in (0..).zip(shapes) {
        if pays(shape) {
            kept.push((shape.rows, number));
        }
    }
    kept.sort_unstable_by_key(|&(rows, number)| (std::cmp::Reverse(rows), number));
    let mut codes = vec![SPELLED; shapes.len()];
    for (code, &(_, shape)) in (1..).zip(&kept) {
        if let Some(place) = codes.get_mut(shape as usize) {
            *place = code;
        }
    }
    (codes, kept.into_iter().map(|(_, shape)| shape).collect())
}

/// How many rows are to be spelled.
fn spelled_rows(b: &SegmentBuilder, codes: &[u32]) -> usize {
    let shapes = b.shapes.list().iter().zip(codes).filter(|&(_, &code)| code == SPELLED);
    b.spelled.rows.len() + shapes.map(|(shape, _)| shape.rows).sum::<usize>()
}

/// All rows that are to be spelled, in order: their scopes and their bytes' numbers in the pool.
fn collect_spelled(b: &mut SegmentBuilder, codes: &[u32]) -> Result<(Vec<i64>, Vec<u32>)> {
    let (mut scopes, mut numbers) = (Vec::new(), Vec::new());
    // Mostly there are none, and no row is to be looked at for it.
    if spelled_rows(b, codes) == 0 {
        return Ok((scopes, numbers));
    }
    let mut at_once = b.spelled.rows.iter();
    let mut row_of_shape = vec![0usize; codes.len()];
    let mut bytes = Vec::new();
    for (&number, &start) in b.rows.shape.iter().zip(&b.rows.start) {
        if number == SPELLED_SHAPE {
            if let Some(&(scope, number)) = at_once.next() {
                scopes.push(scope.into());
                numbers.push(number);
            }
            continue;
        }
        let (Some(shape), Some(row)) =
            (b.shapes.get(number), row_of_shape.get_mut(number as usize))
        else {
            continue;
        };
        if codes.get(number as usize) == Some(&SPELLED) {
            let mut slots = MemorySlots::new(shape, *row, &b.pools);
            // The start, too: the times of events are told against it.
            let start = Timestamp::from_nanos(start);
            let times = RowTimes { start, ..RowTimes::default() };
            let span: SpanRef<'_> = shape.template.assemble(times, &mut slots)?;
            bytes.clear();
            spell(&span, &mut bytes);
            scopes.push(shape.template.scope.into());
            drop(span);
            numbers.push(b.pools.append(b.spelled.pool, &bytes)?);
        }
        *row += 1;
    }
    Ok((scopes, numbers))
}

/// Resources, then scopes, as records of pages that lie in the area behind their directory.
fn contexts(b: &SegmentBuilder, plan: PagePlan, vocabulary: &[u8]) -> Result<Vec<u8>> {
    let mut pages = Vec::new();
    let writer = PageWriter::after(vocabulary, plan);
    let mut writer = writer.map_err(compress_error)?;
    for (kind, pool) in [(Kind::Resource, &b.resources), (Kind::Scope, &b.scopes)] {
        for code in 0..pool.len() {
            writer.push(kind, pool.get(code), &mut pages).map_err(compress_error)?;
        }
    }
    let directory = writer.finish(&mut pages).map_err(compress_error)?;
    let mut out = Vec::new();
    write_u64(&mut out, b.resources.len().into());
    write_u64(&mut out, b.scopes.len().into());
    directory.write(&mut out);
    out.extend_from_slice(&pages);
    Ok(out)
}

/// Makes zstd frames that state their sizes, with the vocabulary as their dictionary, which is
/// prepared once.
struct Frames(zstd::bulk::Compressor<'static>);

impl Frames {
    fn after(vocabulary: &[u8], level: i32) -> Result<Self> {
        let compressor = zstd::bulk::Compressor::with_dictionary(level, vocabulary);
        compressor.map(Self).map_err(compress_error)
    }

    fn frame(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.0.compress(bytes).map_err(compress_error)
    }
}

fn compress_error(error: io::Error) -> Error {
    Error::io("compress", "a segment".as_ref(), error)
}

pub(super) fn io_error(error: io::Error) -> Error {
    Error::io("write", "a segment".as_ref(), error)
}
