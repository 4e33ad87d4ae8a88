//! Rows carried over from one segment into another that is being built, value by value.
//!
//! Rows of one template have one structure. Once the first of them has been put together and taken
//! apart again, it is known which shape all others have: their values go from column to column, and
//! those of a dictionary by their codes.

use crate::base::error::Result;
use crate::block::models::SLOTS;
use crate::block::pool::Pool;
use crate::block::skeleton::SlotKind;
use crate::block::slots::{SlotValues, push_value};
use crate::segment::builder::SegmentBuilder;
use crate::segment::peek::{Columns, Stored};
use crate::segment::rows::Outlined;

/// What is known of one segment's rows in the builder that they are carried into.
#[derive(Debug, Default)]
pub struct Carried {
    /// By template, the shape of its rows.
    shapes: Vec<Option<u32>>,
    /// By pool and code of its dictionary, the value's number.
    numbers: Vec<Vec<Option<u32>>>,
}

impl Carried {
    /// Notes the shape that [`SegmentBuilder::push`] found for a row.
    pub fn note(&mut self, row: &Outlined<'_>, shape: Option<u32>) {
        // Spelled rows may each have another.
        if row.template.is_some() {
            set(&mut self.shapes, row.columns.template(), shape);
        }
    }

    fn numbers(&mut self, pool: u32) -> Option<&mut Vec<Option<u32>>> {
        // There are as many pools as the builder has made.
        let pool = pool as usize;
        if self.numbers.len() <= pool {
            self.numbers.resize_with(pool + 1, Vec::new);
        }
        self.numbers.get_mut(pool)
    }
}

fn set(list: &mut Vec<Option<u32>>, place: u32, value: Option<u32>) {
    let place = place as usize;
    if list.len() <= place {
        list.resize(place + 1, None);
    }
    if let Some(known) = list.get_mut(place) {
        *known = value;
    }
}

impl SegmentBuilder {
    /// Appends a row of another segment to the trace begun last, under the builder's code of its
    /// resource. `false`, with nothing appended, if its shape is not known yet: then it is to be
    /// pushed, and its shape noted.
    pub fn carry(
        &mut self,
        resource: u32,
        row: &Outlined<'_>,
        carried: &mut Carried,
    ) -> Result<bool> {
        let shape = carried.shapes.get(row.columns.template() as usize);
        let Some(&Some(shape)) = shape else { return Ok(false) };
        // The scope is part of the shape.
        self.check(resource, 0, &row.times)?;
        let (shapes, pools) = (&mut self.shapes, &mut self.pools);
        let rows = shapes.get(shape).map_or(0, |shape| shape.rows);
        let mut columns = SLOTS..;
        shapes.carry(shape, |values, kind| {
            let column = columns.next().unwrap_or_default();
            values.fill(rows, pools)?;
            match values {
                SlotValues::Ints(values) => values.push(row.columns.int(column)?),
                SlotValues::Pooled { pool, numbers } => {
                    let known = carried.numbers(*pool);
                    carry_value(&row.columns, column, kind, pools.get_mut(*pool)?, known, numbers)?;
                }
            }
            Ok(())
        })?;
        self.rows.push(shape, resource, &row.times);
        Ok(true)
    }
}

/// Appends the value in a column to a slot, given the numbers of the codes met so far.
fn carry_value(
    columns: &Columns<'_>,
    column: usize,
    kind: SlotKind,
    pool: &mut Pool,
    known: Option<&mut Vec<Option<u32>>>,
    numbers: &mut Vec<u32>,
) -> Result<()> {
    match columns.stored(column)? {
        Stored::Code(code) => {
            let number = known.as_ref().and_then(|known| *known.get(code as usize)?);
            if let Some(number) = number.filter(|_| !pool.is_unique_like()) {
                pool.saw_again(1);
                numbers.push(number);
                return Ok(());
            }
            let text = columns.text(column)?;
            push_value(pool, numbers, text.as_str().as_bytes())?;
            if let Some(known) = known {
                // The dictionary has the code: it bounds the list.
                set(known, code, numbers.last().copied());
            }
            Ok(())
        }
        Stored::Text(text) => push_value(pool, numbers, text.as_str().as_bytes()),
        Stored::Record(record) => {
            if kind == SlotKind::Text && std::str::from_utf8(&record).is_err() {
                return Err(columns.bad());
            }
            push_value(pool, numbers, &record)
        }
    }
}
