//! Makes a picture of what `tracekeep trace --color always` draws.
//!
//! ```sh
//! COLUMNS=100 tracekeep trace --store traces --color always ID |
//!     cargo run -p tracekeep-cli --example waterfall_svg > docs/waterfall.svg
//! ```

use std::fmt::Write;
use std::io::{self, Read};

use unicode_width::UnicodeWidthStr;

/// Width of a character and height of a line, in the units of the picture.
const CELL: (f64, f64) = (8.4, 20.0);
const MARGIN: f64 = 18.0;
const BACKGROUND: &str = "#1e1e2e";
const FOREGROUND: &str = "#cdd6f4";

fn main() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    io::Write::write_all(&mut io::stdout(), picture(&text).as_bytes())
}

/// A stretch of text in one style.
struct Run<'a> {
    style: &'a str,
    text: &'a str,
}

fn picture(text: &str) -> String {
    let lines: Vec<Vec<Run<'_>>> = text.lines().map(runs).collect();
    let columns = |line: &Vec<Run<'_>>| line.iter().map(|run| run.text.width()).sum::<usize>();
    let widest = lines.iter().map(columns).max().unwrap_or(0);
    let width = widest as f64 * CELL.0 + 2.0 * MARGIN;
    let height = lines.len() as f64 * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" \
         font-size=\"14\" role=\"img\" aria-label=\"A trace as tracekeep draws it\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let baseline = MARGIN + (row as f64 + 0.75) * CELL.1;
        let mut column = 0;
        for run in line {
            put(&mut svg, run, column, baseline);
            column += run.text.width();
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The runs of a line, told apart by its colour sequences.
fn runs(line: &str) -> Vec<Run<'_>> {
    let mut parts = line.split("\u{1b}[");
    let plain = Run { style: "", text: parts.next().unwrap_or("") };
    let styled =
        parts.filter_map(|part| part.split_once('m')).map(|(style, text)| Run { style, text });
    std::iter::once(plain).chain(styled).filter(|run| !run.text.is_empty()).collect()
}

fn put(svg: &mut String, run: &Run<'_>, column: usize, baseline: f64) {
    let color = color(run.style);
    // A bar is drawn, since fonts leave gaps between its characters.
    let cells: Vec<char> = run.text.chars().collect();
    if let Some(first) = cells
        .iter()
        .position(|c| "╺━╸".contains(*c))
        .filter(|_| run.text.trim().chars().all(|c| "╺━╸".contains(c)))
    {
        let length = cells.iter().filter(|c| "╺━╸".contains(**c)).count();
        let half = |at: Option<&char>, cut: char| if at == Some(&cut) { CELL.0 / 2.0 } else { 0.0 };
        let left = half(cells.get(first), '╺');
        let right = half(cells.get(first + length - 1), '╸');
        let x = MARGIN + (column + first) as f64 * CELL.0 + left;
        let width = length as f64 * CELL.0 - left - right;
        // Writing to a string cannot fail.
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"10\" rx=\"2\" fill=\"{color}\"/>",
            baseline - 10.0
        );
        return;
    }
    let weight = if run.style == "1" { " font-weight=\"bold\"" } else { "" };
    let mut column = column;
    // Not every viewer keeps several blanks in a row.
    for (index, text) in run.text.split("  ").enumerate() {
        column += if index > 0 { 2 } else { 0 };
        let blanks = text.len() - text.trim_start().len();
        let shown = text.trim();
        let x = MARGIN + (column + blanks) as f64 * CELL.0;
        column += text.width();
        if shown.is_empty() {
            continue;
        }
        let length = shown.width() as f64 * CELL.0;
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{baseline:.1}\" fill=\"{color}\" textLength=\"{length:.1}\" \
             lengthAdjust=\"spacingAndGlyphs\"{weight}>{shown}</text>"
        );
    }
}

fn color(style: &str) -> &'static str {
    match style {
        "31" => "#f38ba8",
        "32" => "#a6e3a1",
        "33" => "#f9e2af",
        "34" => "#89b4fa",
        "35" => "#cba6f7",
        "36" => "#94e2d5",
        "92" => "#b5e8b0",
        "93" => "#fab387",
        "94" => "#74c7ec",
        "95" => "#f5c2e7",
        "96" => "#89dceb",
        "2" => "#7f849c",
        _ => FOREGROUND,
    }
}
