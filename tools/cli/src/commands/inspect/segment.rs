//! A segment on a page: map of the file, sections, columns, tag index, statistics, blocks.

use std::collections::{BTreeMap, BTreeSet};

use tracekeep::inspect::{SegmentInfo, StatisticsInfo};

use crate::commands::inspect::{figures, part};
use crate::failure::Result;
use crate::output::{Column, Output};

/// What all columns of one field take.
#[derive(Default)]
struct Field {
    bits: u64,
    rows: u64,
    encodings: BTreeSet<String>,
}

pub fn show(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    let rows = [
        ("file", info.path.clone()),
        ("bytes", info.bytes.to_string()),
        ("spans", info.spans.to_string()),
        ("bytes a span", format!("{:.2}", info.bytes as f64 / (info.spans.max(1)) as f64)),
        ("traces", info.traces.to_string()),
        ("first start", info.first_start.clone()),
        ("last start", info.last_start.clone()),
        ("resources", info.resources.to_string()),
        ("scopes", info.scopes.to_string()),
        ("templates", info.templates.len().to_string()),
        ("blocks", info.blocks.len().to_string()),
        ("rows of a block", info.block_rows.to_string()),
    ];
    figures("segment", &rows, output)?;
    map(info, output)?;
    columns(info, output)?;
    keys(info, output)?;
    if let Some(statistics) = &info.statistics {
        operations(statistics, output)?;
        calls(statistics, output)?;
    }
    blocks(info, output)
}

/// The file from its first byte to its last, the area section by section.
fn map(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("map", output)?;
    let columns = [
        Column::text("part"),
        Column::number("offset"),
        Column::number("bytes"),
        Column::number("share"),
    ];
    let mut parts: Vec<(String, u64, u64)> = Vec::new();
    for part in &info.parts {
        parts.push((part.name.to_owned(), part.offset, part.bytes));
        if part.name == "area" {
            let inside = info.sections.iter();
            parts.extend(inside.map(|s| (format!("  {}", s.name), s.offset, s.bytes)));
        }
    }
    let share = |bytes: u64| format!("{:.1}%", 100.0 * bytes as f64 / info.bytes.max(1) as f64);
    let rows = parts.into_iter().map(|(name, offset, bytes)| {
        vec![name, offset.to_string(), bytes.to_string(), share(bytes)]
    });
    Ok(output.table(&columns, rows)?)
}

/// What the fields of spans take in the blocks, over all templates.
fn columns(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("columns", output)?;
    let mut fields: BTreeMap<&str, Field> = BTreeMap::new();
    for template in &info.templates {
        for column in &template.columns {
            let field = fields.entry(&column.field).or_default();
            field.bits += column.bits;
            field.rows += template.rows;
            field.encodings.insert(family(&column.encoding));
        }
    }
    let mut fields: Vec<_> = fields.into_iter().collect();
    fields.sort_by_key(|(name, field)| (std::cmp::Reverse(field.bits), *name));
    let columns = [
        Column::text("column"),
        Column::number("bytes"),
        Column::number("values"),
        Column::number("bits a value"),
        Column::text("encodings"),
    ];
    let rows = fields.into_iter().map(|(name, field)| {
        vec![
            name.to_owned(),
            field.bits.div_ceil(8).to_string(),
            field.rows.to_string(),
            format!("{:.2}", field.bits as f64 / field.rows.max(1) as f64),
            field.encodings.into_iter().collect::<Vec<_>>().join(", "),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

/// An encoding without its numbers, of which the templates have hundreds; JSON has them all.
fn family(encoding: &str) -> String {
    let general = |word: &&str| {
        !word.contains(|c: char| c.is_ascii_digit()) && !matches!(*word, "bits" | "of")
    };
    let words = encoding.split(' ').map(|word| word.trim_end_matches(','));
    words.filter(general).collect::<Vec<_>>().join(" ")
}

fn keys(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("tag index", output)?;
    let columns = [
        Column::text("scope"),
        Column::text("tag"),
        Column::number("traces"),
        Column::text("form"),
        Column::text("type"),
        Column::number("distinct"),
        Column::number("dictionary bytes"),
        Column::number("posting bytes"),
    ];
    let rows = info.keys.iter().flat_map(|key| {
        key.parts.iter().map(|part| {
            vec![
                key.scope.to_owned(),
                key.key.clone(),
                key.traces.to_string(),
                std::iter::once(part.form)
                    .chain(part.homes.iter().map(String::as_str))
                    .collect::<Vec<&str>>()
                    .join(" "),
                part.kind.to_owned(),
                part.distinct.to_string(),
                part.dictionary_bytes.to_string(),
                part.postings_bytes.to_string(),
            ]
        })
    });
    Ok(output.table(&columns, rows)?)
}

/// What the spans add up to, over all minutes; JSON has them one by one.
fn operations(info: &StatisticsInfo, output: &mut Output) -> Result<()> {
    part("statistics", output)?;
    let rows = [
        ("operations", info.operations.len().to_string()),
        ("minutes", info.minutes.to_string()),
        ("cells", info.cells.len().to_string()),
        ("spans with a parent elsewhere", info.unresolved.len().to_string()),
    ];
    figures("statistics", &rows, output)?;
    part("operations", output)?;
    let columns = [
        Column::text("service"),
        Column::text("operation"),
        Column::number("kind"),
        Column::number("spans"),
        Column::number("errors"),
        Column::number("p50, about, ns"),
        Column::number("p99, about, ns"),
    ];
    let rows = info.operations.iter().map(|operation| {
        vec![
            operation.service.clone().unwrap_or_default(),
            operation.name.clone(),
            operation.kind.to_string(),
            operation.spans.to_string(),
            operation.errors.to_string(),
            operation.durations.estimated_p50_nanos.clone(),
            operation.durations.estimated_p99_nanos.clone(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

/// The graph of services, as far as this segment knows it.
fn calls(info: &StatisticsInfo, output: &mut Output) -> Result<()> {
    part("calls", output)?;
    let columns = [
        Column::text("from service"),
        Column::text("to service"),
        Column::number("calls"),
        Column::number("errors"),
        Column::number("p50, about, ns"),
        Column::number("p99, about, ns"),
    ];
    let rows = info.calls.iter().map(|calls| {
        vec![
            calls.parent.clone().unwrap_or_default(),
            calls.child.clone().unwrap_or_default(),
            calls.calls.to_string(),
            calls.errors.to_string(),
            calls.durations.estimated_p50_nanos.clone(),
            calls.durations.estimated_p99_nanos.clone(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

/// The zone map, and where the blocks lie.
fn blocks(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("blocks", output)?;
    let columns = [
        Column::number("block"),
        Column::number("offset"),
        Column::number("bytes"),
        Column::number("first row"),
        Column::number("rows"),
        Column::whole("first start"),
        Column::whole("last start"),
        Column::number("longest, ns"),
        Column::number("errors"),
    ];
    let rows = info.blocks.iter().enumerate().map(|(number, block)| {
        vec![
            number.to_string(),
            block.offset.to_string(),
            block.bytes.to_string(),
            block.first_row.to_string(),
            block.rows.to_string(),
            block.first_start.clone(),
            block.last_start.clone(),
            block.max_duration_nanos.clone(),
            block.errors.to_string(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}
