//! Fields of any protobuf message, as lenient as the format allows and no more.

use crate::base::error::Error;
use crate::base::varint;
use crate::base::wire::cursor::Cursor;

/// How deep groups may nest: what prost allows. Nobody has written groups for twenty years.
const MAX_GROUP_DEPTH: usize = 100;

/// How a field's value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireType {
    /// A variable-length integer.
    Varint,
    /// Eight bytes, little-endian.
    Fixed64,
    /// A length and as many bytes.
    Delimited,
    /// Fields up to a matching end: only ever unknown ones.
    Group,
    /// Four bytes, little-endian.
    Fixed32,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its number.
    pub number: u32,
    /// How its value is laid out.
    pub wire: WireType,
    /// The value: a varint, or fixed bytes as a number; zero for the others.
    pub scalar: u64,
    /// The contents of a delimited field; empty for the others.
    pub bytes: &'a [u8],
    /// The whole field, tag included, as it stands in the message.
    pub raw: &'a [u8],
    /// Where `bytes` begins in the message.
    pub at: usize,
}

/// What is wrong with a message, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireError {
    /// Byte offset in the outermost message.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Self::invalid_at(error.at as u64, format!("not OTLP protobuf: {}", error.what))
    }
}

/// Walks the fields of a message.
pub struct Fields<'a> {
    message: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of `message`.
    pub const fn new(message: &'a [u8]) -> Self {
        Self { message, rest: message }
    }

    /// Where the next field begins in the message.
    pub const fn position(&self) -> usize {
        self.message.len() - self.rest.len()
    }

    /// The contents of the next field if it is delimited, has this tag of one byte, and its length
    /// is as short as can be; else nothing has been read.
    #[inline]
    pub fn shortest(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut c = Cursor::new(self.rest);
        let bytes = if c.eat(tag) { c.delimited() } else { None };
        self.rest = if bytes.is_some() { c.rest() } else { self.rest };
        bytes
    }

    /// The next field, or `None` at the end.
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.position();
        let (number, code) = self.tag()?;
        let mut field =
            Field { number, wire: WireType::Varint, scalar: 0, bytes: &[], raw: &[], at: start };
        match code {
            0 => field.scalar = self.varint()?,
            1 => {
                field.wire = WireType::Fixed64;
                field.scalar = u64::from_le_bytes(self.array()?);
            }
            2 => {
                field.wire = WireType::Delimited;
                field.bytes = self.delimited()?;
            }
            3 => {
                field.wire = WireType::Group;
                self.skip_group(number)?;
            }
            5 => {
                field.wire = WireType::Fixed32;
                field.scalar = u64::from(u32::from_le_bytes(self.array()?));
            }
            4 => return Err(WireError { at: start, what: "a group ends that did not begin" }),
            _ => return Err(WireError { at: start, what: "no such wire type" }),
        }
        field.at = self.position() - field.bytes.len();
        field.raw = self.message.get(start..self.position()).unwrap_or_default();
        Ok(Some(field))
    }

    fn error(&self, what: &'static str) -> WireError {
        WireError { at: self.position(), what }
    }

    fn tag(&mut self) -> Result<(u32, u8), WireError> {
        let start = self.position();
        let key = u32::try_from(self.varint()?);
        let key = key.map_err(|_| WireError { at: start, what: "a tag beyond 32 bits" })?;
        if key < 8 {
            return Err(WireError { at: start, what: "field number 0" });
        }
        Ok((key >> 3, (key & 7) as u8))
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let error = self.error("a varint that is cut off or beyond 64 bits");
        varint::read_u64(&mut self.rest).ok_or(error)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let error = self.error("a number that is cut off");
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(error)?;
        self.rest = tail;
        Ok(*head)
    }

    fn delimited(&mut self) -> Result<&'a [u8], WireError> {
        let error = self.error("a length that leads beyond the end");
        let len = usize::try_from(self.varint()?).map_err(|_| error)?;
        varint::read_bytes(&mut self.rest, len).ok_or(error)
    }

    fn skip_group(&mut self, number: u32) -> Result<(), WireError> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let start = self.position();
            let (number, code) = self.tag()?;
            match code {
                0 => drop(self.varint()?),
                1 => drop(self.array::<8>()?),
                2 => drop(self.delimited()?),
                3 if open.len() < MAX_GROUP_DEPTH => open.push(number),
                3 => return Err(WireError { at: start, what: "groups that nest too deep" }),
                4 if number == innermost => drop(open.pop()),
                4 => return Err(WireError { at: start, what: "a group that ends as another" }),
                5 => drop(self.array::<4>()?),
                _ => return Err(WireError { at: start, what: "no such wire type" }),
            }
        }
        Ok(())
    }
}
