//! What a month of arrivals makes of a store's segments: the engine's own policy of merging, on
//! sizes instead of files.

mod arrivals;
mod month;
mod size;

use std::time::Duration;

use clap::Parser;
use tracekeep::simulation::Policy;

use crate::arrivals::Arrivals;
use crate::month::{Month, Outcome};

/// Simulate the merging of a store's segments over months
#[derive(Debug, Parser)]
#[command(name = "tracekeep-sim", version)]
struct Arguments {
    /// Spans a second; each rate is a row of the table
    #[arg(long = "rate", value_name = "N", default_values_t = [10.0, 100.0, 1_000.0, 10_000.0])]
    rates: Vec<f64>,
    /// Days of arrivals
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Part of the spans that comes late
    #[arg(long, default_value_t = 0.01, value_name = "PART")]
    late: f64,
    /// Late ones are evenly up to this many hours late
    #[arg(long, default_value_t = 6, value_name = "HOURS")]
    late_hours: u32,
    /// Segments that become one
    #[arg(long, default_value_t = 8, value_name = "N")]
    fan_in: usize,
    /// Quiet minutes after which a partition is sealed
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    lateness: u32,
}

fn main() {
    let arguments = Arguments::parse();
    let columns = [
        "spans/s",
        "spans",
        "segments",
        "partitions",
        "most in one",
        "sealings",
        "written/flushed",
        "written/kept",
        "space, end",
        "space, worst",
    ];
    println!("{}", columns.join("\t"));
    for &rate in &arguments.rates {
        println!("{}", row(rate, &simulate(&arguments, rate)));
    }
}

fn simulate(arguments: &Arguments, rate: f64) -> Outcome {
    let minute = |minutes: u32| Duration::from_secs(60) * minutes;
    let arrivals = Arrivals {
        spans_a_minute: rate * 60.0,
        late: arguments.late,
        late_minutes: u64::from(arguments.late_hours) * 60,
    };
    let policy = Policy { fan_in: arguments.fan_in, lateness: minute(arguments.lateness) };
    Month::new(policy).run(&arrivals, u64::from(arguments.days) * 24 * 60)
}

fn row(rate: f64, outcome: &Outcome) -> String {
    let Outcome { spans, segments, partitions, most_segments, sealings, .. } = outcome;
    format!(
        "{rate}\t{spans:.0}\t{segments}\t{partitions}\t{most_segments}\t{sealings}\t{:.2}\t{:.2}\t{:.3}\t{:.3}",
        outcome.written / outcome.flushed,
        outcome.written / outcome.ideal,
        outcome.kept / outcome.ideal,
        outcome.worst_space,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A month with 1 % of spans up to 6 hours late: write amplification at most 4, space
    /// amplification at most 1.15, and each trace in one place but for a few late ones.
    #[test]
    fn a_month_at_a_steady_rate_stays_within_its_targets() {
        let arguments = Arguments::parse_from(["tracekeep-sim"]);
        for &rate in &arguments.rates {
            let outcome = simulate(&arguments, rate);
            let told = row(rate, &outcome);
            assert!(outcome.partitions == 720 && outcome.sealings >= 720, "{told}");
            assert!((outcome.spans / (rate * 30.0 * 86_400.0) - 1.0).abs() < 0.001, "{told}");
            assert!(outcome.written <= 4.0 * outcome.ideal, "{told}");
            assert!(outcome.written <= 4.0 * outcome.flushed, "{told}");
            assert!(outcome.worst_space <= 1.15, "{told}");
            assert!(outcome.segments <= 720 * 11 / 10 && outcome.most_segments <= 24, "{told}");
        }
    }

    #[test]
    fn what_comes_for_ever_does_not_pile_up() {
        let args = ["tracekeep-sim", "--late-hours", "96", "--late", "0.1", "--rate", "100"];
        let outcome = simulate(&Arguments::parse_from(args), 100.0);
        let told = row(100.0, &outcome);
        assert!(outcome.written <= 6.0 * outcome.ideal, "{told}");
        assert!(outcome.kept <= 1.15 * outcome.ideal, "{told}");
        assert!(outcome.most_segments <= 40, "{told}");
    }
}
