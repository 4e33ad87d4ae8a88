//! The waterfall on a terminal.
//!
//! ```text
//! | guides service operation | bar on the time axis | duration |
//! ```

use std::collections::BTreeMap;
use std::io;

use crate::output::{Output, grouped};
use crate::text::{cell, cut, padded, width};
use crate::times::show_duration;
use crate::waterfall::tree::{Step, Top, Tree};
use crate::waterfall::{Row, Waterfall, bar, bar_text};

/// Colours of services, in the order in which services appear.
const COLORS: [&str; 10] = ["36", "33", "35", "32", "34", "96", "93", "95", "92", "94"];

/// Levels that are indented; a deeper span says how deep it is instead.
const LEVELS: usize = 12;

/// The narrowest drawing: below it, nothing could be told.
const NARROWEST: usize = 32;

/// Draws the trace.
pub fn draw(waterfall: &Waterfall, tree: &Tree, output: &mut Output) -> io::Result<()> {
    let layout = Layout::of(waterfall, tree, output.width().max(NARROWEST));
    head(waterfall, tree, &layout, output)?;
    let mut colors = BTreeMap::new();
    let mut guides: Vec<bool> = Vec::new();
    let mut missing = None;
    for step in tree.walk() {
        let Some(row) = waterfall.rows.get(step.row as usize) else { continue };
        guides.truncate(step.depth as usize);
        guides.push(step.more);
        match step.top {
            Some(Top::Orphan(parent)) if missing != Some(parent) => {
                missing = Some(parent);
                let note = output.styled("33", &format!("? parent {parent} is missing"));
                output.line(&note)?;
            }
            Some(Top::Cycle) => {
                let note = output.styled("33", "? a cycle: the next span's parent is below it");
                output.line(&note)?;
            }
            _ => {}
        }
        if step.top.is_some_and(|top| !matches!(top, Top::Orphan(_))) {
            missing = None;
        }
        let next = COLORS.get(colors.len() % COLORS.len()).copied().unwrap_or("36");
        let color = *colors.entry(row.service.clone()).or_insert(next);
        let line = layout.line(row, &prefix(&step, &guides), color, output);
        output.line(&line)?;
    }
    Ok(())
}

fn head(
    waterfall: &Waterfall,
    tree: &Tree,
    layout: &Layout,
    output: &mut Output,
) -> io::Result<()> {
    output.heading(&format!("trace {}", waterfall.id))?;
    let plural = |count: usize, noun: &str| {
        format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
    };
    let mut facts = vec![
        waterfall.start().to_string(),
        show_duration(waterfall.end().since(waterfall.start())),
        plural(waterfall.rows.len(), "span"),
        plural(waterfall.services.len(), "service"),
    ];
    if waterfall.errors() > 0 {
        facts.push(output.styled("31", &plural(waterfall.errors(), "error")));
    }
    if tree.orphans() > 0 {
        let count = tree.orphans();
        let text = format!(
            "{} without {} parent",
            plural(count, "span"),
            if count == 1 { "its" } else { "their" }
        );
        facts.push(output.styled("33", &text));
    }
    // Facts go on the next line where they do not fit on this one.
    let mut line = String::new();
    let mut used = 0;
    for fact in facts {
        let columns = visible_width(&fact);
        if used > 0 && used + 3 + columns > layout.width {
            output.line(&line)?;
            line.clear();
            used = 0;
        }
        if used > 0 {
            line.push_str(" · ");
            used += 3;
        }
        line.push_str(&fact);
        used += columns;
    }
    output.line(&line)?;
    let axis = layout.axis();
    let axis = output.styled("2", &axis);
    output.line(&axis)
}

/// The columns of a text that may hold colours.
fn visible_width(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().map_or(0, width);
    first + parts.map(|part| part.split_once('m').map_or(0, |(_, rest)| width(rest))).sum::<usize>()
}

