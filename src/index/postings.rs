//! Posting lists: for each term, the ordinals of the traces that have it.
//!
//! A list is named by one number, its *pointer*; `n` is the number of traces:
//! ```text
//! 0           all traces
//! 1 ..= n     the one trace of ordinal pointer - 1
//! n + 1 ..    the list at byte pointer - n - 1 of the heap
//! ```
//! The heap holds lists one behind another, equal ones once, each as it is smallest:
//! ```text
//! | tag: u8 | varint | body |
//!   tag bits 0-1   form; bit 2: the list is of the traces that do NOT have the term; bits 3-7: k
//!   form 0  Rice   varint = ordinals; body = gaps (0 = next ordinal), each: gap >> k ones, a zero, k low bits
//!   form 1  bitset varint = 0; body = ceil(n / 8) bytes, lowest bit first
//!   form 2  roaring varint = bytes; body = roaring's portable format: only where runs make it small
//!   form 3  union   varint = lists; body = place of each in the heap, varints, then the ordinals in none
//!                   of them: their number, varint, and gaps as of form 0. No list of a union is one.
//! ```

use roaring::RoaringBitmap;

use crate::base::error::Result;
use crate::block::bits::get_bits;
use crate::index::folded::Joined;
use crate::index::ordinals::{OrdinalSet, full};
use crate::index::source::{Cursor, Source};
use crate::index::unions::MAX_PARTS;

pub(super) const FORM_RICE: u8 = 0;
pub(super) const FORM_BITSET: u8 = 1;
pub(super) const FORM_ROARING: u8 = 2;
pub(super) const FORM_UNION: u8 = 3;
pub(super) const COMPLEMENT: u8 = 4;

/// Reads posting lists back.
#[derive(Clone, Debug)]
pub struct Postings {
    traces: u32,
    /// Where the heap lies in its section.
    start: usize,
    end: usize,
}

impl Postings {
    /// Lists of a segment of `traces` traces, whose heap is the bytes `start..end` of a section.
    pub fn new(traces: u32, start: usize, end: usize) -> Self {
        Self { traces, start, end }
    }

    /// How many bytes the heap has.
    pub fn heap_len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The bytes in the file of a stretch of the heap, for people.
    pub fn stored_bytes(&self, source: &Joined, offset: u64, len: u64) -> f64 {
        source.stored_bytes((self.start as u64).saturating_add(offset), len)
    }

    /// Where in the heap a pointer's list stands, if it has one there.
    pub fn heap_offset(&self, pointer: u64) -> Option<u64> {
        pointer.checked_sub(u64::from(self.traces) + 1)
    }

    /// The ordinal of a list of one.
    pub fn single(&self, pointer: u64) -> Option<u32> {
        let ordinal = u32::try_from(pointer.checked_sub(1)?).ok()?;
        (ordinal < self.traces).then_some(ordinal)
    }

