//! Search: traces in which a span fulfils the query, newest first.
//!
//! Candidates come newest fragment first. Each trace is looked up in all partitions at its first
//! candidate, since its true start, and with it its place, depends on all of its fragments. The
//! walk ends once the page is full of traces that start after every candidate left.

use std::cell::RefCell;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::model::{KeyValue, TraceSpan};
use crate::base::observer::StoreEvent;
use crate::base::time::{TimeRange, Timestamp};
use crate::query::best::{Best, Every, Overflow, Taker};
use crate::query::cursor::Place;
use crate::query::driver::{Checks, Driven, driven};
use crate::query::eval::judge::{Judged, Sketches};
use crate::query::eval::program::Program;
use crate::query::explain::plan;
use crate::query::gather::{Brief, Gathered};
use crate::query::hit::{Explain, Page, ServiceStats, SpanSet, TraceHit, TraceTimes};
use crate::query::newest::Newest;
use crate::query::predicate::TraceFacts;
use crate::query::seen::Seen;
use crate::query::source::{Candidate, Row};
use crate::query::typed::Query;
use crate::query::view::{Piece, View};
use crate::query::weigh::Weigh;

/// The traces that match, as hits.
pub fn search(view: &View, query: &Query) -> Result<Page> {
    page(view, query, &mut Explain::default())
}

/// The traces that match, how they are found, and what finding them took.
pub fn explained(view: &View, query: &Query) -> Result<(Page, Explain)> {
    let mut explain = Explain::default();
    let page = page(view, query, &mut explain)?;
    explain.plan = plan(view, query, &Program::new(query)?);
    Ok((page, explain))
}

fn page(view: &View, query: &Query, explain: &mut Explain) -> Result<Page> {
    let make = |times: TraceTimes, found: &Judged, pieces: &[Piece]| {
        hit(times, found, pieces, query.spans_per_set)
    };
    let best = Best::new(query.limit, query.bounds.half_bytes(), Overflow::EndsPage);
    let best = top(view, query, explain, best, None, &make)?;
    let next = best.last().map(Place::to_cursor);
    Ok(Page { traces: best.into_answers().collect(), next })
}

/// The traces that match, with their times only. Reads no span where the indexes are certain.
pub fn search_ids(view: &View, query: &Query) -> Result<Vec<TraceTimes>> {
    let make = |times: TraceTimes, _: &Judged, _: &[Piece]| Ok(times);
    let best = Best::new(query.limit, query.bounds.half_bytes(), Overflow::Fails);
    let best = top(view, query, &mut Explain::default(), best, Some(&|times| times), &make)?;
    Ok(best.into_answers().collect())
}

/// All matching spans of the traces that [`search`] finds, trace by trace.
pub fn search_spans(view: &View, query: &Query) -> Result<Vec<TraceSpan>> {
    let make = |_: TraceTimes, found: &Judged, pieces: &[Piece]| {
        found.trace.owned(pieces, &found.matched().iter().collect::<Vec<_>>())
    };
    let best = Best::new(query.limit, query.bounds.half_bytes(), Overflow::Fails);
    let best = top(view, query, &mut Explain::default(), best, None, &make)?;
    Ok(best.into_answers().flatten().collect())
}

/// Hands over every span that the query finds, however many, with its trace; those of a trace side
/// by side. The query's limit and cursor are not looked at.
pub fn visit_matching(
    view: &View,
    query: &Query,
    visit: &mut dyn FnMut(TraceId, &Row<'_>, TraceFacts<'_>) -> Result<()>,
) -> Result<()> {
    let visit = RefCell::new(visit);
    let make = |times: TraceTimes, found: &Judged, pieces: &[Piece]| {
        found.trace.visit(pieces, &found.matched(), &mut |_, row, facts| {
            visit.borrow_mut()(times.trace_id, row, facts)
        })
    };
    every(view, query, &make)
}

/// Hands over every trace that matches, however many, in no order. The query's limit and cursor are
/// not looked at.
pub fn visit_traces(
    view: &View,
    query: &Query,
    visit: &mut dyn FnMut(TraceId, &Gathered) -> Result<()>,
) -> Result<()> {
    let visit = RefCell::new(visit);
    let make = |times: TraceTimes, found: &Judged, _: &[Piece]| {
        visit.borrow_mut()(times.trace_id, &found.trace)
    };
    every(view, query, &make)
}

/// Makes something of every trace that matches, whatever the query's limit and cursor.
fn every(view: &View, query: &Query, make: &Make<'_, ()>) -> Result<()> {
    let mut query = query.clone().limit(usize::MAX);
    query.after = None;
    top(view, &query, &mut Explain::default(), Every, None, make).map(drop)
}

/// What is answered for a trace that was read.
type Make<'a, T> = dyn Fn(TraceTimes, &Judged, &[Piece]) -> Result<T> + 'a;