/// How the columns of the page are shared out.
struct Layout<'a> {
    waterfall: &'a Waterfall,
    width: usize,
    label: usize,
    cells: usize,
    duration: usize,
}

impl<'a> Layout<'a> {
    fn of(waterfall: &'a Waterfall, tree: &Tree, width: usize) -> Self {
        let labels = tree.walk().filter_map(|step| {
            let row = waterfall.rows.get(step.row as usize)?;
            Some(prefix_width(step.depth) + text_width(row))
        });
        let widest = labels.max().unwrap_or(0);
        let durations = waterfall.rows.iter().map(|row| show_duration(row.duration()).len());
        let duration = durations.max().unwrap_or(0);
        let label = widest.min((width - duration - 2) * 55 / 100);
        Self { waterfall, width, label, cells: width - duration - 2 - label, duration }
    }

    /// The time axis: marks at its quarters, or fewer where there is no room.
    fn axis(&self) -> String {
        let total = self.waterfall.end().since(self.waterfall.start());
        let marks = if self.cells >= 48 {
            4
        } else if self.cells >= 24 {
            2
        } else {
            1
        };
        let mut line = " ".repeat(self.label + 1);
        let mut used = 0;
        for mark in 0..marks {
            let at = self.cells * mark / marks;
            let text = show_duration(total.mul_f64(mark as f64 / marks as f64));
            let text = if mark == 0 { "0".to_owned() } else { text };
            if at + text.len() + 1 > self.cells {
                break;
            }
            line.push_str(&" ".repeat(at.saturating_sub(used)));
            line.push('│');
            line.push_str(&text);
            used = at.max(used) + 1 + text.len();
        }
        line
    }

    fn line(&self, row: &Row, prefix: &str, color: &str, output: &Output) -> String {
        let room = self.label.saturating_sub(width(prefix));
        let mark = if row.failed { "✗ " } else { "" };
        let service = cell(&row.service);
        let service = cut(&service, room);
        let room = room.saturating_sub(width(&service));
        let gap = usize::from(!service.is_empty() && room > 0);
        let room = room - gap;
        let mark = cut(mark, room);
        let name = cell(&row.name);
        let name = cut(&name, room.saturating_sub(width(&mark)));
        let used = width(prefix) + width(&service) + gap + width(&mark) + width(&name);
        let (start, end) = (self.waterfall.start(), self.waterfall.end());
        let bar = bar_text(bar(row, start, end, self.cells), self.cells);
        let bar_color = if row.failed { "31" } else { color };
        let duration = show_duration(row.duration());
        format!(
            "{}{}{:gap$}{}{}{:fill$} {} {duration:>columns$}",
            output.styled("2", prefix),
            output.styled(color, &service),
            "",
            if mark.is_empty() { String::new() } else { output.styled("31", &mark) },
            if row.failed { output.styled("31", &name) } else { name.into_owned() },
            "",
            output.styled(bar_color, &bar),
            fill = self.label.saturating_sub(used),
            columns = self.duration,
        )
    }
}

fn text_width(row: &Row) -> usize {
    let service = width(&cell(&row.service));
    let gap = usize::from(service > 0);
    service + gap + if row.failed { 2 } else { 0 } + width(&cell(&row.name))
}

/// The lines that lead from a span to its parent.
fn prefix(step: &Step, guides: &[bool]) -> String {
    let depth = step.depth as usize;
    if depth > LEVELS {
        return padded(&format!("{}{depth}╴", "  ".repeat(LEVELS - 1)), prefix_width(step.depth));
    }
    let (Some((last, above)), true) = (guides.split_last(), depth > 0) else {
        return String::new();
    };
    let above = above.iter().skip(1).map(|more| if *more { "│ " } else { "  " });
    above.chain([if *last { "├╴" } else { "└╴" }]).collect()
}

fn prefix_width(depth: u32) -> usize {
    let depth = depth as usize;
    if depth > LEVELS { 2 * LEVELS + depth.to_string().len() } else { 2 * depth }
}
