//! A trace read whole, and what a query finds in it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::base::error::Result;
use crate::base::model::{KeyValue, Value};
use crate::query::ast::Field;
use crate::query::eval::bits::Bits;
use crate::query::eval::datum::Datum;
use crate::query::eval::fields::each;
use crate::query::eval::program::Program;
use crate::query::eval::run::{Run, SpanSet};
use crate::query::gather::Gathered;
use crate::query::leaves::Leaves;
use crate::query::newest::Met;
use crate::query::source::Sketcher;
use crate::query::view::{Piece, SourcePlace};

/// Tells by columns alone what a query finds in traces: a fraction of the cost of reading them.
pub struct Sketches<'a> {
    program: &'a Program,
    takes_columns_only: bool,
    /// What sketches the traces of sources that were asked.
    sketchers: HashMap<SourcePlace, Option<Box<dyn Sketcher + 'a>>>,
}

impl<'a> Sketches<'a> {
    /// Of a program.
    pub fn new(program: &'a Program) -> Self {
        let takes_columns_only = program.takes_columns_only();
        Self { program, takes_columns_only, sketchers: HashMap::new() }
    }

    /// What the query finds in a trace that lies in these pieces, one of which was met: sets of its
    /// spans in the order of rows, if columns tell.
    pub fn sets(&mut self, met: &Met<'a>, pieces: &[Piece]) -> Result<Option<Vec<SpanSet>>> {
        let [piece] = pieces else { return Ok(None) };
        if !self.takes_columns_only {
            return Ok(None);
        }
        let program = self.program;
        let sketcher = match self.sketchers.entry(met.place) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(met.source.sketcher(&program.leaves)?),
        };
        let Some(sketcher) = sketcher else { return Ok(None) };
        let bounds = &program.leaves.bounds;
        let trace = Gathered::sketched(sketcher.as_mut(), &piece.fragment, bounds)?;
        trace.map(|trace| Run::new(program, &trace, pieces).sets()).transpose()
    }
}

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
        let sets = Run::new(program, &trace, pieces).sets()?;
        Ok(Self { trace, sets, selected: program.selected() })
    }

    /// Reads a trace in which a sketch has found these sets: no filter is asked again.
    pub fn of_sketch(program: &Program, pieces: &[Piece], sets: Vec<SpanSet>) -> Result<Self> {
        let [Piece { fragment, .. }] = pieces else { return Self::of(program, pieces) };
        let bounds = program.leaves.bounds.clone();
        let trace = Gathered::read(pieces, &Leaves { bounds, ..Leaves::none() })?;
        let in_order =
            |set: SpanSet| Some(SpanSet { spans: trace.of_rows(fragment, &set.spans)?, ..set });
        match sets.into_iter().map(in_order).collect() {
            Some(sets) => Ok(Self { sets, selected: program.selected(), trace }),
            None => Self::of(program, pieces),
        }
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
