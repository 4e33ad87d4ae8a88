//! The runs of one block, value by value: for people, and for other readers to compare with.

use serde::Serialize;

use crate::base::error::Result;
use crate::block::column::{ColumnModel, int_name};
use crate::block::decode::OpenBlock;
use crate::block::encode::{CRC_BYTES, is_explicit};
use crate::block::models::Models;
use crate::segment::describe::field_name;
use crate::segment::reader::Segment;

/// The values of one column of one template in a block, or the durations of one model.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunInfo {
    /// The template's code; none for durations, which templates share.
    pub template: Option<u32>,
    /// Which of its columns; of durations, which of the segment's models.
    pub column: usize,
    /// The field that it holds.
    pub field: String,
    /// How it is stored.
    pub encoding: String,
    /// How many values there are.
    pub rows: usize,
    /// The bit of the block at which they begin.
    pub bit: usize,
    /// The bits that they take.
    pub bits: usize,
    /// The values: numbers in decimal, of codes and records their numbers.
    pub values: Vec<String>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// As in [`RunInfo`].
    pub template: Option<u32>,
    pub column: usize,
    pub rows: usize,
    /// Its first bit, and how many it has.
    pub bit: usize,
    pub bits: usize,
}

/// The places of all runs of a block in the order in which they stand; columns in pages have none.
pub(super) fn places(open: &OpenBlock, models: &Models) -> Vec<Place> {
    let mut all = Vec::new();
    for (column, model) in models.durations.iter().enumerate() {
        let Some((rows, run)) = open.outline.durations().run(column as u32) else { continue };
        let bits = model.run_bits(&open.bytes, run.at, *rows).unwrap_or_default();
        all.push(Place { template: None, column, rows: *rows, bit: run.at, bits });
    }
    let mut sizes = open.outline.sizes(&open.bytes, models);
    let behind = |template: u32, column: usize| {
        models.get(template).is_some_and(|model| model.layout.variable.contains(&column))
    };
    sizes.retain(|&(template, column, ..)| {
        let column = models.get(template).and_then(|model| model.columns.get(column));
        !matches!(column, None | Some(ColumnModel::Paged | ColumnModel::Duration(_)))
    });
    sizes.sort_by_key(|&(template, column, ..)| (template, behind(template, column)));
    let bits: usize = sizes.iter().map(|&(.., bits)| bits).sum();
    let mut bit = open.bytes.len().saturating_sub(CRC_BYTES + bits.div_ceil(8)) * 8;
    all.extend(sizes.into_iter().map(|(template, column, rows, bits)| {
        bit += bits;
        Place { template: Some(template), column, rows, bit: bit - bits, bits }
    }));
    all
}

/// How many rows of a block there are, and how many of them have an explicit parent.
pub(super) fn ids(open: &OpenBlock) -> [usize; 2] {
    let explicit = open.outline.steps.iter().filter(|step| is_explicit(**step));
    [open.outline.rows(), explicit.count()]
}

impl Segment {
    /// Where a block begins in the file, and its runs.
    pub fn runs(&self, number: u32) -> Result<(u64, Vec<RunInfo>)> {
        let meta = self.meta()?;
        let models = &meta.models;
        let open = self.open_block(&meta, number, false)?;
        let mut runs = Vec::new();
        for Place { template, column, rows, bit, bits } in places(&open, models) {
            let (field, encoding, values) = match template {
                Some(template) => {
                    let Some(model) = models.get(template) else { continue };
                    let Some(own) = model.columns.get(column) else { continue };
                    let value = |index| value(own, &open.bytes, [bit, rows, index], models);
                    let values: Option<Vec<String>> = (0..rows).map(value).collect();
                    let field = field_name(model.template.as_ref(), column);
                    (field, own.name(&models.durations), values)
                }
                None => {
                    let Some(model) = models.durations.get(column) else { continue };
                    let value = |index| model.get(&open.bytes, bit, rows, index);
                    let numbers: Option<Vec<i64>> = (0..rows).map(value).collect();
                    let values = numbers.map(|all| all.iter().map(i64::to_string).collect());
                    ("duration".into(), int_name(model), values)
                }
            };
            runs.push(RunInfo {
                template,
                column,
                field,
                encoding,
                rows,
                bit,
                bits,
                values: values.ok_or_else(|| self.bad_block(open.offset, "a value of a run"))?,
            });
        }
        Ok((open.offset, runs))
    }
}

fn value(
    column: &ColumnModel,
    block: &[u8],
    [bit, rows, index]: [usize; 3],
    models: &Models,
) -> Option<String> {
    match column {
        ColumnModel::Int(model)
        | ColumnModel::Records(model)
        | ColumnModel::Codes { codes: model, .. } => {
            model.get(block, bit, rows, index).map(|number| number.to_string())
        }
        ColumnModel::Text(model) => {
            model.get(block, bit, rows, index, &models.words).map(|text| text.as_str().to_owned())
        }
        ColumnModel::Paged | ColumnModel::Duration(_) => None,
    }
}
