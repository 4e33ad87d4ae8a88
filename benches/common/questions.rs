//! Questions in plain code: which traces a search must find, learnt without the engine.
//!
//! Each span is put to every question's conditions as it comes, and what they say is all that is kept
//! of it; whole traces are judged at the end. As long as they fit in memory the decoded spans are kept
//! too, so that the same question can be asked of them by brute force.

use std::cmp::Reverse;
use std::collections::HashMap;

use tracekeep::{Span, SpanId, Str, Timestamp, TraceId};

/// Decoded spans kept at most: these take some 3 GB.
const MOST_HELD: usize = 2_500_000;

/// Whether a span of the service so named fulfils a condition.
type Holds = dyn Fn(&str, &Span) -> bool;

/// A question to a trace: conditions on its spans, and what is selected by them.
pub struct Question {
    conditions: Vec<Box<Holds>>,
    select: Select,
}

/// Which spans of a trace a question selects.
#[derive(Clone, Copy)]
enum Select {
    /// Those that fulfil the condition.
    Matching,
    /// Those of them whose parent is not in the trace.
    Roots,
    /// Those that fulfil the condition, if they are more than so many.
    MoreThan(usize),
    /// Those that fulfil the second condition below one that fulfils the first.
    Below,
}

impl Question {
    /// Asks for spans.
    pub fn spans(holds: impl Fn(&str, &Span) -> bool + 'static) -> Self {
        Self { conditions: vec![Box::new(holds)], select: Select::Matching }
    }

    /// Asks for spans without a parent in their trace.
    pub fn roots(holds: impl Fn(&str, &Span) -> bool + 'static) -> Self {
        Self { select: Select::Roots, ..Self::spans(holds) }
    }

    /// Asks for spans of which a trace has more than so many.
    pub fn more_than(count: usize, holds: impl Fn(&str, &Span) -> bool + 'static) -> Self {
        Self { select: Select::MoreThan(count), ..Self::spans(holds) }
    }

    /// Asks for spans that descend from others.
    pub fn below(
        above: impl Fn(&str, &Span) -> bool + 'static,
        holds: impl Fn(&str, &Span) -> bool + 'static,
    ) -> Self {
        Self { conditions: vec![Box::new(above), Box::new(holds)], select: Select::Below }
    }

    /// What the conditions say of a span, a bit each.
    fn held(&self, service: &str, span: &Span) -> u64 {
        let bits = self.conditions.iter().zip(0..);
        bits.fold(0, |held, (holds, bit)| held | u64::from(holds(service, span)) << bit)
    }

    /// How many spans of a trace it selects, by what the conditions say of each.
    fn selected(&self, trace: &[Member], held: impl Fn(&Member) -> u64) -> usize {
        let matching = |member: &&Member| held(member) & 1 == 1;
        match self.select {
            Select::Matching => trace.iter().filter(matching).count(),
            Select::MoreThan(least) => {
                let count = trace.iter().filter(matching).count();
                if count > least { count } else { 0 }
            }
            Select::Roots => {
                let has = |id: SpanId| trace.iter().any(|other| other.id == id);
                let is_root = |own: &&Member| own.parent.is_none_or(|parent| !has(parent));
                trace.iter().filter(matching).filter(is_root).count()
            }
            Select::Below => {
                let some = |bit: u32| trace.iter().any(|member| held(member) >> bit & 1 == 1);
                if some(0) && some(1) { below(trace, held) } else { 0 }
            }
        }
    }
}

/// How many spans of bit 1 descend from one of bit 0. Ids of the workload are unique in a trace.
fn below(trace: &[Member], held: impl Fn(&Member) -> u64) -> usize {
    let by_id: HashMap<SpanId, &Member> = trace.iter().map(|member| (member.id, member)).collect();
    let descends = |member: &&Member| {
        let parent = |own: &&Member| by_id.get(&own.parent?).copied();
        let ancestors = std::iter::successors(parent(member), parent);
        ancestors.take(trace.len()).any(|ancestor| held(ancestor) & 1 == 1)
    };
    trace.iter().filter(|member| held(member) >> 1 & 1 == 1).filter(descends).count()
}

/// What is kept of a span.
struct Member {
    /// The number of its trace.
    trace: u32,
    id: SpanId,
    parent: Option<SpanId>,
    /// What the conditions of all questions say of it, a bit each.
    held: u64,
}

