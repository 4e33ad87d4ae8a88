//! Any protobuf of a known message to its canonical bytes, merging as protobuf demands: of a
//! scalar or a oneof the last one wins, messages that occur again are merged field by field.

use crate::base::limits::MAX_VALUE_DEPTH;
use crate::base::varint;
use crate::base::wire::cursor::Cursor;
use crate::base::wire::field::{Field, Fields, WireError, WireType};
use crate::base::wire::scan::scan_span;
use crate::base::wire::schema::{Kind, Known, Message, SPAN};
use crate::base::wire::write::put_bytes;

/// Appends the canonical form of `bytes`, a message of type `message` that stands at offset `at`
/// of the input, which errors count from.
pub fn canonicalize(
    message: &'static Message,
    bytes: &[u8],
    at: usize,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let mut merged = Merged::new(message);
    merged.merge(bytes, at, 0)?;
    merged.write(out);
    Ok(())
}

/// As [`canonicalize`], of a span.
///
/// A shorter way for spans that are canonical but for an empty parent id: the Collector writes
/// one into every root span.
pub fn canonicalize_span(bytes: &[u8], at: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
    let start = out.len();
    if let Some((head, tail)) = around_empty_parent(bytes) {
        out.extend_from_slice(head);
        out.extend_from_slice(tail);
        if scan_span(out.get(start..).unwrap_or_default()).is_some() {
            return Ok(());
        }
        out.truncate(start);
    }
    canonicalize(&SPAN, bytes, at, out)
}

fn around_empty_parent(span: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut c = Cursor::new(span);
    c.id::<16>(0x0a)?;
    c.id::<8>(0x12)?;
    c.text::<false>(0x1a)?;
    let head = span.get(..span.len() - c.rest().len())?;
    c.eat_two([0x22, 0]).then_some((head, c.rest()))
}

/// A message as it is put together.
struct Merged<'a> {
    message: &'static Message,
    /// One for each field of `message.fields`.
    slots: Vec<Slot<'a>>,
    unknown: Vec<u8>,
}

enum Slot<'a> {
    Unset,
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Bytes(&'a [u8]),
    One(Box<Merged<'a>>),
    /// Repeated fields, written already: elements do not merge, and kept as bytes they take no
    /// more memory than the input.
    Written(Vec<u8>),
}

impl<'a> Merged<'a> {
    fn new(message: &'static Message) -> Self {
        let slots = message.fields.iter().map(|_| Slot::Unset).collect();
        Self { message, slots, unknown: Vec::new() }
    }

    fn merge(&mut self, bytes: &'a [u8], at: usize, depth: usize) -> Result<(), WireError> {
        let depth = depth + usize::from(self.message.nests);
        if depth > MAX_VALUE_DEPTH {
            return Err(WireError { at, what: "an attribute value that nests too deep" });
        }
        let mut fields = Fields::new(bytes);
        let here = |error: WireError| WireError { at: at + error.at, ..error };
        while let Some(field) = fields.next_field().map_err(here)? {
            let find = |known: &Known| known.number == field.number;
            let Some(index) = self.message.fields.iter().position(find) else {
                self.unknown.extend_from_slice(field.raw);
                continue;
            };
            if self.message.oneof {
                let others = self.slots.iter_mut().enumerate().filter(|(i, _)| *i != index);
                others.for_each(|(_, slot)| *slot = Slot::Unset);
            }
            let known = self.message.fields.get(index).map(|known| known.kind);
            if let (Some(kind), Some(slot)) = (known, self.slots.get_mut(index)) {
                set(slot, kind, &field, at + field.at, depth)?;
            }
        }
        Ok(())
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (known, slot) in self.message.fields.iter().zip(&self.slots) {
            write_slot(known.number, slot, self.message.oneof, out);
        }
        out.extend_from_slice(&self.unknown);
    }
}

fn set<'a>(
    slot: &mut Slot<'a>,
    kind: Kind,
    field: &Field<'a>,
    at: usize,
    depth: usize,
) -> Result<(), WireError> {
    let wire = match kind {
        Kind::Uint32 | Kind::Enum | Kind::Int64 | Kind::Bool => WireType::Varint,
        Kind::Fixed32 => WireType::Fixed32,
        Kind::Fixed64 => WireType::Fixed64,
        _ => WireType::Delimited,
    };
    if wire != field.wire {
        return Err(WireError { at, what: "a known field with the wire type of another" });
    }
    match kind {
        // Wider varints are cut, as protobuf demands of readers.
        Kind::Uint32 => *slot = Slot::Varint(u64::from(field.scalar as u32)),
        Kind::Enum => *slot = Slot::Varint(i64::from(field.scalar as i32) as u64),
        Kind::Int64 => *slot = Slot::Varint(field.scalar),
        Kind::Bool => *slot = Slot::Varint(u64::from(field.scalar != 0)),
        Kind::Fixed32 => *slot = Slot::Fixed32(field.scalar as u32),
        Kind::Fixed64 => *slot = Slot::Fixed64(field.scalar),
        Kind::Bytes => *slot = Slot::Bytes(field.bytes),
        Kind::Text => {
            check_text(field.bytes, at)?;
            *slot = Slot::Bytes(field.bytes);
        }
        Kind::Texts => {
            check_text(field.bytes, at)?;
            append(slot, field.number, field.bytes);
        }
        Kind::Many(message) => {
            let mut element = Merged::new(message);
            element.merge(field.bytes, at, depth)?;
            let mut bytes = Vec::with_capacity(field.bytes.len());
            element.write(&mut bytes);
            append(slot, field.number, &bytes);
        }
        Kind::One(message) => {
            if !matches!(slot, Slot::One(_)) {
                *slot = Slot::One(Box::new(Merged::new(message)));
            }
            if let Slot::One(inner) = slot {
                inner.merge(field.bytes, at, depth)?;
            }
        }
        Kind::Elsewhere => {}
    }
    Ok(())
}

fn check_text(bytes: &[u8], at: usize) -> Result<(), WireError> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(WireError { at: at + error.valid_up_to(), what: "text that is not UTF-8" })
        }
    }
}

/// Appends a delimited field to what repeated ones were written before.
fn append(slot: &mut Slot<'_>, number: u32, bytes: &[u8]) {
    let mut written = match std::mem::replace(slot, Slot::Unset) {
        Slot::Written(written) => written,
        _ => Vec::new(),
    };
    put_bytes(&mut written, delimited_tag(number), bytes);
    *slot = Slot::Written(written);
}

/// The one-byte tag of a delimited field: all known ones have numbers up to 15.
const fn delimited_tag(number: u32) -> u8 {
    (number << 3 | 2) as u8
}

fn write_slot(number: u32, slot: &Slot<'_>, keep_default: bool, out: &mut Vec<u8>) {
    let tag = |out: &mut Vec<u8>, wire: u32| varint::write_u64(out, u64::from(number << 3 | wire));
    match slot {
        Slot::Varint(value) if *value != 0 || keep_default => {
            tag(out, 0);
            varint::write_u64(out, *value);
        }
        Slot::Fixed64(value) if *value != 0 || keep_default => {
            tag(out, 1);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Slot::Fixed32(value) if *value != 0 || keep_default => {
            tag(out, 5);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Slot::Bytes(bytes) if !bytes.is_empty() || keep_default => {
            put_bytes(out, delimited_tag(number), bytes);
        }
        Slot::One(inner) => {
            let mut bytes = Vec::new();
            inner.write(&mut bytes);
            put_bytes(out, delimited_tag(number), &bytes);
        }
        Slot::Written(bytes) => out.extend_from_slice(bytes),
        _ => {}
    }
}
