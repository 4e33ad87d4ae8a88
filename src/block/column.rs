//! Models of the columns of a template, and where their runs lie in a block.

use crate::base::varint::{read_i64, read_len, read_u64, write_i64, write_u64};
use crate::block::classes::Run;
use crate::block::ints::IntModel;
use crate::block::pattern::Pattern;
use crate::block::skeleton::SlotKind;
use crate::block::strings::StrModel;

/// How one column of a template is stored in every block of a segment.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnModel {
    /// Numbers.
    Int(IntModel),
    /// Values of the segment's dictionary of this key: small codes of the column's own, the
    /// frequent first, which stand for codes of the dictionary.
    Codes {
        /// The dictionary's code of each of the column's codes.
        locals: Box<[u32]>,
        /// How the column's codes are packed.
        codes: IntModel,
    },
    /// Numbers of page records that many rows share.
    Records(IntModel),
    /// Text of a shape that packs well.
    Text(StrModel),
    /// A page record for each row: a block's records of this column stand one behind another.
    Paged,
    /// Durations, under the segment's model of this number; they stand apart from the template's
    /// other columns (see [`crate::block::durations`]).
    Duration(u32),
}

mod tag {
    pub const INT: u8 = 0;
    pub const CODES: u8 = 1;
    pub const RECORDS: u8 = 2;
    pub const TEXT: u8 = 3;
    pub const PAGED: u8 = 4;
    pub const DURATION: u8 = 5;
}

impl ColumnModel {
    /// Bits of every value among the template's runs, where all take the same.
    pub fn fixed_bits(&self) -> Option<usize> {
        match self {
            Self::Int(model) | Self::Records(model) | Self::Codes { codes: model, .. } => {
                int_bits(model)
            }
            Self::Text(StrModel::Const(_)) => Some(0),
            Self::Text(_) => None,
            Self::Paged | Self::Duration(_) => Some(0),
        }
    }

    /// Bits of the run of `count` values at bit `at`.
    pub fn run_bits(&self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        match self {
            Self::Int(model) | Self::Records(model) | Self::Codes { codes: model, .. } => {
                model.run_bits(bytes, at, count)
            }
            Self::Text(model) => model.run_bits(bytes, at, count),
            Self::Paged | Self::Duration(_) => Some(0),
        }
    }

    /// The memory it takes, about.
    pub fn memory_bytes(&self) -> usize {
        /// Of patterns and forms: mostly a few parts, and some literal text.
        const TEXT: usize = 256;
        let behind = match self {
            Self::Codes { locals, .. } => size_of_val(&**locals),
            Self::Text(StrModel::Const(text)) => text.len(),
            Self::Text(_) => TEXT,
            Self::Int(IntModel::Dict(dict)) => dict.memory_bytes(),
            _ => 0,
        };
        size_of::<Self>() + behind
    }

    /// Whether values of a slot of this kind can be stored so.
    pub fn holds(&self, kind: SlotKind) -> bool {
        match self {
            Self::Int(_) => kind == SlotKind::Int,
            Self::Codes { .. } | Self::Text(_) => kind == SlotKind::Text,
            Self::Records(_) | Self::Paged => kind != SlotKind::Int,
            Self::Duration(_) => false,
        }
    }

    /// The run of `count` values at bit `at`, and where it ends.
    pub fn open(&self, bytes: &[u8], at: usize, count: usize) -> Option<(Run, usize)> {
        match self {
            Self::Int(model) | Self::Records(model) | Self::Codes { codes: model, .. } => {
                model.open(bytes, at, count)
            }
            Self::Text(_) | Self::Paged | Self::Duration(_) => {
                Some((Run::plain(at), at.checked_add(self.run_bits(bytes, at, count)?)?))
            }
        }
    }

    /// Its name, for people; `durations` are the segment's models of durations.
    pub fn name(&self, durations: &[IntModel]) -> String {
        match self {
            Self::Duration(number) => {
                let model = durations.get(*number as usize).map_or("none".into(), int_name);
                format!("durations {number}, {model}")
            }
            Self::Int(model) => format!("int {}", int_name(model)),
            Self::Codes { locals, codes } => {
                format!("dictionary of {}, {}", locals.len(), int_name(codes))
            }
            Self::Records(model) => format!("shared records, {}", int_name(model)),
            Self::Text(StrModel::Const(_)) => "constant text".into(),
            Self::Text(StrModel::Pattern(pattern)) => {
                format!("text by pattern: {}", pattern.name())
            }
            Self::Text(StrModel::Forms(forms)) => {
                let names = forms.patterns().iter().map(Pattern::name).collect::<Vec<_>>();
                format!("text of {} forms: {}", names.len(), names.join("; "))
            }
            Self::Paged => "pages".into(),
        }
    }

