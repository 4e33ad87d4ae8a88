//! The table that a bench prints: measured, yardstick, ratio, DESIGN's targets.

use std::time::Duration;

/// One bench's table. Rows are printed as they come: a bench may take minutes.
pub struct Table;

/// The columns' widths.
const WIDTHS: [usize; 6] = [60, 20, 12, 16, 10, 8];

impl Table {
    /// Prints what the table is about, and its head.
    pub fn new(title: &str, spans: u64) -> Self {
        println!("\n{title}: {spans} spans");
        let head = ["what", "measured", "yardstick", "ratio", "first", "goal"];
        print(&head.map(String::from));
        Self
    }

    /// A row whose figure is a ratio to a yardstick.
    pub fn ratio(&self, what: &str, measured: Figure, yardstick: Figure, targets: (f64, f64)) {
        let ratio = measured.number() / yardstick.number();
        let (first, goal) = targets;
        print(&[
            what.into(),
            measured.to_string(),
            yardstick.to_string(),
            format!("{ratio:.3}{}", verdict(ratio, first, goal)),
            first.to_string(),
            goal.to_string(),
        ]);
    }

    /// A row whose figure has targets of its own kind.
    pub fn figure(&self, what: &str, measured: Figure, first: Figure, goal: Figure) {
        let verdict = verdict(measured.number(), first.number(), goal.number());
        let measured = format!("{measured}{verdict}");
        let none = String::new;
        print(&[what.into(), measured, none(), none(), first.to_string(), goal.to_string()]);
    }

    /// A row whose figure has targets of its own kind, beside a yardstick.
    pub fn beside(
        &self,
        what: &str,
        measured: Figure,
        yardstick: Figure,
        targets: (Figure, Figure),
    ) {
        let ratio = measured.number() / yardstick.number();
        let (first, goal) = targets;
        let verdict = verdict(measured.number(), first.number(), goal.number());
        print(&[
            what.into(),
            format!("{measured}{verdict}"),
            yardstick.to_string(),
            format!("{ratio:.6}"),
            first.to_string(),
            goal.to_string(),
        ]);
    }

    /// A row without a target.
    pub fn note(&self, what: &str, measured: impl ToString) {
        let none = String::new;
        print(&[what.into(), measured.to_string(), none(), none(), none(), none()]);
    }
}

fn print(row: &[String; 6]) {
    let cells = row.iter().zip(WIDTHS).map(|(cell, width)| format!("{cell:<width$}"));
    println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
}

/// Marks what misses the first target, or reaches the goal.
fn verdict(value: f64, first: f64, goal: f64) -> &'static str {
    if value <= goal {
        " (goal)"
    } else if value <= first {
        ""
    } else {
        " (MISSED)"
    }
}

/// A measured value with its unit.
#[derive(Clone, Copy)]
pub enum Figure {
    /// Bytes.
    Bytes(u64),
    /// A time.
    Time(Duration),
    /// A plain ratio.
    Times(f64),
}

impl Figure {
    fn number(self) -> f64 {
        match self {
            Self::Bytes(bytes) => bytes as f64,
            Self::Time(time) => time.as_secs_f64(),
            Self::Times(ratio) => ratio,
        }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Bytes(bytes) if bytes >= 10 << 20 => write!(f, "{} MiB", bytes >> 20),
            Self::Bytes(bytes) => write!(f, "{bytes} B"),
            Self::Time(time) if time.as_secs() > 0 => write!(f, "{:.2} s", time.as_secs_f64()),
            Self::Time(time) if time.as_millis() > 0 => {
                write!(f, "{:.2} ms", time.as_secs_f64() * 1e3)
            }
            Self::Time(time) => write!(f, "{:.1} us", time.as_secs_f64() * 1e6),
            Self::Times(ratio) => write!(f, "{ratio:.2}"),
        }
    }
}
