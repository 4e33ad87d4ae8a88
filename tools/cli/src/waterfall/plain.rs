//! The waterfall off a terminal: tab-separated, nothing cut.

use std::io;

use crate::output::Output;
use crate::text::field;
use crate::times::exact_duration;
use crate::waterfall::tree::{Top, Tree};
use crate::waterfall::{Waterfall, bar, bar_text};

/// Cells of a bar: enough to see the shape, few enough to read the fields behind it.
const CELLS: usize = 32;

/// Lists the trace: first its figures, then a line a span.
pub fn list(waterfall: &Waterfall, tree: &Tree, output: &mut Output) -> io::Result<()> {
    let (start, end) = (waterfall.start(), waterfall.end());
    output.line(&format!(
        "{}\t{start}\t{}\t{} spans\t{} services\t{} errors\t{} without their parent",
        waterfall.id,
        exact_duration(end.since(start)),
        waterfall.rows.len(),
        waterfall.services.len(),
        waterfall.errors(),
        tree.orphans(),
    ))?;
    for step in tree.walk() {
        let Some(row) = waterfall.rows.get(step.row as usize) else { continue };
        let bar = bar_text(bar(row, start, end, CELLS), CELLS);
        let note = match step.top {
            Some(Top::Orphan(parent)) => format!("parent {parent} missing"),
            Some(Top::Cycle) => "its parent is its descendant".to_owned(),
            Some(Top::Root) | None => String::new(),
        };
        output.line(&format!(
            "{bar}\t{:indent$}{}\t{}\t+{}\t{}\t{}\t{}\t{}\t{note}",
            "",
            field(&row.name),
            field(&row.service),
            exact_duration(row.start.since(start)),
            exact_duration(row.duration()),
            row.kind.name().map_or_else(|| row.kind.0.to_string(), str::to_owned),
            if row.failed { "error" } else { "" },
            row.id,
            indent = 2 * step.depth as usize,
        ))?;
    }
    Ok(())
}