    /// How the list that `pointer` names is stored, for people.
    pub fn form(&self, source: &dyn Source, pointer: u64) -> Result<&'static str> {
        let Some(offset) = self.heap_offset(pointer) else {
            return Ok(if pointer == 0 { "all" } else { "one" });
        };
        let at = usize::try_from(offset).ok().and_then(|offset| self.start.checked_add(offset));
        let at = at.filter(|&at| at < self.end);
        let at = at.ok_or_else(|| source.corrupt(self.start, "a list beyond the heap"))?;
        let tag = source.bytes(at, 1)?.first().copied().unwrap_or_default();
        Ok(match (tag & 3, tag & COMPLEMENT != 0) {
            (FORM_RICE, false) => "rice",
            (FORM_RICE, true) => "rice of the others",
            (FORM_BITSET, _) => "bitset",
            (FORM_UNION, _) => "union",
            (_, false) => "roaring",
            (_, true) => "roaring of the others",
        })
    }

    /// The list that `pointer` names.
    pub fn read(&self, source: &dyn Source, pointer: u64) -> Result<OrdinalSet> {
        if pointer == 0 {
            return Ok(OrdinalSet::all(self.traces));
        }
        if let Some(ordinal) = self.single(pointer) {
            return Ok(OrdinalSet::from_ordinals(self.traces, [ordinal]));
        }
        let offset = self.heap_offset(pointer).unwrap_or_default();
        let members = self.read_at(source, offset, false)?;
        Ok(OrdinalSet::from_bitmap(self.traces, members))
    }

    /// The list at a place of the heap, which may be part of a union.
    fn read_at(&self, source: &dyn Source, offset: u64, is_part: bool) -> Result<RoaringBitmap> {
        let at = usize::try_from(offset).ok().and_then(|offset| self.start.checked_add(offset));
        let at = at.filter(|&at| at < self.end);
        let at = at.ok_or_else(|| source.corrupt(self.start, "a list beyond the heap"))?;
        let mut cursor = Cursor::new(source, at..self.end)?;
        let tag = cursor.byte()?;
        let argument = cursor.varint()?;
        let k = u32::from(tag >> 3);
        let members = match tag & 3 {
            FORM_RICE => self.read_rice(&cursor, argument, k)?,
            FORM_BITSET => self.read_bitset(&cursor)?,
            FORM_ROARING => self.read_roaring(&cursor, argument)?,
            _ if !is_part => self.read_union(cursor, argument, k)?,
            _ => return Err(source.corrupt(at, "a union of unions")),
        };
        if members.max().is_some_and(|max| max >= self.traces) {
            return Err(source.corrupt(at, "a posting beyond the last trace"));
        }
        Ok(if tag & COMPLEMENT == 0 { members } else { full(self.traces) - members })
    }

    fn read_union(&self, mut cursor: Cursor<'_>, lists: u64, k: u32) -> Result<RoaringBitmap> {
        if lists > MAX_PARTS as u64 {
            return Err(cursor.corrupt("a union of too many lists"));
        }
        let mut members = RoaringBitmap::new();
        for _ in 0..lists {
            members |= self.read_at(cursor.source(), cursor.varint()?, true)?;
        }
        let rest = cursor.varint()?;
        Ok(members | self.read_rice(&cursor, rest, k)?)
    }

    fn read_rice(&self, cursor: &Cursor<'_>, count: u64, k: u32) -> Result<RoaringBitmap> {
        if count > u64::from(self.traces) {
            return Err(cursor.corrupt("more postings than traces"));
        }
        // A gap's ones cannot add up to more than all traces: so much holds any sound list.
        let bits = count * u64::from(k + 1) + u64::from(self.traces >> k);
        let most = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
        let body = cursor.source().bytes(cursor.at(), most.min(cursor.remaining()))?;
        let mut list = Vec::with_capacity(body.len().min(count as usize));
        let (mut at, mut next) = (0usize, 0u64);
        for _ in 0..count {
            let gap = rice(&body, &mut at, k).ok_or_else(|| cursor.corrupt("a cut-off list"))?;
            let ordinal = next + gap;
            if ordinal >= u64::from(self.traces) {
                return Err(cursor.corrupt("a posting beyond the last trace"));
            }
            list.push(ordinal as u32);
            next = ordinal + 1;
        }
        RoaringBitmap::from_sorted_iter(list).map_err(|_| cursor.corrupt("an unsorted list"))
    }

    fn read_bitset(&self, cursor: &Cursor<'_>) -> Result<RoaringBitmap> {
        let len = self.traces.div_ceil(8) as usize;
        if len > cursor.remaining() {
            return Err(cursor.corrupt("a cut-off list"));
        }
        let body = cursor.source().bytes(cursor.at(), len)?;
        Ok(RoaringBitmap::from_lsb0_bytes(0, &body))
    }

    fn read_roaring(&self, cursor: &Cursor<'_>, len: u64) -> Result<RoaringBitmap> {
        let len = usize::try_from(len).ok().filter(|&len| len <= cursor.remaining());
        let len = len.ok_or_else(|| cursor.corrupt("a cut-off list"))?;
        let body = cursor.source().bytes(cursor.at(), len)?;
        RoaringBitmap::deserialize_from(&*body).map_err(|_| cursor.corrupt("a bad roaring bitmap"))
    }
}

/// Reads one Rice code at bit `at`.
fn rice(body: &[u8], at: &mut usize, k: u32) -> Option<u64> {
    let mut ones = 0u64;
    loop {
        let left = (body.len() * 8).saturating_sub(*at).min(32) as u32;
        let run = get_bits(body, *at, left)?.trailing_ones().min(left);
        ones += u64::from(run);
        *at += run as usize;
        if run < left {
            break;
        }
        if left == 0 {
            return None;
        }
    }
    let low = get_bits(body, *at + 1, k)?;
    *at += 1 + k as usize;
    Some(ones << k | low)
}
