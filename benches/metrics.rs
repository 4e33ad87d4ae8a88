//! Metrics, figures of operations and comparisons over all spans: from statistics, from columns, and
//! beside them the same from whole traces.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::time::Duration;

use common::stores::merged;
use common::table::{Figure, Table};
use common::times::Times;
use common::truth::Truth;
use common::{Outcome, check, config, store_dir};
use tracekeep::{MetricsQuery, Query, RedGroup, Series, TimeRange, TraceReader};

/// A step that no statistics tell, and so costs a look at every row.
const ODD: u64 = 61;

fn main() -> Outcome {
    let config = config()?;
    let mut truth = Truth::new(u64::MAX, Vec::new());
    let dir = store_dir()?;
    let store = merged(dir.path(), &config, &mut truth)?;
    let table = Table::new("metrics", truth.spans);

    let measure = |text: &str, step: u64, times: usize| -> Outcome<Duration> {
        let query = MetricsQuery::parse(text)?.step(Duration::from_secs(step));
        let (series, looked) = store.explain_metrics(&query)?;
        println!("{text}, step {step} s: {looked:?}");
        check(text, spans(&series) == truth.spans)?;
        Ok(Times::of(&[()], times, |()| store.metrics(&query))?.at(0.5))
    };
    let count = "count_over_time() by (resource.service.name, name, kind)";
    let statistics = measure(&format!("{{ }} | {count}"), 60, 20)?;
    let columns = measure(&format!("{{ }} | {count}"), ODD, 5)?;
    let by_status = measure("{ } | count_over_time() by (status)", 60, 5)?;
    let traces = measure(&format!("{{ }} | select(name) | {count}"), 60, 1)?;
    table.note("spans by operation and minute, from statistics, p50", Figure::Time(statistics));
    table.note("the same by 61 seconds, from columns, p50", Figure::Time(columns));
    table.note("spans by status and minute, from columns, p50", Figure::Time(by_status));
    table.note("spans by operation and minute, from whole traces", Figure::Time(traces));

    for (what, step, times) in [("statistics", 60, 20), ("columns", ODD, 5)] {
        let step = Duration::from_secs(step);
        let red = || store.red(TimeRange::ALL, step, RedGroup::Kind);
        check("spans of red", red()?.iter().map(|own| own.spans).sum::<u64>() == truth.spans)?;
        let p50 = Times::of(&[()], times, |()| red())?.at(0.5);
        table.note(&format!("red by operation, from {what}, p50"), Figure::Time(p50));
    }

    let (errors, all) = (Query::parse("{ status = error }")?, Query::spans());
    let found = store.compare(&errors, &all)?;
    check("spans compared", found.spans_b == truth.spans && found.spans_a > 0)?;
    let p50 = Times::of(&[()], 3, |()| store.compare(&errors, &all))?.at(0.5);
    table.note("errors compared with all spans, p50", Figure::Time(p50));
    store.close()?;
    Ok(())
}

/// The sum of all samples.
fn spans(series: &[Series]) -> u64 {
    series.iter().flat_map(|own| &own.samples).map(|(_, value)| *value as u64).sum()
}
