//! Which byte of a segment is what, for people.

use std::ops::Range;

use crate::base::anatomy::{Anatomist, Field, meets};
use crate::base::error::Result;
use crate::block::encode::CRC_BYTES;
use crate::block::ids::Ids;
use crate::block::models::Models;
use crate::segment::area::ENTRY_BYTES;
use crate::segment::describe::field_name;
use crate::segment::footer::{FOOTER_BYTES, HEADER_BYTES};
use crate::segment::kind;
use crate::segment::reader::Segment;
use crate::segment::runs::{Place, ids, places};
use crate::segment::sections_anatomy;

/// The names of the summary's numbers, in their order.
const SUMMARY: [&str; 8] = [
    "spans",
    "traces",
    "earliest start",
    "latest start",
    "latest end",
    "longest duration",
    "errors",
    "file bytes",
];

impl Segment {
    /// What the bytes in `range` are. Reads the blocks, pages and sections that it meets.
    pub fn anatomy(&self, range: &Range<u64>) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        for part in self.parts() {
            let place = part.offset..part.offset + part.bytes;
            if !meets(&place, range) {
                continue;
            }
            match part.name {
                "blocks" => self.block_fields(range, &mut fields)?,
                "pages" => self.page_fields(range, &mut fields)?,
                "area" => self.area_fields(range, &mut fields)?,
                name => {
                    let bytes = self.file.read_at(part.offset, part.bytes as usize)?;
                    let mut anatomist = Anatomist::new(&bytes, part.offset, name);
                    match name {
                        "header" => header(&mut anatomist),
                        "parity" => drop(anatomist.bytes(bytes.len(), "xor of all granules")),
                        _ if name.starts_with("footer") => footer(&mut anatomist),
                        _ => crc_table(&mut anatomist),
                    }
                    fields.extend(anatomist.finish("rest"));
                }
            }
        }
        fields.retain(|field| meets(&(field.offset..field.offset + field.bytes), range));
        Ok(fields)
    }

    fn block_fields(&self, range: &Range<u64>, fields: &mut Vec<Field>) -> Result<()> {
        let meta = self.meta()?;
        let models = &meta.models;
        for number in 0..self.blocks() {
            let Some((offset, len)) = meta.block(number as usize) else { continue };
            if meets(&(offset..offset + len as u64), range) {
                let bytes = self.file.read_at(offset, len)?;
                let mut block = Anatomist::new(&bytes, offset, format!("block {number}"));
                // A damaged block can be shown, only not taken apart.
                if let Ok(open) = self.open_block(&meta, number, false) {
                    block_body(&mut block, models, ids(&open), &places(&open, models));
                }
                fields.extend(block.finish("damaged"));
            }
        }
        Ok(())
    }

    fn page_fields(&self, range: &Range<u64>, fields: &mut Vec<Field>) -> Result<()> {
        for (number, entry) in self.meta()?.pages.directory().pages().iter().enumerate() {
            let offset = self.footer.pages_offset + entry.offset;
            if meets(&(offset..offset + entry.stored_len as u64), range) {
                let form = match entry.stored_len == entry.raw_len {
                    _ if entry.apart => "a zstd frame of what was taken apart",
                    true => "raw",
                    false => "a zstd frame",
                };
                fields.push(Field {
                    offset,
                    bytes: entry.stored_len as u64,
                    part: format!("page {number}"),
                    name: format!("{form}, {} bytes of {} records", entry.raw_len, entry.count),
                });
            }
        }
        Ok(())
    }

    fn area_fields(&self, range: &Range<u64>, fields: &mut Vec<Field>) -> Result<()> {
        let directory = self.directory()?;
        let area = self.footer.area_offset;
        for section in directory.sections() {
            let offset = area + section.offset as u64;
            let place = offset..offset + section.len as u64;
            if meets(&place, range) {
                let bytes = section.all()?;
                let zstd = bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
                let name = match zstd {
                    true => format!(
                        "a zstd frame of {} bytes",
                        section.unpacked(&self.terms()?.vocabulary()?)?.len()
                    ),
                    false => String::from("plain"),
                };
                let mut anatomist = Anatomist::new(&bytes, offset, section.name);
                sections_anatomy::section(section.kind, &mut anatomist);
                fields.extend(anatomist.finish(&name));
            }
        }
        let bytes = self.footer.directory_bytes as usize;
        let begin = self.area.len().saturating_sub(bytes);
        let bytes = self.area.bytes(begin..self.area.len(), "directory")?;
        let mut entries = Anatomist::new(&bytes, area + begin as u64, "directory");
        while entries.left() >= ENTRY_BYTES {
            let number = bytes.len() - entries.left();
            let number = bytes.get(number..).and_then(|rest| rest.first()).copied();
            let number = number.unwrap_or_default();
            entries.number(4, &format!("{}: kind", kind::name(number.into())));
            entries.number(8, "offset in the area");
            entries.number(8, "bytes");
        }
        fields.extend(entries.finish("half an entry"));
        Ok(())
    }
}

