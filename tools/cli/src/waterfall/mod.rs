//! A trace as a picture: who called whom, when, and for how long.

mod draw;
mod plain;
mod tree;

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use tracekeep::{SpanId, SpanKind, StatusCode, Str, Timestamp, TraceId, TraceSpan};

use crate::output::Output;
use tree::Tree;

/// What is drawn of a trace: of each span only what shows, so that a million of them fit.
#[derive(Debug)]
pub struct Waterfall {
    id: TraceId,
    rows: Vec<Row>,
    texts: BTreeSet<Str>,
    services: BTreeSet<Str>,
}

/// A span as it is drawn.
#[derive(Clone, Debug)]
struct Row {
    id: SpanId,
    parent: Option<SpanId>,
    start: Timestamp,
    end: Timestamp,
    service: Str,
    name: Str,
    kind: SpanKind,
    failed: bool,
}

impl Row {
    fn duration(&self) -> Duration {
        self.end.since(self.start)
    }
}

impl Waterfall {
    /// Of the trace with this id; its spans are yet to be added.
    pub fn new(id: TraceId) -> Self {
        Self { id, rows: Vec::new(), texts: BTreeSet::new(), services: BTreeSet::new() }
    }

    /// Adds spans, in the order of the trace: by start, then id.
    pub fn add(&mut self, spans: &[TraceSpan]) {
        for TraceSpan { resource, span, .. } in spans {
            let service = self.shared(resource.service().map_or("", |service| service));
            if !service.is_empty() {
                self.services.insert(service.clone());
            }
            let row = Row {
                id: span.span_id,
                parent: span.parent_span_id,
                start: span.start,
                end: span.end,
                service,
                name: self.shared(&span.name),
                kind: span.kind,
                failed: span.status_code() == StatusCode::ERROR,
            };
            self.rows.push(row);
        }
    }

    /// Many spans share few names: each is held once.
    fn shared(&mut self, text: &str) -> Str {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text = Str::from(text);
        self.texts.insert(text.clone());
        text
    }

    /// Draws it: as wide as the terminal or, off a terminal, in tab-separated fields.
    pub fn print(&self, output: &mut Output) -> io::Result<()> {
        // Colour that was asked for is for a person's eyes, too.
        if output.terminal || output.color { self.draw(output) } else { self.list(output) }
    }

    /// Draws it for people, whatever stdout is.
    pub fn draw(&self, output: &mut Output) -> io::Result<()> {
        draw::draw(self, &Tree::of(&self.rows), output)
    }

    fn list(&self, output: &mut Output) -> io::Result<()> {
        plain::list(self, &Tree::of(&self.rows), output)
    }

    fn start(&self) -> Timestamp {
        self.rows.iter().map(|row| row.start).min().unwrap_or_default()
    }

    fn end(&self) -> Timestamp {
        self.rows.iter().map(|row| row.end.max(row.start)).max().unwrap_or_default()
    }

    fn errors(&self) -> usize {
        self.rows.iter().filter(|row| row.failed).count()
    }
}

/// Where a bar stands in `cells` cells, in half cells: its first and the one behind its last. Each
/// bar has at least one.
fn bar(row: &Row, start: Timestamp, end: Timestamp, cells: usize) -> (usize, usize) {
    let halves = cells.saturating_mul(2).max(1);
    let total = u128::from(end.nanos().saturating_sub(start.nanos()).max(1));
    let scaled = |time: Timestamp, round: u128| {
        let offset = u128::from(time.nanos().saturating_sub(start.nanos()));
        usize::try_from((offset * halves as u128 + round) / total).unwrap_or(halves)
    };
    let first = scaled(row.start, 0).min(halves - 1);
    let behind = scaled(row.end.max(row.start), total - 1).clamp(first + 1, halves);
    (first, behind)
}

/// A bar in text, one character a cell.
fn bar_text((first, behind): (usize, usize), cells: usize) -> String {
    let covered = |half: usize| (first..behind).contains(&half);
    let cell = |cell: usize| match (covered(cell * 2), covered(cell * 2 + 1)) {
        (true, true) => '━',
        (true, false) => '╸',
        (false, true) => '╺',
        (false, false) => ' ',
    };
    (0..cells).map(cell).collect()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests;
