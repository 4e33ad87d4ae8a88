//! What becomes of a span's structure while it is walked over: it is written down, or compared
//! with the skeleton that is expected.

use crate::base::bytes::is_same;
use crate::base::varint::{read_i64, read_u64, write_u64};
use crate::block::skeleton::{ValueType, mask};

/// Takes the structure of a span, from its attributes on, in the order of the skeleton. `None`
/// from any method: the span is not of the structure that was expected.
pub trait Outline {
    /// A text with its length in front.
    fn text(&mut self, prefixed: &[u8]) -> Option<()>;

    /// An attribute by its key, with its length in front, and the type of its value.
    fn attribute(&mut self, prefixed_key: &[u8], kind: ValueType) -> Option<()>;

    /// A number that is not known yet; answers its place.
    fn later(&mut self) -> Option<usize>;

    /// The number at a place, now that it is known.
    fn fill(&mut self, place: usize, number: u64) -> Option<()>;
}

/// Writes the structure down.
impl Outline for Vec<u8> {
    #[inline]
    fn text(&mut self, prefixed: &[u8]) -> Option<()> {
        self.extend_from_slice(prefixed);
        Some(())
    }

    #[inline]
    fn attribute(&mut self, prefixed_key: &[u8], kind: ValueType) -> Option<()> {
        self.extend_from_slice(prefixed_key);
        self.push(kind as u8);
        Some(())
    }

    #[inline]
    fn later(&mut self) -> Option<usize> {
        self.push(0);
        Some(self.len() - 1)
    }

    #[inline]
    fn fill(&mut self, place: usize, number: u64) -> Option<()> {
        if number < 0x80 {
            *self.get_mut(place)? = number as u8;
        } else {
            let mut long = Vec::new();
            write_u64(&mut long, number);
            self.splice(place..place + 1, long);
        }
        Some(())
    }
}

/// Compares the structure with the skeleton of a shape.
#[derive(Debug)]
pub struct Expected<'s> {
    skeleton: &'s [u8],
    /// How far it was met.
    at: usize,
    mask: u64,
    code: Option<i64>,
}

impl<'s> Expected<'s> {
    /// At the attributes of a skeleton; `None` if it begins otherwise than with this scope, name
    /// and kind.
    #[inline]
    pub fn behind(skeleton: &'s [u8], scope: u32, prefixed_name: &[u8], kind: i32) -> Option<Self> {
        let mut rest = skeleton;
        if read_u64(&mut rest)? != u64::from(scope) {
            return None;
        }
        rest = rest.strip_prefix(prefixed_name)?;
        if read_i64(&mut rest)? != i64::from(kind) {
            return None;
        }
        let bits = read_u64(&mut rest)?;
        let code = if bits & mask::STATUS != 0 { Some(read_i64(&mut rest)?) } else { None };
        Some(Self { skeleton, at: skeleton.len() - rest.len(), mask: bits, code })
    }

    /// Goes on at another place of the skeleton.
    #[inline]
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Whether another number than zero stands at a place of the skeleton.
    #[inline]
    pub fn tells(&self, at: usize) -> bool {
        self.skeleton.get(at).is_none_or(|&number| number != 0)
    }

    /// Whether the skeleton has any of these bits in its mask.
    #[inline]
    pub fn has(&self, bits: u64) -> bool {
        self.mask & bits != 0
    }

    /// Whether the span is over where the skeleton is, and has what it says.
    #[inline]
    pub fn is_met(&self, mask: u64, code: Option<i32>) -> bool {
        self.at == self.skeleton.len() && self.mask == mask && self.code == code.map(i64::from)
    }
}

impl Outline for Expected<'_> {
    #[inline]
    fn text(&mut self, prefixed: &[u8]) -> Option<()> {
        let rest = self.skeleton.get(self.at..)?;
        self.at += prefixed.len();
        rest.starts_with(prefixed).then_some(())
    }

    #[inline]
    fn attribute(&mut self, prefixed_key: &[u8], kind: ValueType) -> Option<()> {
        let rest = self.skeleton.get(self.at..)?;
        let (key, rest) = rest.split_at_checked(prefixed_key.len())?;
        self.at += prefixed_key.len() + 1;
        (rest.first() == Some(&(kind as u8)) && is_same(key, prefixed_key)).then_some(())
    }

    #[inline]
    fn later(&mut self) -> Option<usize> {
        self.at += 1;
        Some(self.at - 1)
    }

    #[inline]
    fn fill(&mut self, place: usize, number: u64) -> Option<()> {
        // A number of several bytes is not expected: it would have moved all that followed.
        (number < 0x80 && self.skeleton.get(place) == Some(&(number as u8))).then_some(())
    }
}
