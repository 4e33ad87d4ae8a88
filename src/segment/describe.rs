//! What a segment is made of, for people.

use std::ops::Range;

use serde::Serialize;

use crate::base::effort::Effort;
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::block::models::{DURATION, RESOURCE, SLOTS, START};
use crate::block::template::{Owner, Place, Template};
use crate::index::describe::KeyInfo;
use crate::segment::figures::StatisticsInfo;
use crate::segment::footer::{FOOTER_BYTES, HEADER_BYTES};
use crate::segment::reader::Segment;
use crate::segment::sections::Section;

/// A segment, described.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentInfo {
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Spans.
    pub spans: u64,
    /// Traces, or parts of traces.
    pub traces: u64,
    /// The earliest start of a span.
    pub first_start: String,
    /// The latest start of a span.
    pub last_start: String,
    /// Whether nothing was spared for the sake of fewer bytes, as merges do, and flushes do not.
    pub thorough: bool,
    /// Rows of every block but the last.
    pub block_rows: u32,
    /// Distinct resources and scopes.
    pub resources: usize,
    /// Distinct instrumentation scopes.
    pub scopes: usize,
    /// The parts of the file in order, without gaps.
    pub parts: Vec<PartInfo>,
    /// The sections of the area.
    pub sections: Vec<PartInfo>,
    /// The blocks.
    pub blocks: Vec<BlockInfo>,
    /// The templates, the most frequent first; code 0 is that of spelled rows.
    pub templates: Vec<TemplateInfo>,
    /// The keys of the tag index.
    pub keys: Vec<KeyInfo>,
    /// What the spans add up to; none where there are too many operations.
    pub statistics: Option<StatisticsInfo>,
}

/// A stretch of the file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartInfo {
    /// What it is.
    pub name: &'static str,
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
}

/// A block of rows.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockInfo {
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// Its first row.
    pub first_row: u64,
    /// How many rows it has.
    pub rows: usize,
    /// The earliest start of a span in it.
    pub first_start: String,
    /// The latest start.
    pub last_start: String,
    /// The longest duration, in nanoseconds.
    pub max_duration_nanos: String,
    /// Spans with an error status.
    pub errors: u32,
}

/// A template.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateInfo {
    /// Its code.
    pub code: usize,
    /// The spans' name; none for spelled rows.
    pub name: Option<String>,
    /// The spans' kind, as its number.
    pub kind: Option<i32>,
    /// Rows that have it.
    pub rows: u64,
    /// The services of those rows.
    pub services: Vec<String>,
    /// The keys of the spans' attributes, in their order.
    pub keys: Vec<String>,
    /// Its columns.
    pub columns: Vec<ColumnInfo>,
}

/// A column of a template.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnInfo {
    /// Which field of the span it is.
    pub field: String,
    /// How it is stored.
    pub encoding: String,
    /// What it takes in blocks, in bits. Dictionaries and pages stand elsewhere.
    pub bits: u64,
    /// What its values take as they are: 8 bytes a number, of texts and bytes their own.
    pub plain_bytes: u64,
}

impl Segment {
    /// Describes the segment. Reads and checks all blocks, the whole tag index and all
    /// statistics.
    pub fn describe(&self) -> Result<SegmentInfo> {
        let summary = *self.summary();
        let (resources, scopes) = self.context_counts()?;
        let mut info = SegmentInfo {
            path: self.path().display().to_string(),
            bytes: summary.bytes,
            spans: summary.rows,
            traces: summary.traces,
            first_start: summary.first_start.to_string(),
            last_start: summary.last_start.to_string(),
            thorough: summary.effort == Effort::Thorough,
            block_rows: self.footer.block_rows,
            resources,
            scopes,
            parts: self.parts(),
            sections: self.sections()?,
            blocks: Vec::new(),
            templates: self.template_infos()?,
            keys: self.terms()?.describe()?,
            statistics: self.describe_statistics()?,
        };
        self.describe_blocks(&mut info)?;
        self.tally(&mut info.templates)?;
        Ok(info)
    }

    /// The rows of a block, if there is such a block.
    pub fn block_range(&self, number: u32) -> Option<Range<u32>> {
        let first = number.checked_mul(self.footer.block_rows)?;
        let rows = u32::try_from(self.summary().rows).ok().filter(|&rows| first < rows)?;
        Some(first..rows.min(first.saturating_add(self.footer.block_rows)))
    }

    /// What takes how many bytes of the file: its parts, and instead of the area its sections.
    /// Cost: reading the footer and the directory.
    pub fn shares(&self) -> Result<Vec<PartInfo>> {
        let mut shares = self.parts();
        let sections = self.sections()?;
        if let Some(area) = shares.iter_mut().find(|part| part.name == "area") {
            let inside: u64 = sections.iter().map(|section| section.bytes).sum();
            *area =
                PartInfo { name: "directory", bytes: area.bytes.saturating_sub(inside), ..*area };
        }
        shares.extend(sections);
        Ok(shares)
    }

