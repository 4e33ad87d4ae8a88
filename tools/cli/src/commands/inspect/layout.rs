//! What of a segment takes how many bytes: parts and sections, columns, templates, terms.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use tracekeep::inspect::SegmentInfo;

use crate::commands::inspect::part;
use crate::failure::Result;
use crate::output::{Column, Output};

/// How many characters the whole file is wide in the map.
const MAP_WIDTH: u64 = 50;

/// How many columns are told as the largest.
const LARGEST: usize = 10;

/// What all columns of one field take.
#[derive(Default)]
struct Field {
    bits: u64,
    rows: u64,
    plain_bytes: u64,
    encodings: BTreeSet<String>,
}

/// The file from its first byte to its last, the area section by section, each to scale.
pub fn map(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("map", output)?;
    let columns = [
        Column::text("part"),
        Column::number("offset"),
        Column::number("bytes"),
        Column::number("share"),
        Column::text("to scale"),
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
        let bar = bar(offset, bytes, info.bytes);
        vec![name, offset.to_string(), bytes.to_string(), share(bytes), bar]
    });
    Ok(output.table(&columns, rows)?)
}

/// Where a stretch of a file lies in it; what is there is a character wide at least.
fn bar(offset: u64, bytes: u64, whole: u64) -> String {
    let place = |at: u64| (at.saturating_mul(MAP_WIDTH) / whole.max(1)).min(MAP_WIDTH);
    let (begin, end) = (place(offset).min(MAP_WIDTH - 1), place(offset.saturating_add(bytes)));
    let len = if bytes == 0 { 0 } else { end.saturating_sub(begin).max(1) };
    format!("{}{}", ".".repeat(begin as usize), "#".repeat(len as usize))
}

/// What the fields of spans take in the blocks, over all templates.
pub fn columns(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("columns", output)?;
    let mut fields: BTreeMap<&str, Field> = BTreeMap::new();
    for template in &info.templates {
        for column in &template.columns {
            let field = fields.entry(&column.field).or_default();
            field.bits += column.bits;
            field.rows += template.rows;
            field.plain_bytes += column.plain_bytes;
            field.encodings.insert(family(&column.encoding));
        }
    }
    let mut fields: Vec<_> = fields.into_iter().collect();
    fields.sort_by_key(|(name, field)| (Reverse(field.bits), *name));
    let columns = [
        Column::text("column"),
        Column::number("bytes"),
        Column::number("values"),
        Column::number("bits a value"),
        Column::number("bytes a span"),
        Column::number("plain bytes"),
        Column::number("ratio"),
        Column::text("encodings"),
    ];
    let rows = fields.into_iter().map(|(name, field)| {
        vec![
            name.to_owned(),
            field.bits.div_ceil(8).to_string(),
            field.rows.to_string(),
            format!("{:.2}", field.bits as f64 / field.rows.max(1) as f64),
            format!("{:.3}", field.bits as f64 / 8.0 / info.spans.max(1) as f64),
            field.plain_bytes.to_string(),
            ratio(field.bits, field.plain_bytes),
            field.encodings.into_iter().collect::<Vec<_>>().join(", "),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

/// Stored bits against plain bytes: 8 of a number, of a text its own.
fn ratio(bits: u64, plain_bytes: u64) -> String {
    if plain_bytes == 0 {
        return String::new();
    }
    format!("{:.3}", bits as f64 / 8.0 / plain_bytes as f64)
}

/// The columns of single templates that take the most.
pub fn largest(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("the ten largest", output)?;
    let mut found: Vec<_> = info
        .templates
        .iter()
        .flat_map(|template| template.columns.iter().map(move |column| (template, column)))
        .filter(|(_, column)| column.bits > 0)
        .collect();
    found.sort_by_key(|(template, column)| (Reverse(column.bits), template.code));
    let columns = [
        Column::number("template"),
        Column::text("column"),
        Column::number("rows"),
        Column::number("bytes"),
        Column::number("bytes a span"),
        Column::number("ratio"),
        Column::text("encoding"),
    ];
    let rows = found.into_iter().take(LARGEST).map(|(template, column)| {
        vec![
            template.code.to_string(),
            column.field.clone(),
            template.rows.to_string(),
            column.bits.div_ceil(8).to_string(),
            format!("{:.3}", column.bits as f64 / 8.0 / info.spans.max(1) as f64),
            ratio(column.bits, column.plain_bytes),
            column.encoding.clone(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

pub fn templates(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("templates", output)?;
    let columns = [
        Column::number("template"),
        Column::number("rows"),
        Column::number("bytes"),
        Column::text("services"),
        Column::text("name"),
        Column::text("keys"),
    ];
    let rows = info.templates.iter().map(|template| {
        let bits: u64 = template.columns.iter().map(|column| column.bits).sum();
        vec![
            template.code.to_string(),
            template.rows.to_string(),
            bits.div_ceil(8).to_string(),
            template.services.join(", "),
            template.name.clone().unwrap_or_else(|| "(spelled out)".to_owned()),
            template.keys.join(", "),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

/// An encoding without its numbers, of which the templates have hundreds; JSON has them all.
fn family(encoding: &str) -> String {
    let general = |word: &&str| {
        !word.contains(|c: char| c.is_ascii_digit()) && !matches!(*word, "bits" | "of")
    };
    let kind = encoding.split(':').next().unwrap_or_default();
    let words = kind.split(' ').map(|word| word.trim_end_matches(','));
    words.filter(general).collect::<Vec<_>>().join(" ")
}

/// What each key of the tag index got, and why.
pub fn keys(info: &SegmentInfo, output: &mut Output) -> Result<()> {
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
        Column::text("lists"),
        Column::text("why"),
    ];
    let rows = info.keys.iter().flat_map(|key| {
        key.parts.iter().map(|part| {
            let lists = part.lists.iter().map(|(form, count)| format!("{count} {form}"));
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
                lists.collect::<Vec<_>>().join(", "),
                part.why.to_owned(),
            ]
        })
    });
    Ok(output.table(&columns, rows)?)
}
