//! What is taken of the spans of one series in one step.

use std::time::Duration;

use crate::base::model::{KeyValue, Value};
use crate::base::number::Number;
use crate::query::lang::metrics::Function;
use crate::query::lang::tree::Aggregate;

/// Counts, or numbers. Numbers are kept as they are, so that quantiles are exact and the order in
/// which spans are read does not matter.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    spans: u64,
    numbers: Vec<Number>,
}

/// Which of the series that a function makes of the spans of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The only one.
    Whole,
    /// The quantile of this share, as the bits of the double: shares are not negative.
    Share(u64),
    /// The bucket of a histogram that ends below this power of two; none holds what is below 1.
    Below(Option<i32>),
}

impl Part {
    /// What tells it from the others.
    pub fn label(self) -> Option<KeyValue> {
        let (key, value) = match self {
            Self::Whole => return None,
            Self::Share(bits) => ("p", f64::from_bits(bits)),
            Self::Below(power) => ("le", 2f64.powi(power.unwrap_or(0))),
        };
        Some(KeyValue { key: key.into(), value: Value::Double(value) })
    }
}

impl Taken {
    /// Takes the numbers of a span; how many bytes that added.
    pub fn add(&mut self, numbers: &[Number]) -> usize {
        self.spans += 1;
        self.numbers.extend_from_slice(numbers);
        size_of_val(numbers)
    }

    /// Counts spans, whose numbers are not asked for.
    pub fn add_spans(&mut self, spans: u64) {
        self.spans = self.spans.saturating_add(spans);
    }

    /// Counts one less.
    pub fn remove_span(&mut self) {
        self.spans = self.spans.saturating_sub(1);
    }

    /// Whether no span was counted.
    pub const fn is_empty(&self) -> bool {
        self.spans == 0
    }

    /// The values, by the parts of the function.
    pub fn values(&mut self, function: &Function, step: Duration) -> Vec<(Part, f64)> {
        self.numbers.sort_by(|a, b| a.compare(*b).unwrap_or(std::cmp::Ordering::Equal));
        let numbers = &self.numbers;
        let one = |aggregate: Aggregate| {
            let value = aggregate.taken(numbers).map(Number::to_f64);
            value.map(|value| (Part::Whole, value)).into_iter().collect()
        };
        match function {
            Function::Rate => vec![(Part::Whole, self.spans as f64 / step.as_secs_f64())],
            Function::Count => vec![(Part::Whole, self.spans as f64)],
            Function::Min(_) => one(Aggregate::Min),
            Function::Max(_) => one(Aggregate::Max),
            Function::Avg(_) => one(Aggregate::Avg),
            Function::Sum(_) => one(Aggregate::Sum),
            Function::Quantile(_, shares) => {
                let value = |share: &f64| {
                    let rank = (share * numbers.len() as f64).ceil() as usize;
                    let value = numbers.get(rank.saturating_sub(1))?.to_f64();
                    Some((Part::Share(share.to_bits()), value))
                };
                shares.iter().filter_map(value).collect()
            }
            // Counted by a census.
            Function::Compare(_) => Vec::new(),
            Function::Histogram(_) => {
                let bucket = |number: &Number| {
                    let value = number.to_f64();
                    Part::Below((value >= 1.0).then(|| value.log2().floor() as i32 + 1))
                };
                let runs = numbers.chunk_by(|a, b| bucket(a) == bucket(b));
                runs.filter_map(|run| Some((bucket(run.first()?), run.len() as f64))).collect()
            }
        }
    }
}