    /// Appends the model.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(model) => {
                out.push(tag::INT);
                model.write(out);
            }
            Self::Codes { locals, codes } => {
                out.push(tag::CODES);
                write_u64(out, locals.len() as u64);
                let mut next = 0;
                for &code in locals {
                    write_i64(out, i64::from(code) - next);
                    next = i64::from(code) + 1;
                }
                codes.write(out);
            }
            Self::Records(model) => {
                out.push(tag::RECORDS);
                model.write(out);
            }
            Self::Text(model) => {
                out.push(tag::TEXT);
                model.write(out);
            }
            Self::Paged => out.push(tag::PAGED),
            Self::Duration(number) => {
                out.push(tag::DURATION);
                write_u64(out, u64::from(*number));
            }
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let (&tag, rest) = input.split_first()?;
        *input = rest;
        Some(match tag {
            tag::INT => Self::Int(IntModel::read(input)?),
            tag::CODES => {
                let count = read_len(input).filter(|&count| count <= input.len())?;
                let mut locals = Vec::with_capacity(count);
                let mut next = 0i64;
                for _ in 0..count {
                    let code = u32::try_from(next.checked_add(read_i64(input)?)?).ok()?;
                    locals.push(code);
                    next = i64::from(code) + 1;
                }
                Self::Codes { locals: locals.into(), codes: IntModel::read(input)? }
            }
            tag::RECORDS => Self::Records(IntModel::read(input)?),
            tag::TEXT => Self::Text(StrModel::read(input)?),
            tag::PAGED => Self::Paged,
            tag::DURATION => Self::Duration(u32::try_from(read_u64(input)?).ok()?),
            _ => return None,
        })
    }
}

/// Bits of every value under `model`, where all take the same.
pub(super) fn int_bits(model: &IntModel) -> Option<usize> {
    match model {
        IntModel::Const(_) => Some(0),
        IntModel::Fixed { width, .. } => Some(*width as usize),
        IntModel::Classes(_) => None,
        IntModel::Dict(dict) => int_bits(dict.codes()),
    }
}

/// The name of a model of integers, for people.
pub fn int_name(model: &IntModel) -> String {
    match model {
        IntModel::Const(value) => format!("constant {value}"),
        IntModel::Fixed { width, .. } => format!("{width} bits"),
        IntModel::Classes(classes) => {
            let widths: Vec<String> = classes.widths().iter().map(u8::to_string).collect();
            let raw = if classes.has_raw() { ", the last raw" } else { "" };
            format!("{} bits by class{raw}", widths.join("/"))
        }
        IntModel::Dict(dict) => format!("values by code, {}", int_name(dict.codes())),
    }
}

/// Where a column's run begins among the runs of its template in a block: those of fixed width
/// first, so that their places follow from the number of rows, then the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunPlace {
    /// Behind runs that take so many bits a row.
    Fixed(usize),
    /// The so-manieth of the runs whose places have to be added up.
    Variable(usize),
    /// The so-manieth of the columns in pages, which has no run.
    Paged(usize),
}

/// The places of all runs of a template.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// By column.
    pub places: Vec<RunPlace>,
    /// Bits a row of all columns of fixed width.
    pub fixed_bits: usize,
    /// The columns of variable width, in the order of their runs.
    pub variable: Vec<usize>,
    /// How many columns are in pages.
    pub paged: usize,
}

impl Layout {
    /// The layout of `columns`.
    pub fn of(columns: &[ColumnModel]) -> Self {
        let mut layout = Self::default();
        for (index, column) in columns.iter().enumerate() {
            layout.places.push(match column.fixed_bits() {
                _ if *column == ColumnModel::Paged => {
                    layout.paged += 1;
                    RunPlace::Paged(layout.paged - 1)
                }
                Some(bits) => {
                    layout.fixed_bits += bits;
                    RunPlace::Fixed(layout.fixed_bits - bits)
                }
                None => {
                    layout.variable.push(index);
                    RunPlace::Variable(layout.variable.len() - 1)
                }
            });
        }
        layout
    }
}
