//! Few integers that lie far apart, held once and named by codes.

use crate::base::varint;
use crate::block::bits::BitWriter;
use crate::block::ints::IntModel;

/// Distinct integers, the most frequent first, and how their codes are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntDict {
    values: Vec<i64>,
    /// Positions in `values`, by value.
    sorted: Vec<u32>,
    codes: IntModel,
}

impl IntDict {
    /// The memory it takes, about.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.values) + size_of_val(&*self.sorted)
    }

    /// A dictionary of `values`, whose positions are stored under `codes`; `None` if those are
    /// again codes of a dictionary.
    pub fn new(values: Vec<i64>, codes: IntModel) -> Option<Self> {
        if matches!(codes, IntModel::Dict(_)) {
            return None;
        }
        let mut sorted: Vec<u32> = (0..u32::try_from(values.len()).ok()?).collect();
        sorted.sort_by_key(|&code| values.get(code as usize));
        Some(Self { values, sorted, codes })
    }

    /// How the codes are stored.
    pub fn codes(&self) -> &IntModel {
        &self.codes
    }

    /// The value of a code.
    #[inline]
    pub fn value(&self, code: i64) -> Option<i64> {
        self.values.get(usize::try_from(code).ok()?).copied()
    }

    /// The code of a value.
    pub fn code(&self, value: i64) -> Option<i64> {
        let of = |&code: &u32| self.values.get(code as usize).copied();
        let at = self.sorted.partition_point(|code| of(code) < Some(value));
        let code = self.sorted.get(at)?;
        (of(code) == Some(value)).then_some(i64::from(*code))
    }

    fn codes_of(&self, values: &[i64]) -> Option<Vec<i64>> {
        let mut last = None;
        let code = |&value: &i64| match last {
            Some((known, code)) if known == value => Some(code),
            _ => {
                let code = self.code(value)?;
                last = Some((value, code));
                Some(code)
            }
        };
        values.iter().map(code).collect()
    }

    /// Appends a run; `None`, with part of it written, if a value has no code.
    pub fn encode_run(&self, values: &[i64], out: &mut BitWriter) -> Option<()> {
        self.codes.encode_run(&self.codes_of(values)?, out)
    }

    /// Appends the dictionary.
    pub fn write(&self, out: &mut Vec<u8>) {
        varint::write_u64(out, self.values.len() as u64);
        for &value in &self.values {
            varint::write_i64(out, value);
        }
        self.codes.write(out);
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let len = varint::read_len(input)?;
        // A value takes at least a byte: a false length ends here, before any allocation.
        if len > input.len() {
            return None;
        }
        let values = (0..len).map(|_| varint::read_i64(input)).collect::<Option<Vec<_>>>()?;
        let (&tag, rest) = input.split_first()?;
        *input = rest;
        Self::new(values, IntModel::read_plain(tag, input)?)
    }
}
