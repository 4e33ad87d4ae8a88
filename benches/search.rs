//! The newest 20 traces that fulfil a condition: ids by a single tag, and hits of any shape.
//!
//! The yardstick is the same question asked by brute force of all decoded spans in memory; it is left
//! out where they are more than fit.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::time::{Duration, Instant};

use common::questions::{Answer, Found, Questions};
use common::searches::{Asks, LIMIT, Search, absent_values, all};
use common::stores::{Busy, merged};
use common::table::{Figure, Table};
use common::times::Times;
use common::truth::Truth;
use common::{Outcome, check, config, store_dir, yardstick};
use tracekeep::{Store, Timestamp, TraceId, TraceReader};
use tracekeep_workload::Config;

/// What a search must find, and how long brute force takes.
struct Wanted {
    answer: Answer,
    yardstick: Option<Duration>,
}

fn main() -> Outcome {
    yardstick::be_child_if_asked()?;
    let config = config()?;
    let (searches, questions) = all(&config)?;
    let mut truth = Truth::new(u64::MAX, questions);
    let dir = store_dir()?;
    let store = merged(dir.path(), &config, &mut truth)?;
    let table = Table::new("search, top 20", truth.spans);
    let wanted = wanted(&mut truth.questions)?;
    truth.questions = Questions::default();
    table.note("segments", store.stats()?.segments);

    let merged = measure(&table, &config, "merged", &store, &searches, &wanted)?;
    store.close()?;
    drop(dir);
    let dir = store_dir()?;
    let busy = Busy::new(dir.path(), &config)?;
    let busied = measure(&table, &config, "busy", &busy.store, &searches, &wanted)?;
    for ((search, busy), merged) in searches.iter().zip(busied).zip(merged) {
        let what = format!("{}, busy / merged", name(search));
        table.ratio(&what, Figure::Time(busy), Figure::Time(merged), (3.0, 3.0));
    }
    table.note("spans written meanwhile", busy.finish()?);
    Ok(())
}

/// What all questions find, and the time that brute force takes to find the same.
fn wanted(questions: &mut Questions) -> Outcome<Vec<Wanted>> {
    let mut all = Vec::new();
    for (number, answer) in questions.answers(LIMIT).into_iter().enumerate() {
        let mut yardstick = None;
        if questions.are_held() {
            let begin = Instant::now();
            let again = questions.by_brute_force(number, LIMIT);
            yardstick = Some(begin.elapsed());
            let is_same = again.is_some_and(|again| {
                again.newest == answer.newest && again.traces == answer.traces
            });
            check("what brute force finds", is_same)?;
        }
        all.push(Wanted { answer, yardstick });
    }
    Ok(all)
}

fn measure(
    table: &Table,
    config: &Config,
    state: &str,
    store: &Store,
    searches: &[Search],
    wanted: &[Wanted],
) -> Outcome<Vec<Duration>> {
    let mut medians = Vec::new();
    for search in searches {
        let Some(Wanted { answer, yardstick }) = wanted.get(search.question) else { continue };
        let (wanted, query) = (&answer.newest, &search.query);
        // A hit's figures are those of its whole trace: that is most of what it takes.
        let spans = wanted.iter().map(|found| found.spans).sum::<usize>();
        let what = format!(
            "{} ({} of {}{}{}), {state}",
            name(search),
            wanted.len(),
            answer.traces,
            if search.asks == Asks::Hits { format!(", {spans} spans") } else { String::new() },
            if are_recent(wanted, config) { ", recent" } else { "" },
        );
        // The writer's hits are older than all others: they can only come behind.
        let is_full = |found: usize| state == "busy" || found == wanted.len();
        let times = match search.asks {
            Asks::Ids => {
                let found = store.search_ids(query)?;
                let ids: Vec<TraceId> = found.iter().map(|times| times.trace_id).collect();
                let is_same =
                    wanted.iter().map(|w| w.id).eq(ids.iter().copied().take(wanted.len()));
                check(&what, is_same && is_full(ids.len()))?;
                Times::of(&[query], 200, |q| store.search_ids(q))?
            }
            Asks::Hits => {
                let hits = store.search(query)?.traces;
                let found = hits.iter().map(|hit| Found {
                    start: hit.start,
                    id: hit.trace_id,
                    matched: hit.matched as usize,
                    spans: hit.span_count as usize,
                });
                let is_same = found.take(wanted.len()).eq(wanted.iter().copied());
                check(&what, is_same && is_full(hits.len()))?;
                Times::of(&[query], 50, |q| store.search(q))?
            }
        };
        // Busy may take three times as long.
        let scale = if state == "busy" { 3 } else { 1 };
        let (p50, (first, goal)) = (Figure::Time(times.at(0.5)), search.targets);
        let targets = (Figure::Time(first * scale), Figure::Time(goal * scale));
        match yardstick {
            Some(yardstick) => table.beside(&what, p50, Figure::Time(*yardstick), targets),
            None => table.figure(&what, p50, targets.0, targets.1),
        }
        medians.push(times.at(0.5));
    }
    // The searches above are asked again and again; these are new each time.
    let absent = absent_values()?;
    let times = Times::of(&absent, 20, |query| store.search_ids(query))?;
    table.note(&format!("ids, absent values in turn, {state}"), Figure::Time(times.at(0.5)));
    Ok(medians)
}

fn name(search: &Search) -> String {
    let asks = if search.asks == Asks::Ids { "ids" } else { "hits" };
    format!("{asks}, {}", search.name)
}

/// Whether as many as were asked for lie in the newest tenth of the work.
fn are_recent(found: &[Found], config: &Config) -> bool {
    let tenth: Timestamp = config.start.saturating_add(config.length * 9 / 10);
    found.len() == LIMIT && found.iter().all(|found| found.start >= tenth)
}
