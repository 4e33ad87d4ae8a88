//! Columns packed by hand.

use crate::manifest::varint;

/// What a packed column says of itself.
#[derive(Clone, Copy)]
pub struct Head {
    pub count: u64,
    pub base: u64,
    pub step: u64,
    pub width: u8,
    pub wide: u8,
    pub exceptions: u64,
}

impl Head {
    /// So many times the same value, in no bits.
    pub fn of(count: u64, base: u64) -> Self {
        Self { count, base, step: 1, width: 0, wide: 0, exceptions: 0 }
    }

    pub fn bytes(self) -> Vec<u8> {
        let mut out = [self.count, self.base, self.step].map(varint).concat();
        out.extend([self.width, self.wide]);
        out.extend(varint(self.exceptions));
        out
    }
}

/// A sound column of any values, each in 64 bits above 0.
pub fn column(values: &[u64]) -> Vec<u8> {
    let head = Head { width: 64, ..Head::of(values.len() as u64, 0) };
    let mut out = head.bytes();
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    out
}

/// These values as an ascending column, all their bits low ones.
pub fn ascending(values: &[u64]) -> Vec<u8> {
    let high = values.len().div_ceil(8);
    let mut out = varint(values.len() as u64);
    out.extend([0, 1, 64, high as u8]);
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    out.extend(
        (0..values.len()).step_by(8).map(|i| (0xff_u16 >> (8 - (values.len() - i).min(8))) as u8),
    );
    out
}
