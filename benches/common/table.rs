//! The table that a bench prints: measured, yardstick, ratio, DESIGN's targets.

use std::time::Duration;

/// One bench's rows.
pub struct Table {
    rows: Vec<[String; 6]>,
}

impl Table {
    /// An empty table; prints what it will be about.
    pub fn new(title: &str, spans: u64) -> Self {
        println!("\n{title}: {spans} spans");
        let head = ["what", "measured", "yardstick", "ratio", "first", "goal"];
        Self { rows: vec![head.map(String::from)] }
    }

    /// A row whose figure is a ratio to a yardstick.
    pub fn ratio(&mut self, what: &str, measured: Figure, yardstick: Figure, targets: (f64, f64)) {
        let ratio = measured.number() / yardstick.number();
        let (first, goal) = targets;
        self.rows.push([
            what.into(),
            measured.to_string(),
            yardstick.to_string(),
            format!("{ratio:.3}{}", verdict(ratio, first, goal)),
            first.to_string(),
            goal.to_string(),
        ]);
    }

    /// A row whose figure has targets of its own kind.
    pub fn figure(&mut self, what: &str, measured: Figure, first: Figure, goal: Figure) {
        let verdict = verdict(measured.number(), first.number(), goal.number());
        let measured = format!("{measured}{verdict}");
        let row = [what.into(), measured, String::new(), String::new()];
        let [a, b, c, d] = row;
        self.rows.push([a, b, c, d, first.to_string(), goal.to_string()]);
    }

    /// A row without a target.
    pub fn note(&mut self, what: &str, measured: impl ToString) {
        let none = String::new;
        self.rows.push([what.into(), measured.to_string(), none(), none(), none(), none()]);
    }

    /// Prints the rows, aligned.
    pub fn print(self) {
        let mut widths = [0; 6];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &self.rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
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
