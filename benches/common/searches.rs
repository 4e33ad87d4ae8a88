//! The searches of `benches/search.rs`, each with its meaning in plain code.

use std::collections::BTreeMap;
use std::time::Duration;

use tracekeep::{Query, Span, StatusCode, Timestamp, Value};
use tracekeep_workload::{Config, Workload};

use crate::common::Outcome;
use crate::common::questions::Question;
use crate::common::truth::text_of;

/// How many traces are asked for.
pub const LIMIT: usize = 20;

/// What is asked for of the traces that a search finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Their ids and times.
    Ids,
    /// Full hits.
    Hits,
}

/// A search.
pub struct Search {
    /// What it looks for.
    pub name: &'static str,
    /// The query.
    pub query: Query,
    /// What it answers.
    pub asks: Asks,
    /// The number of its question.
    pub question: usize,
    /// First target and goal.
    pub targets: (Duration, Duration),
}

/// Searches and questions.
#[derive(Default)]
struct List {
    searches: Vec<Search>,
    questions: Vec<Question>,
}

impl List {
    fn add(&mut self, name: &'static str, query: Query, asks: &[Asks], question: Question) {
        for &asks in asks {
            let targets = match asks {
                Asks::Ids => (Duration::from_micros(40), Duration::from_micros(10)),
                Asks::Hits => (Duration::from_millis(2), Duration::from_micros(500)),
            };
            let (query, question) = (query.clone().limit(LIMIT), self.questions.len());
            self.searches.push(Search { name, query, asks, question, targets });
        }
        self.questions.push(question);
    }
}

/// All searches, and their questions.
pub fn all(config: &Config) -> Outcome<(Vec<Search>, Vec<Question>)> {
    let mut list = List::default();
    single_tags(&mut list, config)?;
    several_conditions(&mut list, config)?;
    whole_traces(&mut list)?;
    let micros = Duration::from_micros;
    for absent in list.searches.iter_mut().filter(|search| search.name == ABSENT) {
        absent.targets = (micros(10), micros(10));
    }
    Ok((list.searches, list.questions))
}

const ABSENT: &str = "absent value";