fn header(header: &mut Anatomist<'_>) {
    header.magic();
    header.bytes(HEADER_BYTES - 16, "reserved");
    header.bytes(4, "crc32");
}

fn footer(footer: &mut Anatomist<'_>) {
    footer.magic();
    footer.number(4, "directory bytes");
    footer.number(8, "pages offset");
    footer.number(8, "area offset");
    footer.number(8, "area bytes");
    footer.number(4, "rows of a block");
    footer.bytes(4, "crc32 of the area");
    for name in SUMMARY {
        footer.number(8, name);
    }
    footer.bytes(FOOTER_BYTES - 116, "reserved");
    footer.bytes(4, "crc32");
}

fn crc_table(table: &mut Anatomist<'_>) {
    for granule in 0..(table.left() / 4).saturating_sub(2) {
        table.bytes(4, format!("crc32 of granule {granule}"));
    }
    table.bytes(4, "crc32 of the parity");
    table.bytes(4, "crc32 of the table");
}

/// Names the parts of a block of so many rows and explicit parents whose runs stand there.
fn block_body(
    block: &mut Anatomist<'_>,
    models: &Models,
    [rows, explicit]: [usize; 2],
    runs: &[Place],
) {
    let (durations, runs): (Vec<_>, Vec<_>) = runs.iter().partition(|run| run.template.is_none());
    block.varint("bytes of durations");
    for Place { column, .. } in &durations {
        block.varint(&format!("rows of durations {column}:"));
    }
    let mut names = durations.iter().map(|&Place { column, bits, .. }| {
        (format!("durations {column}, {bits} bits"), format!("durations {column}"), bits)
    });
    packed(block, &mut names);
    block.bytes(CRC_BYTES, "crc32 of the durations");
    block.varint("beginnings of traces");
    block.varint("ordinal of the first row's trace");
    block.varint("first record in pages");
    let bits: usize = runs.iter().map(|run| run.bits).sum();
    let ids = models.ids.bytes(rows, explicit).unwrap_or_default();
    let behind = ids + bits.div_ceil(8) + CRC_BYTES;
    block.bytes(block.left().saturating_sub(behind), "beginnings, steps");
    match models.ids {
        Ids::Plain => {
            block.bytes(rows * 8, format!("{rows} span ids"));
            block.bytes(explicit * 8, format!("{explicit} explicit parents"));
        }
        Ids::Coded { .. } => {
            block.bytes(ids, format!("{rows} span ids, {explicit} explicit parents"));
        }
    }
    let mut names = runs.iter().map(|&Place { template, column, bits, .. }| {
        let code = template.unwrap_or_default();
        let model = models.get(code);
        let field = field_name(model.and_then(|model| model.template.as_ref()), column);
        (format!("template {code}: {field}, {bits} bits"), field, bits)
    });
    packed(block, &mut names);
    block.bytes(CRC_BYTES, "crc32");
}

/// Names runs by their long names, their short ones and their bits. They are packed bit by bit: a
/// byte is told with the run that fills it.
fn packed(block: &mut Anatomist<'_>, runs: &mut dyn Iterator<Item = (String, String, usize)>) {
    let (mut bit, mut named, mut inside) = (0, 0, Vec::new());
    for (name, short, bits) in runs.filter(|(.., bits)| *bits > 0) {
        inside.push(name);
        bit += bits;
        if bit / 8 > named {
            block.bytes(bit / 8 - named, inside.join("; "));
            named = bit / 8;
            inside = vec![format!("the last bits of {short}")];
        }
    }
    block.bytes(bit.div_ceil(8) - named, inside.join("; "));
}
