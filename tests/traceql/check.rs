//! What a store answers, compared with what the naive evaluator answers.

use std::cmp::Reverse;
use std::fmt::{self, Debug, Formatter, Write};
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::select;
use tracekeep::{Query, TimeRange, Timestamp, TraceHit, TraceReader, TraceSpan, Value};

use crate::generate::Level;
use crate::grammar;
use crate::pool::{HOUR, SECOND};
use crate::print;
use crate::semantics::Trace;
use crate::semantics::sets::Set;
use crate::semantics::values::Datum;
use crate::stores::Brief;

/// A query with all that it is asked with.
#[derive(Clone)]
pub struct Ask {
    pub query: grammar::Query,
    pub text: String,
    /// First nanosecond, and the first behind.
    pub range: (u64, u64),
    pub limit: usize,
    pub spans_per_set: usize,
    pub loose: bool,
}

impl Debug for Ask {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { text, range, limit, spans_per_set, loose, .. } = self;
        write!(f, "{text}\n  between {range:?}, limit {limit}, {spans_per_set} spans a set")?;
        if *loose { f.write_str(", loose") } else { Ok(()) }
    }
}

pub fn ask(level: Level) -> BoxedStrategy<Ask> {
    let bound = || {
        let near = (0..6u64).prop_map(|n| HOUR + n * 1_000_000);
        let far = (0..8u64).prop_map(|n| HOUR + n * 30 * SECOND);
        prop_oneof![3 => near, 3 => far, 1 => select(vec![0, 1, u64::MAX])]
    };
    let range = prop_oneof![
        3 => Just((0, u64::MAX)),
        1 => (bound(), bound()).prop_map(|(a, b)| (a.min(b), a.max(b))),
    ];
    let style = prop_oneof![1 => Just(0), 3 => any::<u64>()];
    let loose = prop::bool::weighted(0.15);
    (crate::generate::query(level), style, range, 1..6usize, 0..4usize, loose)
        .prop_map(move |(query, style, range, limit, spans_per_set, loose)| {
            let text = print::text(&query, style, level);
            Ask { query, text, range, limit, spans_per_set, loose }
        })
        .boxed()
}

/// What a search should say of a trace.
pub struct Answer<'a> {
    pub trace: &'a Trace,
    pub sets: Vec<Set>,
}

impl Ask {
    fn contains(&self, span: &TraceSpan) -> bool {
        let start = span.span.start.nanos();
        // The last nanosecond of all belongs to the open end.
        start >= self.range.0 && (start < self.range.1 || self.range.1 == u64::MAX)
    }