/// The first matching traces, as many as `best` takes. `sure` answers for a trace of which an index
/// is certain; `make` for one that was read.
fn top<T: Weigh, B: Taker<T>>(
    view: &View,
    query: &Query,
    explain: &mut Explain,
    mut best: B,
    sure: Option<&dyn Fn(TraceTimes) -> T>,
    make: &Make<'_, T>,
) -> Result<B> {
    let query = &*query.begin(view.clock())?;
    let program = Program::new(query)?;
    let sure = sure.filter(|_| program.is_simple());
    let least_spans = program.least_spans();
    let Driven { query, others } = &driven(&program, view, query);
    let (mut checks, mut sketches) = (Checks::new(others), Sketches::new(&program));
    let after = query.after.as_deref().map(Place::from_cursor).transpose()?;
    let mut seen = Seen::default();
    let mut newest = Newest::new(view, query);
    loop {
        if query.limit == 0 {
            break;
        }
        let floor = best.last().map_or(Timestamp::ZERO, |last| last.start);
        let Some(met) = newest.next(floor)? else { break };
        let candidate = &met.candidate;
        explain.candidates += 1;
        explain.certain += u64::from(candidate.certain);
        let id = candidate.fragment.trace_id;
        if seen.contains(id, candidate.fragment.first_start) {
            continue;
        }
        let pieces = met.pieces(view)?;
        if !seen.add(id, &pieces) && B::ONCE {
            return Err(Error::Limit { what: format!("{} traces in parts", seen.len()) });
        }
        let rows = pieces.iter().map(|piece| piece.fragment.rows.len() as u64);
        let spans = rows.sum::<u64>();
        if spans < least_spans {
            explain.traces_too_small += 1;
            continue;
        }
        let times = times(id, &pieces);
        let place = Place { start: times.start, id };
        let is_before = after.is_some_and(|after| place.order() <= after.order());
        if is_before || !best.admits(place) {
            continue;
        }
        let answer = match sure {
            Some(sure) if is_certain(candidate, query.range) => sure(times),
            _ => {
                let sketched = match checks.admit(&pieces)? {
                    true => sketches.sets(&met, &pieces)?,
                    false => Some(Vec::new()),
                };
                if sketched.as_ref().is_some_and(Vec::is_empty) {
                    explain.traces_ruled_out += 1;
                    continue;
                }
                explain.traces_read += 1;
                explain.spans_read += spans;
                let judged = match sketched {
                    Some(sets) => Judged::of_sketch(&program, &pieces, sets)?,
                    None => Judged::of(&program, &pieces)?,
                };
                if judged.sets.is_empty() {
                    continue;
                }
                make(times, &judged, &pieces)?
            }
        };
        explain.traces_matched += 1;
        let bytes = answer.weigh();
        best.insert(place, answer, bytes)?;
    }
    newest.explain(explain);
    view.tell(|| StoreEvent::Search {
        segments: explain.segments,
        pruned: explain.segments_out_of_range + explain.segments_unread,
    });
    Ok(best)
}

/// Whether some span surely fulfils the condition and starts inside the range.
fn is_certain(candidate: &Candidate, range: TimeRange) -> bool {
    let fragment = &candidate.fragment;
    candidate.certain && range.covers(fragment.first_start, fragment.last_start)
}

fn times(trace_id: TraceId, pieces: &[Piece]) -> TraceTimes {
    let fragments = || pieces.iter().map(|piece| &piece.fragment);
    TraceTimes {
        trace_id,
        start: fragments().map(|f| f.first_start).min().unwrap_or_default(),
        end: fragments().map(|f| f.last_end).max().unwrap_or_default(),
    }
}

fn hit(
    times: TraceTimes,
    found: &Judged,
    pieces: &[Piece],
    spans_per_set: usize,
) -> Result<TraceHit> {
    let trace = &found.trace;
    let (mut shown, mut sets) = (Vec::new(), Vec::new());
    for set in &found.sets {
        let first = shown.len();
        shown.extend(set.spans.iter().take(spans_per_set));
        let told = set.told.iter().cloned();
        sets.push(SpanSet {
            matched: set.spans.len(),
            shown: first..shown.len(),
            attributes: told.map(|(key, value)| KeyValue { key, value }).collect(),
        });
    }
    let root = trace.root();
    let count = |wanted: &dyn Fn(&&Brief) -> bool| trace.spans.iter().filter(wanted).count() as u64;
    let mut services: Vec<ServiceStats> = trace
        .services
        .iter()
        .map(|service| ServiceStats { service: service.clone(), spans: 0, errors: 0 })
        .collect();
    for span in &trace.spans {
        let stats = span.service.and_then(|service| services.get_mut(service as usize));
        if let Some(stats) = stats {
            stats.spans += 1;
            stats.errors += u64::from(span.is_error);
        }
    }
    services.sort_unstable_by(|a, b| a.service.cmp(&b.service));
    Ok(TraceHit {
        trace_id: times.trace_id,
        root_service: root.and_then(|root| trace.service_of(root)).cloned(),
        root_name: root.map(|root| root.name.clone()),
        start: times.start,
        end: times.end,
        duration: times.end.since(times.start),
        span_count: count(&|_| true),
        error_count: count(&|span| span.is_error),
        services,
        matched: found.matched().len(),
        spans: trace.owned(pieces, &shown)?,
        sets,
        selected: found.selected(pieces, &shown)?,
    })
}
