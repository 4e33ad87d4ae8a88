//! A trace read whole, and what a query finds in it.

use crate::base::error::Result;
use crate::base::model::{KeyValue, Value};
use crate::query::ast::Field;
use crate::query::eval::bits::Bits;
use crate::query::eval::datum::Datum;
use crate::query::eval::fields::each;
use crate::query::eval::program::Program;
use crate::query::eval::run::{Run, SpanSet};
use crate::query::gather::Gathered;
use crate::query::view::Piece;

/// A trace, and the span sets that a query finds in it.
#[derive(Debug)]
pub struct Judged {
    /// The trace.
    pub trace: Gathered,
    /// The sets; none is empty.
    pub sets: Vec<SpanSet>,
    selected: Vec<Field>,
}

impl Judged {
    /// Reads a trace and runs a query on it.
    pub fn of(program: &Program, pieces: &[Piece]) -> Result<Self> {
        let trace = Gathered::read(pieces, &program.leaves)?;
        let mut run = Run::new(program, &trace, pieces);
        let sets = run.sets()?;
        let selected = run.selected;
        Ok(Self { trace, sets, selected })
    }

    /// The spans of all sets.
    pub fn matched(&self) -> Bits {
        let none = Bits::none(self.trace.spans.len());
        self.sets.iter().fold(none, |all, set| all.or(&set.spans))
    }

    /// For each of these spans the fields that the query selects.
    pub fn selected(&self, pieces: &[Piece], spans: &[usize]) -> Result<Vec<Vec<KeyValue>>> {
        if self.selected.is_empty() {
            return Ok(Vec::new());
        }
        let mut told: Vec<(usize, Vec<KeyValue>)> =
            spans.iter().map(|span| (*span, Vec::new())).collect();
        let mut wanted = Bits::none(self.trace.spans.len());
        spans.iter().for_each(|span| wanted.insert(*span));
        self.trace.visit(pieces, &wanted, &mut |span, row, facts| {
            let all = told.iter_mut().filter(|(own, _)| *own == span);
            for (_, attributes) in all {
                for field in &self.selected {
                    let mut values = Vec::new();
                    each(field, row.subject(), Some(&facts), &mut |seen| {
                        values.push(Datum::of(seen).told(field.of_type()));
                    });
                    let value = match values.len() {
                        0 => continue,
                        1 => values.pop().unwrap_or_default(),
                        _ => Value::Array(values),
                    };
                    attributes.push(KeyValue { key: field.to_string().into(), value });
                }
            }
            Ok(())
        })?;
        Ok(told.into_iter().map(|(_, attributes)| attributes).collect())
    }
}