/// Searches for values that no span has, more than an index keeps the last answers of.
pub fn absent_values() -> Outcome<Vec<Query>> {
    let query = |n| Query::parse(&format!(r#"{{ span.user.id = "u{n:06}x" }}"#));
    Ok((0..100_000).step_by(1000).map(query).collect::<Result<_, _>>()?)
}

/// One condition, or a pattern, on one tag.
fn single_tags(list: &mut List, config: &Config) -> Outcome {
    let both = &[Asks::Ids, Asks::Hits];
    let user = most_frequent(config, "user.id", "u");
    let path = most_frequent(config, "url.path", "/api/v2/products/");
    let tag = |key: &str, text: &str| Query::parse(&format!(r#"{{ span.{key} = "{text}" }}"#));
    list.add(
        "common tag",
        tag("http.request.method", "GET")?,
        both,
        Question::spans(|_, s| has(s, "http.request.method", "GET")),
    );
    let timeout = "java.util.concurrent.TimeoutException";
    list.add(
        "rare error tag",
        tag("error.type", timeout)?,
        both,
        Question::spans(move |_, s| has(s, "error.type", timeout)),
    );
    list.add(
        "one user of 100,000",
        tag("user.id", &user)?,
        both,
        Question::spans(move |_, s| has(s, "user.id", &user)),
    );
    list.add(
        "URL path",
        tag("url.path", &path)?,
        both,
        Question::spans(move |_, s| has(s, "url.path", &path)),
    );
    list.add(ABSENT, tag("user.id", "nobody")?, both, Question::spans(|_, _| false));
    list.add(
        "URL path by pattern",
        Query::parse(r#"{ span.url.path =~ "/api/v2/users/u0[0-9]*7/orders" }"#)?,
        &[Asks::Hits],
        Question::spans(|_, s| {
            let path = text_of(&s.attributes, "url.path");
            let digits = path
                .and_then(|path| path.strip_prefix("/api/v2/users/u0")?.strip_suffix("7/orders"));
            digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        }),
    );
    Ok(())
}

/// Several conditions on one span.
fn several_conditions(list: &mut List, config: &Config) -> Outcome {
    let hits = &[Asks::Hits];
    let user = most_frequent(config, "user.id", "u");
    let (again, thrice) = (user.clone(), user.clone());
    list.add(
        "user and service",
        Query::parse(&format!(
            r#"{{ resource.service.name = "cart" && span.user.id = "{user}" }}"#
        ))?,
        hits,
        Question::spans(move |service, s| service == "cart" && has(s, "user.id", &again)),
    );
    list.add(
        "user and method",
        Query::parse(&format!(
            r#"{{ span.user.id = "{user}" && span.http.request.method = "GET" }}"#
        ))?,
        hits,
        Question::spans(move |_, s| {
            has(s, "user.id", &thrice) && has(s, "http.request.method", "GET")
        }),
    );
    list.add(
        "errors of a service",
        Query::parse(r#"{ resource.service.name = "payment" && status = error }"#)?,
        hits,
        Question::spans(|service, s| service == "payment" && is_error(s)),
    );
    list.add(
        "slow calls of a service",
        Query::parse(r#"{ resource.service.name = "cart" && duration > 15ms }"#)?,
        hits,
        Question::spans(|service, s| service == "cart" && s.duration() > Duration::from_millis(15)),
    );
    list.add(
        "name by pattern, status code",
        Query::parse(r#"{ name =~ "GET /api/.*" && span.http.response.status_code >= 500 }"#)?,
        hits,
        Question::spans(|_, s| s.name.starts_with("GET /api/") && status_code(s) >= 500),
    );
    list.add(
        "one of two operations",
        Query::parse(r#"{ name = "UPDATE stock" || name = "RuleEngine.evaluate" }"#)?,
        hits,
        Question::spans(|_, s| s.name == "UPDATE stock" || s.name == "RuleEngine.evaluate"),
    );
    let minute = minute_amid(config);
    let within = minute.clone();
    list.add(
        "service within one minute",
        Query::parse(r#"{ resource.service.name = "api-gateway" }"#)?.between(minute),
        hits,
        Question::spans(move |service, s| service == "api-gateway" && within.contains(&s.start)),
    );
    Ok(())
}

/// What no span can answer for its trace.
fn whole_traces(list: &mut List) -> Outcome {
    let hits = &[Asks::Hits];
    list.add(
        "roots slower than 1 s",
        Query::parse("{ nestedSetParent < 0 && duration > 1s }")?,
        hits,
        Question::roots(|_, s| s.duration() > Duration::from_secs(1)),
    );
    list.add(
        "errors below a service",
        Query::parse(r#"{ resource.service.name = "checkout" } >> { status = error }"#)?,
        hits,
        Question::below(|service, _| service == "checkout", |_, s| is_error(s)),
    );
    list.add(
        "more than 50 spans",
        Query::parse("{ } | count() > 50")?,
        hits,
        Question::more_than(50, |_, _| true),
    );
    list.add(
        "more than 50 spans of a service",
        Query::parse(r#"{ resource.service.name = "product-catalog" } | count() > 50"#)?,
        hits,
        Question::more_than(50, |service, _| service == "product-catalog"),
    );
    Ok(())
}

/// A minute in the middle of the work.
fn minute_amid(config: &Config) -> std::ops::Range<Timestamp> {
    let begin = config.start.saturating_add(config.length / 2);
    begin..begin.saturating_add(Duration::from_secs(60))
}

fn has(span: &Span, key: &str, text: &str) -> bool {
    text_of(&span.attributes, key).is_some_and(|found| found == text)
}

fn is_error(span: &Span) -> bool {
    span.status_code() == StatusCode::ERROR
}

fn status_code(span: &Span) -> i64 {
    let found = span.attributes.iter().find(|a| a.key == "http.response.status_code");
    found.map_or(0, |a| if let Value::Int(code) = a.value { code } else { 0 })
}

/// The value that most spans of the workload's beginning have under a key, of those that begin so.
fn most_frequent(config: &Config, key: &str, prefix: &str) -> String {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for batch in Workload::new(config).take(5) {
        let spans = batch.iter().flat_map(|g| &g.scope_spans).flat_map(|s| &s.spans);
        let values = spans.filter_map(|span| text_of(&span.attributes, key));
        for value in values.filter(|value| value.starts_with(prefix)) {
            *seen.entry(value.to_string()).or_default() += 1;
        }
    }
    let most = seen.into_iter().max_by_key(|(_, spans)| *spans);
    most.map(|(value, _)| value).unwrap_or_default()
}