    /// The traces that match, newest first.
    pub fn answers<'a>(&self, traces: &'a [Trace]) -> Vec<Answer<'a>> {
        let mut answers: Vec<_> = traces
            .iter()
            .map(|trace| {
                let all = 0..trace.spans.len();
                let inside: Vec<_> = all.filter(|&s| self.contains(&trace.spans[s])).collect();
                Answer { trace, sets: trace.sets(&self.query, &inside) }
            })
            .filter(|answer| !answer.sets.is_empty())
            .collect();
        answers.sort_by_key(|answer| (Reverse(answer.trace.start()), answer.trace.id));
        answers
    }

    fn engine(&self) -> Query {
        let (first, end) = self.range;
        let range = match end {
            u64::MAX => TimeRange::from(Timestamp::from_nanos(first)..),
            end => TimeRange::from(Timestamp::from_nanos(first)..Timestamp::from_nanos(end)),
        };
        let query =
            Query::parse(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.text));
        query.between(range).limit(self.limit).spans_per_set(self.spans_per_set).loose(self.loose)
    }

    /// Asks for all pages, of hits, of ids and of spans.
    pub fn check(&self, store: &impl TraceReader, traces: &[Trace], place: &str) {
        let answers = self.answers(traces);
        let mut left = &answers[..];
        let query = self.engine();
        let mut page_query = query.clone();
        loop {
            let page = store.search(&page_query).unwrap();
            let expected;
            (expected, left) = left.split_at(left.len().min(self.limit));
            let wanted: Vec<_> = expected.iter().map(|answer| self.wanted(answer)).collect();
            let found: Vec<_> = page.traces.iter().map(found).collect();
            self.same(&found, &wanted, &format!("hits {place}"));

            let times = store.search_ids(&page_query).unwrap();
            let times = times.iter().map(|t| (t.trace_id, t.start.nanos(), t.end.nanos()));
            let wanted = expected.iter().map(|a| (a.trace.id, a.trace.start(), a.trace.end()));
            let text = |times: (_, u64, u64)| format!("{:?} {} {}", times.0, times.1, times.2);
            let wanted: Vec<_> = wanted.map(text).collect();
            self.same(&times.map(text).collect::<Vec<_>>(), &wanted, &format!("ids {place}"));

            let spans = store.search_spans(&page_query).unwrap();
            let wanted: Vec<_> = expected.iter().flat_map(Answer::matched).map(show).collect();
            let found: Vec<_> = spans.iter().map(show).collect();
            self.same(&found, &wanted, &format!("spans {place}"));

            let is_full = expected.len() == self.limit;
            assert_eq!(page.next.is_some(), is_full, "{self:?}: cursor {place}");
            let Some(next) = page.next else { break };
            page_query = query.clone().after(next);
        }
        assert!(left.is_empty(), "{self:?}: {} traces are on no page, {place}", left.len());
    }

    fn same(&self, found: &[String], wanted: &[String], what: &str) {
        if found == wanted {
            return;
        }
        let mut text = format!("{what} of\n{self:?}\n");
        let (mut only_found, mut only_wanted) = (found.to_vec(), wanted.to_vec());
        only_found.retain(|line| !wanted.contains(line));
        only_wanted.retain(|line| !found.contains(line));
        for (title, lines) in [("the store alone", only_found), ("the oracle alone", only_wanted)] {
            writeln!(text, "{title} has:\n{}", lines.join("\n")).unwrap();
        }
        panic!("{text}store {}, oracle {}", found.len(), wanted.len());
    }

    /// A hit in one line and its spans.
    fn wanted(&self, answer: &Answer<'_>) -> String {
        let trace = answer.trace;
        let root = trace.root();
        let shown = |set: &Set| set.spans[..set.spans.len().min(self.spans_per_set)].to_vec();
        let mut start = 0;
        let sets = answer.sets.iter().map(|set| {
            let range = start..start + shown(set).len();
            start = range.end;
            let told = set.told.iter().map(|own| own.as_ref().map_or(Value::Empty, Datum::told));
            set_text(set.spans.len() as u64, &range, told)
        });
        let sets: String = sets.collect();
        let shown = answer.sets.iter().flat_map(shown);
        hit_text(
            &[&trace.id, &trace.start(), &trace.end(), &trace.nanos()],
            (root.service().map(ToString::to_string), Some(root.span.name.to_string())),
            [trace.spans.len() as u64, trace.errors(), answer.matched().count() as u64],
            &trace.services(),
            &sets,
            shown.map(|span| &trace.spans[span]),
        )
    }
}

impl<'a> Answer<'a> {
    /// The spans of all sets, each once.
    pub fn matched(&self) -> impl Iterator<Item = &'a TraceSpan> {
        let mut spans: Vec<usize> = self.sets.iter().flat_map(|set| set.spans.clone()).collect();
        spans.sort_unstable();
        spans.dedup();
        let trace = self.trace;
        spans.into_iter().map(move |span| &trace.spans[span])
    }
}

fn found(hit: &TraceHit) -> String {
    let text = |text: &Option<tracekeep::Str>| text.as_ref().map(ToString::to_string);
    let services = hit.services.iter();
    let sets = hit.sets.iter().map(|set| {
        set_text(set.matched, &set.shown, set.attributes.iter().map(|own| own.value.clone()))
    });
    let services: Vec<_> = services.map(|s| (s.service.to_string(), s.spans, s.errors)).collect();
    hit_text(
        &[&hit.trace_id, &hit.start.nanos(), &hit.end.nanos(), &hit.duration.as_nanos()],
        (text(&hit.root_service), text(&hit.root_name)),
        [hit.span_count, hit.error_count, hit.matched],
        &services,
        &sets.collect::<String>(),
        hit.spans.iter(),
    )
}

fn hit_text<'a>(
    facts: &[&dyn Debug],
    root: (Option<String>, Option<String>),
    [spans, errors, matched]: [u64; 3],
    services: &[(String, u64, u64)],
    sets: &str,
    shown: impl Iterator<Item = &'a TraceSpan>,
) -> String {
    let shown: String = shown.map(|span| format!("\n    {}", show(span))).collect();
    format!(
        "{facts:?} root {root:?} spans {spans} errors {errors} services {services:?} \
         matched {matched}{sets}{shown}"
    )
}

fn set_text(matched: u64, shown: &Range<usize>, told: impl Iterator<Item = Value>) -> String {
    format!("\n    set of {matched}, shown {shown:?}: {:?}", told.collect::<Vec<_>>())
}

/// All of a span: that those shown are equal is part of the claim.
fn show(span: &TraceSpan) -> String {
    let TraceSpan { resource, scope, span } = span;
    let service = resource.service();
    let rest = crc(&format!("{resource:?} {scope:?} {span:?}"));
    format!("{} of {service:?} ({rest:08x})", Brief(span))
}

/// So that a difference that [`Brief`] leaves out is one.
fn crc(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