    /// The sections of the area.
    fn sections(&self) -> Result<Vec<PartInfo>> {
        let part = |section: &Section| PartInfo {
            name: section.name,
            offset: self.footer.area_offset + section.offset as u64,
            bytes: section.len as u64,
        };
        Ok(self.directory()?.sections().map(part).collect())
    }

    /// The parts of the file.
    pub(super) fn parts(&self) -> Vec<PartInfo> {
        let area_end = self.footer.area_offset + self.footer.area_bytes;
        let [parity, table] = self.area.guards();
        let footers = self.summary().bytes - 2 * FOOTER_BYTES as u64;
        let begins = [
            ("header", 0),
            ("blocks", HEADER_BYTES as u64),
            ("pages", self.footer.pages_offset),
            ("footer, first copy", self.footer.pages_end()),
            ("area", self.footer.area_offset),
            ("parity", area_end),
            ("crc table", area_end + parity),
            ("crc table, copy", area_end + parity + table),
            ("footer", footers),
            ("footer, copy", footers + FOOTER_BYTES as u64),
        ];
        let ends = begins.iter().skip(1).map(|&(_, begin)| begin).chain([self.summary().bytes]);
        let part = |(&(name, offset), end): (&(&'static str, u64), u64)| PartInfo {
            name,
            offset,
            bytes: end - offset,
        };
        begins.iter().zip(ends).map(part).collect()
    }

    fn template_infos(&self) -> Result<Vec<TemplateInfo>> {
        let models = &self.meta()?.models;
        let templates = models.templates.iter().enumerate().map(|(code, model)| {
            let template = model.template.as_ref();
            let columns = model.columns.iter().enumerate().map(|(index, column)| ColumnInfo {
                field: field_name(template, index),
                encoding: column.name(&models.durations),
                bits: 0,
                plain_bytes: 0,
            });
            TemplateInfo {
                code,
                name: template.map(|template| template.name.to_string()),
                kind: template.map(|template| template.kind.0),
                rows: 0,
                services: Vec::new(),
                keys: template.map(keys).unwrap_or_default(),
                columns: columns.collect(),
            }
        });
        Ok(templates.collect())
    }

    /// Adds the blocks, and to the templates what they take in them.
    fn describe_blocks(&self, info: &mut SegmentInfo) -> Result<()> {
        let meta = self.meta()?;
        for number in 0..meta.blocks.len().saturating_sub(1) {
            let block = self.open_block(&meta, number as u32, false)?;
            let zone = self.zone(number as u64)?;
            let time = |time: Timestamp| time.to_string();
            info.blocks.push(BlockInfo {
                offset: block.offset,
                bytes: block.bytes.len() as u64,
                first_row: number as u64 * u64::from(self.footer.block_rows),
                rows: block.outline.rows(),
                first_start: time(zone.first_start),
                last_start: time(zone.last_start),
                max_duration_nanos: zone.max_duration.to_string(),
                errors: zone.errors,
            });
            for (code, column, rows, bits) in block.outline.sizes(&block.bytes, &meta.models) {
                let Some(template) = info.templates.get_mut(code as usize) else { continue };
                if column == 0 {
                    template.rows += rows as u64;
                }
                if let Some(column) = template.columns.get_mut(column) {
                    column.bits += bits as u64;
                }
            }
        }
        Ok(())
    }
}

/// The keys of the spans' attributes.
fn keys(template: &Template) -> Vec<String> {
    template.attributes.iter().map(|(key, _)| key.to_string()).collect()
}

/// What a column of a template holds.
pub(super) fn field_name(template: Option<&Template>, column: usize) -> String {
    match column {
        RESOURCE => return "resource".into(),
        START => return "start".into(),
        DURATION => return "duration".into(),
        _ => {}
    }
    let Some(template) = template else {
        return if column == SLOTS { "scope".into() } else { "span".into() };
    };
    match template.slots.get(column - SLOTS).map(|slot| &slot.place) {
        Some(Place::Attribute(Owner::Span, key, _)) => format!("span.{key}"),
        Some(Place::Attribute(Owner::Event, key, _)) => format!("event.{key}"),
        Some(Place::Attribute(Owner::Link, key, _)) => format!("link.{key}"),
        Some(Place::StatusMessage) => "status message".into(),
        Some(Place::TraceState) => "tracestate".into(),
        Some(Place::Unknown) => "unknown fields".into(),
        Some(Place::EventTime) => "event time".into(),
        Some(Place::LinkId) => "link id".into(),
        Some(Place::Count) => "flags or count".into(),
        Some(Place::Spelled) | None => "span".into(),
    }
}
