//! Which byte of a section is what, for people: the sections that are stored plainly.

use crate::base::anatomy::Anatomist;
use crate::base::varint::read_u64;
use crate::index::bloom;
use crate::segment::kind;

/// The packed columns of a page of the trace table.
const TRACES: [&str; 6] = [
    "high halves of ids",
    "low halves of ids",
    "last starts, in eighths",
    "latest ends",
    "longest durations, in eighths",
    "flags",
];

/// The columns of the zone maps.
const ZONES: [&str; 5] =
    ["first starts", "last starts", "latest ends", "longest durations", "errors"];

/// Names the fields of a section of this kind, as far as it is stored plainly.
pub(super) fn section(kind: u32, bytes: &mut Anatomist<'_>) {
    match kind {
        kind::BLOOM => bloom::anatomy(bytes),
        kind::CONTEXTS => contexts(bytes),
        kind::ZONES => ZONES.into_iter().for_each(|name| column(bytes, name)),
        kind::IDS => {
            for name in ["bits of a bucket", "bits of the rest", "bits of an ordinal"] {
                bytes.number(1, name);
            }
            column(bytes, "fences");
            column(bytes, "entries");
        }
        kind::TRACES => {
            bytes.varint("traces");
            bytes.varint("traces of a page");
            column(bytes, "offsets of pages");
            while bytes.left() > 0 {
                ["first rows", "first starts"].into_iter().for_each(|name| ascending(bytes, name));
                TRACES.into_iter().for_each(|name| column(bytes, name));
            }
        }
        kind::TERMS | kind::DICTIONARIES => folded(bytes),
        _ => {}
    }
}

/// An ascending column: its head together, then its parts.
fn ascending(bytes: &mut Anatomist<'_>, name: &str) {
    let before = bytes.rest();
    let mut input = before;
    let head = (|| {
        let count = read_u64(&mut input)?;
        if count == 0 {
            return Some((0, 0, String::from("no values")));
        }
        let (base, step) = (read_u64(&mut input)?, read_u64(&mut input)?);
        let (&width, rest) = input.split_first()?;
        input = rest;
        let low = count.checked_mul(width.into())?.div_ceil(8);
        let head = format!("{count} values, {base} + {step} x {width} bits and more");
        Some((low, read_u64(&mut input)?, head))
    })();
    let Some((low, high, head)) = head else {
        bytes.bytes(before.len(), "cut off");
        return;
    };
    bytes.bytes(before.len() - input.len(), format!("{name}: {head}"));
    for (len, part) in [(low, "their low bits"), (high, "their high bits")] {
        bytes.bytes(usize::try_from(len).unwrap_or(usize::MAX), part);
    }
}

/// A packed column: its head together, then its bits.
fn column(bytes: &mut Anatomist<'_>, name: &str) {
    let before = bytes.rest();
    let mut input = before;
    let head = (|| {
        let count = read_u64(&mut input)?;
        if count == 0 {
            return Some((0, String::from("no values")));
        }
        let (base, step) = (read_u64(&mut input)?, read_u64(&mut input)?);
        let (&[width, wide], rest) = input.split_first_chunk()?;
        input = rest;
        let exceptions = read_u64(&mut input)?;
        let index = u64::from(64 - (count - 1).leading_zeros());
        let each = index + u64::from(wide);
        let bits = count.checked_mul(width.into())?.checked_add(exceptions.checked_mul(each)?)?;
        let more = match exceptions {
            0 => String::new(),
            _ => format!(", {exceptions} of them and {wide} more"),
        };
        Some((bits, format!("{count} values, {base} + {step} x {width} bits{more}")))
    })();
    let Some((bits, head)) = head else {
        bytes.bytes(before.len(), "cut off");
        return;
    };
    bytes.bytes(before.len() - input.len(), format!("{name}: {head}"));
    bytes.bytes(usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX), "their bits");
}

fn contexts(bytes: &mut Anatomist<'_>) {
    bytes.varint("resources");
    bytes.varint("scopes");
    let pages = bytes.varint("pages");
    let mut stored = Vec::new();
    for page in 0..pages {
        if bytes.left() == 0 {
            break;
        }
        bytes.varint(&format!("page {page}: records"));
        stored.push(bytes.varint("stored bytes"));
        bytes.varint("raw bytes");
        bytes.bytes(4, "crc32");
    }
    pages_of(bytes, &stored);
}

fn folded(bytes: &mut Anatomist<'_>) {
    let pages = bytes.varint("pages");
    let mut stored = Vec::new();
    for page in 0..pages {
        if bytes.left() == 0 {
            break;
        }
        bytes.varint(&format!("page {page}: raw bytes"));
        stored.push(bytes.varint("stored bytes"));
    }
    pages_of(bytes, &stored);
}

fn pages_of(bytes: &mut Anatomist<'_>, stored: &[u64]) {
    for (page, len) in stored.iter().enumerate() {
        let len = usize::try_from(*len).unwrap_or(usize::MAX);
        bytes.bytes(len, format!("page {page}: a zstd frame, or raw if as long as that"));
    }
}
