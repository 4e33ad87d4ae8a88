//! Stdout: JSON, tables on a terminal, tab-separated lines elsewhere.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::time::Duration;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde_json::Value;
use tracekeep::Timestamp;

use crate::args::{Arguments, ColorChoice};
use crate::text;
use crate::times::show_duration;

/// The width of a terminal that does not tell its own.
const WIDTH: usize = 80;

/// The narrowest that text is broken into lines; a terminal that is too narrow for that had better
/// break the rows.
const NARROWEST: u16 = 16;

/// Stdout and how to write to it.
pub struct Output {
    /// Whether JSON was asked for.
    pub json: bool,
    /// Whether to colour.
    pub color: bool,
    /// Whether people read: stdout is a terminal.
    pub terminal: bool,
    out: BufWriter<StdoutLock<'static>>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    align: CellAlignment,
    /// Whether a value may go on in the next line where the table is too wide.
    wraps: bool,
}

impl Column {
    /// A column of text, which may be broken into lines.
    pub const fn text(title: &'static str) -> Self {
        Self { title, align: CellAlignment::Left, wraps: true }
    }

    /// A column of ids and times: somebody will want to copy one.
    pub const fn whole(title: &'static str) -> Self {
        Self { title, align: CellAlignment::Left, wraps: false }
    }

    /// A column of numbers.
    pub const fn number(title: &'static str) -> Self {
        Self { title, align: CellAlignment::Right, wraps: false }
    }
}

impl Output {
    /// Stdout, as these arguments want it.
    pub fn new(arguments: &Arguments) -> Self {
        let terminal = io::stdout().is_terminal();
        let color = match arguments.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // https://no-color.org: present and not empty.
            ColorChoice::Auto => {
                terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        let out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
        Self { json: arguments.json, color: color && !arguments.json, terminal, out }
    }

    /// Columns there are to draw in: the terminal's, or those that `COLUMNS` says.
    pub fn width(&self) -> usize {
        let terminal = terminal_size::terminal_size_of(io::stdout()).map(|(w, _)| usize::from(w.0));
        let told = || std::env::var("COLUMNS").ok()?.parse().ok();
        terminal.or_else(told).filter(|width| *width > 0).unwrap_or(WIDTH)
    }

    /// A line.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }

    /// Text as it is.
    pub fn raw(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.write_all(text)
    }

    /// A JSON value on a line.
    pub fn value(&mut self, value: &Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?;
        self.out.write_all(b"\n")
    }

    /// Rows: a table with titles on a terminal, elsewhere one tab-separated line each.
    pub fn table(
        &mut self,
        columns: &[Column],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> io::Result<()> {
        if self.terminal {
            return self.drawn(columns, rows);
        }
        for row in rows {
            let fields: Vec<_> = row.iter().map(|value| text::field(value)).collect();
            self.line(&fields.join("\t"))?;
        }
        Ok(())
    }

    fn drawn(
        &mut self,
        columns: &[Column],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.width()).unwrap_or(u16::MAX));
        table.set_header(columns.iter().map(|column| column.title.to_uppercase()));
        for row in rows {
            table.add_row(row.iter().map(|value| text::cell(value).into_owned()));
        }
        for (drawn, column) in table.column_iter_mut().zip(columns) {
            drawn.set_cell_alignment(column.align);
            drawn.set_constraint(match column.wraps {
                true => ColumnConstraint::LowerBoundary(Width::Fixed(NARROWEST)),
                false => ColumnConstraint::ContentWidth,
            });
        }
        let titled = table.lines().enumerate().collect::<Vec<_>>();
        for (index, line) in titled {
            let line = line.trim_end().strip_prefix(' ').unwrap_or(line.trim_end()).to_owned();
            let styled = if index == 0 { self.styled("1", &line) } else { line };
            self.line(&styled)?;
        }
        Ok(())
    }

    /// A heading between parts of an output.
    pub fn heading(&mut self, title: &str) -> io::Result<()> {
        let styled = self.styled("1", title);
        self.line(&styled)
    }

    /// Text in a style of the terminal's (an SGR parameter), if there is colour.
    pub fn styled(&self, style: &str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A count: with its thousands apart for people, elsewhere as it is.
    pub fn count(&self, number: u64) -> String {
        if self.terminal { grouped(number) } else { number.to_string() }
    }

    /// A number of bytes: in the unit that suits it for people, elsewhere as it is.
    pub fn size(&self, number: u64) -> String {
        if self.terminal { bytes(number) } else { number.to_string() }
    }

    /// A duration: short for people, elsewhere in nanoseconds.
    pub fn duration(&self, duration: Duration) -> String {
        if self.terminal { show_duration(duration) } else { duration.as_nanos().to_string() }
    }

    /// A time: to the second for people, elsewhere to the nanosecond.
    pub fn time(&self, time: Timestamp) -> String {
        let whole = Timestamp::from_nanos(time.nanos() / 1_000_000_000 * 1_000_000_000);
        if self.terminal { whole.to_string() } else { time.to_string() }
    }

    /// Hands everything to whoever reads; errors of writing show here at the latest.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A count with its thousands apart, for people.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes in the unit that suits it, for people.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0);
    format!("{value:.digits$} {}", UNITS.get(unit).unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_easily() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_092_875), "1,092,875");
        assert_eq!(grouped(100), "100");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1 << 20), "1.0 MiB");
    }
}