/// A trace that a question finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// When its first span starts.
    pub start: Timestamp,
    /// The trace.
    pub id: TraceId,
    /// Its spans that are selected.
    pub matched: usize,
    /// All its spans.
    pub spans: usize,
}

/// What a question finds.
#[derive(Debug)]
pub struct Answer {
    /// The newest traces, newest first.
    pub newest: Vec<Found>,
    /// All of them.
    pub traces: usize,
}

impl Answer {
    fn of(mut found: Vec<Found>, limit: usize) -> Self {
        let traces = found.len();
        found.sort_unstable_by_key(|own| (Reverse(own.start), own.id));
        found.truncate(limit);
        Self { newest: found, traces }
    }
}

/// Questions, and what is known of the spans that they are asked.
#[derive(Default)]
pub struct Questions {
    all: Vec<Question>,
    numbers: HashMap<TraceId, u32>,
    members: Vec<Member>,
    starts: Vec<Timestamp>,
    held: Vec<(Str, Span)>,
    spans: usize,
}

impl Questions {
    /// Questions with at most 64 conditions together.
    pub fn new(all: Vec<Question>) -> Self {
        Self { all, ..Self::default() }
    }

    /// Takes note of a span.
    pub fn learn(&mut self, service: &Str, span: &Span) {
        if self.all.is_empty() {
            return;
        }
        let number = self.numbers.len() as u32;
        let trace = *self.numbers.entry(span.trace_id).or_insert(number);
        match self.starts.get_mut(trace as usize) {
            Some(start) => *start = span.start.min(*start),
            None => self.starts.push(span.start),
        }
        let (mut held, mut bit) = (0, 0);
        for question in &self.all {
            held |= question.held(service, span) << bit;
            bit += question.conditions.len();
        }
        self.members.push(Member { trace, id: span.span_id, parent: span.parent_span_id, held });
        self.spans += 1;
        if self.spans <= MOST_HELD {
            self.held.push((service.clone(), span.clone()));
        } else {
            self.held = Vec::new();
        }
    }

    /// What each question finds, and up to `limit` of the newest.
    pub fn answers(&mut self, limit: usize) -> Vec<Answer> {
        self.members.sort_unstable_by_key(|member| member.trace);
        self.held.sort_unstable_by_key(|(_, span)| span.trace_id);
        let mut ids: Vec<(u32, TraceId)> = self.numbers.iter().map(|(id, n)| (*n, *id)).collect();
        ids.sort_unstable();
        let mut bit = 0;
        let mut answers = Vec::new();
        for question in &self.all {
            let held = |member: &Member| member.held >> bit;
            let traces = self.members.chunk_by(|a, b| a.trace == b.trace);
            let found =
                traces.zip(&ids).zip(&self.starts).filter_map(|((trace, (_, id)), start)| {
                    let matched = question.selected(trace, held);
                    let found = Found { start: *start, id: *id, matched, spans: trace.len() };
                    (matched > 0).then_some(found)
                });
            answers.push(Answer::of(found.collect(), limit));
            bit += question.conditions.len();
        }
        answers
    }

    /// Whether all spans fit in memory, so that they can be asked.
    pub fn are_held(&self) -> bool {
        self.held.len() == self.spans
    }

    /// The same answer by a look at every decoded span. They lie trace by trace, in the order of
    /// ids, so that all must be looked at; the figures of the traces found are all that is made of them.
    pub fn by_brute_force(&self, question: usize, limit: usize) -> Option<Answer> {
        let question = self.all.get(question)?;
        let (mut found, mut members) = (Vec::new(), Vec::new());
        for trace in self.held.chunk_by(|(_, a), (_, b)| a.trace_id == b.trace_id) {
            members.clear();
            members.extend(trace.iter().map(|(service, span)| Member {
                trace: 0,
                id: span.span_id,
                parent: span.parent_span_id,
                held: question.held(service, span),
            }));
            let matched = question.selected(&members, |member| member.held);
            let start = trace.iter().map(|(_, span)| span.start).min();
            let id = trace.first().map(|(_, span)| span.trace_id);
            if let (true, Some(start), Some(id)) = (matched > 0, start, id) {
                found.push(Found { start, id, matched, spans: trace.len() });
            }
        }
        Some(Answer::of(found, limit))
    }
}
