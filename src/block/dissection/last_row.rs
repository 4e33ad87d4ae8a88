//! What the last row of a template said, byte by byte: of most attributes the next row says the same,
//! and a value that is compared where it lies needs neither be read nor looked up.

use crate::base::varint::{read_i64, read_u64};
use crate::base::wire::Cursor;
use crate::block::skeleton::{ValueType, mask};

/// Longer rows are not kept: a store of hostile spans has many templates.
const MAX_KEPT_BYTES: usize = 4 << 10;

/// The last row of a template from its attributes on, and where what stands.
#[derive(Debug, Default)]
pub struct LastRow {
    /// By attribute, where its key stands in the skeleton.
    keys: Vec<u32>,
    /// Where the skeleton goes on behind them.
    keys_end: usize,
    /// The row's bytes, or none.
    bytes: Vec<u8>,
    /// What each attribute takes of them, tag included.
    lens: Vec<u32>,
    /// How many slots come before those of the attributes.
    own: usize,
}

/// An attribute that differs from the last row's.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    /// Its number among the attributes.
    pub number: u32,
    /// What it takes now, tag included.
    pub len: u32,
}

impl LastRow {
    /// No row yet of the template with this skeleton.
    pub fn of(skeleton: &[u8]) -> Self {
        Self::find_keys(skeleton).unwrap_or_default()
    }

    /// `None` if there are attributes without a slot, or too many to be counted in a byte.
    fn find_keys(skeleton: &[u8]) -> Option<Self> {
        let mut rest = skeleton;
        let _scope = read_u64(&mut rest)?;
        let name = read_u64(&mut rest)?;
        rest = rest.get(name as usize..)?;
        let _kind = read_i64(&mut rest)?;
        if read_u64(&mut rest)? & mask::STATUS != 0 {
            let _code = read_i64(&mut rest)?;
        }
        let (&count, mut rest) = rest.split_first()?;
        let mut keys = Vec::with_capacity(count.into());
        for _ in 0..Some(count).filter(|&count| count < 0x80)? {
            keys.push((skeleton.len() - rest.len()) as u32);
            let len = read_u64(&mut rest)?;
            let (&kind, later) = rest.get(len as usize..)?.split_first()?;
            if [ValueType::Missing as u8, ValueType::Empty as u8].contains(&kind) {
                return None;
            }
            rest = later;
        }
        Some(Self { keys, keys_end: skeleton.len() - rest.len(), ..Self::default() })
    }

    /// Whether there is a row to compare with.
    pub fn is_known(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The row's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// By attribute, its length in the row, and where its key stands in the skeleton.
    pub fn attributes(&self) -> impl Iterator<Item = (usize, usize)> {
        let pairs = self.lens.iter().zip(&self.keys);
        pairs.map(|(&len, &key)| (len as usize, key as usize))
    }

    /// How many slots come before those of the attributes, and how many those are.
    pub fn slots(&self) -> (usize, usize) {
        (self.own, self.keys.len())
    }

    /// Where the skeleton goes on behind the attributes.
    pub fn keys_end(&self) -> usize {
        self.keys_end
    }

    /// Keeps the next row, which has so many slots before those of its attributes.
    pub fn learn(&mut self, bytes: &[u8], own: usize) {
        self.own = own;
        self.bytes.clear();
        self.lens.clear();
        if self.keys_end == 0 || bytes.len() > MAX_KEPT_BYTES {
            return;
        }
        let mut c = Cursor::new(bytes);
        for _ in &self.keys {
            let before = c.rest().len();
            if !c.eat(0x4a) || c.delimited().is_none() {
                return;
            }
            self.lens.push((before - c.rest().len()) as u32);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Keeps the next row, of which these attributes differ.
    pub fn change(&mut self, bytes: &[u8], changed: &[Changed]) {
        if bytes.len() > MAX_KEPT_BYTES {
            self.bytes.clear();
            return;
        }
        for change in changed {
            if let Some(len) = self.lens.get_mut(change.number as usize) {
                *len = change.len;
            }
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
    }

    /// Forgets the row: another one came that was not taught.
    pub fn forget(&mut self) {
        self.bytes.clear();
    }

    /// Memory held, about.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + (self.keys.capacity() + self.lens.capacity()) * size_of::<u32>()
    }
}
