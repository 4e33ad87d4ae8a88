//! The newest 20 traces that fulfil a condition: ids by a single tag, and hits of any shape.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::stores::{Busy, merged};
use common::table::{Figure, Table};
use common::times::Times;
use common::truth::{Question, Truth, text_of};
use common::{Outcome, check, config, store_dir, yardstick};
use tracekeep::{Query, Span, StatusCode, Store, TraceId, TraceReader, Value};
use tracekeep_workload::{Config, Workload};

/// A search: its name, its text, whether ids alone are asked for.
struct Search {
    name: &'static str,
    text: String,
    ids_only: bool,
}

fn main() -> Outcome {
    yardstick::be_child_if_asked()?;
    let config = config()?;
    let (searches, questions) = searches(&config).into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    let mut truth = Truth::new(u64::MAX, questions);
    let dir = store_dir()?;
    let store = merged(dir.path(), &config, &mut truth)?;
    let table = Table::new("search, top 20", truth.spans);
    let wanted: Vec<_> = (0..searches.len()).map(|i| truth.newest(i, 20)).collect();

    let merged = measure(&table, "merged", &store, &searches, &wanted)?;
    store.close()?;
    let dir = store_dir()?;
    let busy = Busy::new(dir.path(), &config)?;
    let busied = measure(&table, "busy", &busy.store, &searches, &wanted)?;
    for ((search, busy), merged) in searches.iter().zip(busied).zip(merged) {
        let what = format!("{}, busy / merged", search.name);
        table.ratio(&what, Figure::Time(busy), Figure::Time(merged), (3.0, 3.0));
    }
    table.note("spans written meanwhile", busy.finish()?);
    Ok(())
}

fn measure(
    table: &Table,
    state: &str,
    store: &Store,
    searches: &[Search],
    wanted: &[Vec<TraceId>],
) -> Outcome<Vec<Duration>> {
    let mut medians = Vec::new();
    for (search, wanted) in searches.iter().zip(wanted) {
        let query = Query::parse(&search.text)?.limit(20);
        let name = format!("{} ({} hits), {state}", search.name, wanted.len());
        // The writer's hits are older than all others: they can only come behind.
        let same = |found: &[TraceId]| {
            found.starts_with(wanted) && (state == "busy" || found.len() == wanted.len())
        };
        let found: Vec<TraceId> = store.search_ids(&query)?.iter().map(|t| t.trace_id).collect();
        check(&name, same(&found))?;
        let (times, first, goal) = if search.ids_only {
            let times = Times::of(&[&query], 200, |q| store.search_ids(q))?;
            (times, Duration::from_micros(200), Duration::from_micros(10))
        } else {
            let page = store.search(&query)?;
            let found: Vec<TraceId> = page.traces.iter().map(|t| t.trace_id).collect();
            check(&name, same(&found))?;
            let times = Times::of(&[&query], 50, |q| store.search(q))?;
            (times, Duration::from_millis(5), Duration::from_micros(500))
        };
        let p50 = times.at(0.5);
        table.figure(&name, Figure::Time(p50), Figure::Time(first), Figure::Time(goal));
        medians.push(p50);
    }
    Ok(medians)
}

/// The searches, each with its meaning in plain code.
fn searches(config: &Config) -> Vec<(Search, Question)> {
    let user = some_user(config);
    let user_again = user.clone();
    let ids = |name, text: &str, question| {
        (Search { name, text: text.to_owned(), ids_only: true }, question)
    };
    let hits = |name, text: &str, question| {
        (Search { name, text: text.to_owned(), ids_only: false }, question)
    };
    vec![
        ids(
            "ids, common tag",
            r#"{ span.http.request.method = "GET" }"#,
            Question::new(|_, s| has(s, "http.request.method", "GET")),
        ),
        ids(
            "ids, rare error tag",
            r#"{ span.error.type = "java.util.concurrent.TimeoutException" }"#,
            Question::new(|_, s| has(s, "error.type", "java.util.concurrent.TimeoutException")),
        ),
        ids(
            "ids, one user of 100,000",
            &format!(r#"{{ span.user.id = "{user}" }}"#),
            Question::new(move |_, s| has(s, "user.id", &user)),
        ),
        ids("ids, absent value", r#"{ span.user.id = "nobody" }"#, Question::new(|_, _| false)),
        hits(
            "hits, common tag",
            r#"{ span.http.request.method = "POST" }"#,
            Question::new(|_, s| has(s, "http.request.method", "POST")),
        ),
        hits(
            "hits, errors of a service",
            r#"{ resource.service.name = "payment" && status = error }"#,
            Question::new(|service, s| {
                service == "payment" && s.status_code() == StatusCode::ERROR
            }),
        ),
        hits(
            "hits, slow calls of a service",
            r#"{ resource.service.name = "cart" && duration > 15ms }"#,
            Question::new(|service, s| {
                service == "cart" && s.duration() > Duration::from_millis(15)
            }),
        ),
        hits(
            "hits, user and method on one span",
            &format!(r#"{{ span.user.id = "{user_again}" && span.http.request.method = "GET" }}"#),
            Question::new(move |_, s| {
                has(s, "user.id", &user_again) && has(s, "http.request.method", "GET")
            }),
        ),
        hits(
            "hits, name by pattern and status code",
            r#"{ name =~ "GET /api/.*" && span.http.response.status_code >= 500 }"#,
            Question::new(|_, s| s.name.starts_with("GET /api/") && status_code(s) >= 500),
        ),
        hits(
            "hits, one of two operations",
            r#"{ name = "UPDATE stock" || name = "RuleEngine.evaluate" }"#,
            Question::new(|_, s| s.name == "UPDATE stock" || s.name == "RuleEngine.evaluate"),
        ),
    ]
}

fn has(span: &Span, key: &str, text: &str) -> bool {
    text_of(&span.attributes, key).is_some_and(|found| found == text)
}

fn status_code(span: &Span) -> i64 {
    let found = span.attributes.iter().find(|a| a.key == "http.response.status_code");
    found.map_or(0, |a| if let Value::Int(code) = a.value { code } else { 0 })
}

/// The user whom most `GET` spans of the workload's beginning name.
fn some_user(config: &Config) -> String {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for batch in Workload::new(config).take(5) {
        let spans = batch.iter().flat_map(|g| &g.scope_spans).flat_map(|s| &s.spans);
        for span in spans.filter(|s| has(s, "http.request.method", "GET")) {
            let user = text_of(&span.attributes, "user.id");
            *seen.entry(user.map(ToString::to_string).unwrap_or_default()).or_default() += 1;
        }
    }
    seen.remove("");
    let most = seen.into_iter().max_by_key(|(_, spans)| *spans);
    most.map(|(user, _)| user).unwrap_or_default()
}
