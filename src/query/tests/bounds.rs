//! P7: queries end when they must, and hold no more than their memory.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::generate::{queries, stores};
use super::oracle::Oracle;
use super::stores::{Placed, fakes, real, segment_of};
use crate::base::error::Error;
use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{KeyValue, Span, TraceSpan};
use crate::base::time::Timestamp;
use crate::disk::clock::Clock;
use crate::query::differences::compare;
use crate::query::interrupt::CancelToken;
use crate::query::scan::Scan;
use crate::query::search;
use crate::query::typed::Query;
use crate::query::view::{Partition, View};

/// A clock by which a nanosecond passes between one look and the next.
#[derive(Debug, Default)]
struct Looks {
    count: AtomicU64,
    /// Used at that look.
    cancel: Option<(u64, CancelToken)>,
}

impl Clock for Looks {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO
    }

    fn elapsed(&self) -> Duration {
        let look = self.count.fetch_add(1, Ordering::Relaxed);
        if let Some((_, token)) = self.cancel.as_ref().filter(|(at, _)| *at == look) {
            token.cancel();
        }
        Duration::from_nanos(look)
    }
}

fn watched(view: &View, looks: Looks) -> (View, Arc<Looks>) {
    let looks = Arc::new(looks);
    (view.clone().timed(&(Arc::clone(&looks) as Arc<dyn Clock>)), looks)
}

/// Runs a query with ever longer time, until it has enough. Answers how often it looks then.
fn exhaust<T: PartialEq + fmt::Debug>(
    view: &View,
    query: &Query,
    run: &dyn Fn(&View, &Query) -> Result<T, Error>,
) -> u64 {
    let whole = run(view, query).unwrap();
    let mut nanos = 0;
    loop {
        let (own, looks) = watched(view, Looks::default());
        let found = run(&own, &query.clone().timeout(Duration::from_nanos(nanos)));
        let looked = looks.count.load(Ordering::Relaxed);
        match found {
            Ok(found) => {
                assert_eq!(found, whole);
                break looked;
            }
            // One look told the time at the begin; none was made in vain.
            Err(Error::Timeout) => assert!(looked <= nanos + 2, "{looked} looks in {nanos} ns"),
            Err(error) => panic!("{error}"),
        }
        let token = CancelToken::new();
        let cancel = Some((nanos.saturating_sub(1), token.clone()));
        let (own, _) = watched(view, Looks { cancel, ..Looks::default() });
        let query = query.clone().cancelled_by(&token).timeout(Duration::MAX);
        assert!(matches!(run(&own, &query), Err(Error::Cancelled)));
        nanos = nanos * 3 + 1;
    }
}

fn ids(view: &View, query: &Query) -> Result<Vec<TraceId>, Error> {
    search::search_ids(view, query).map(|found| found.iter().map(|times| times.trace_id).collect())
}

pub fn span(trace: u64, id: u64) -> TraceSpan {
    TraceSpan {
        resource: Arc::default(),
        scope: Arc::default(),
        span: Span {
            trace_id: TraceId::from(u128::from(trace)),
            span_id: SpanId::from(id),
            name: ["get", "put"][(id % 5 % 2) as usize].into(),
            start: Timestamp::from_nanos(trace % 90),
            end: Timestamp::from_nanos(trace % 90 + id % 7),
            attributes: vec![
                KeyValue::new("path", format!("/{}", trace % 2000)),
                KeyValue::new("n", (id % 5) as i64),
            ],
            ..Span::default()
        },
    }
}

/// However a query loops, it looks at the clock every 64 steps at the latest.
#[test]
fn p7_no_loop_runs_on_behind_the_deadline() {
    let spans = || (0..1500).map(|trace| span(trace, 1)).chain((2..1500).map(|id| span(7, id)));
    let placed: Vec<_> = spans().map(|span| (span, vec![1])).collect();
    let segment = Arc::new(segment_of(spans().collect(), 64, 4096));
    let partition = Partition::new(0, 100, vec![segment]);
    let stored = View::new(vec![Arc::new(partition)]);
    for view in [stored, real(&placed)] {
        for text in [
            r#"{ span.path =~ ".*x.*" }"#,
            r#"{ span.path = "/7" && span.n = 1 && name = "get" }"#,
            "{ span.n = 0 && duration = 3ns }",
            r#"{ rootName = "none" }"#,
            r#"{ name = "get" && span.path = "/7" && span.n < 4 }"#,
            "{}",
        ] {
            let query = Query::parse(text).unwrap().limit(usize::MAX).spans_per_set(usize::MAX);
            let looks = exhaust(&view, &query, &|view, query| search::search(view, query));
            assert!(looks >= 1000 / 64, "{text}: {looks} looks");
            exhaust(&view, &query, &ids);
            let scan = exhaust(&view, &query, &|view, query| {
                let mut scan = Scan::matching(view, query)?;
                let batches: Result<Vec<_>, _> = scan.by_ref().collect();
                assert!(batches.is_ok() || scan.next().is_none(), "a scan goes on");
                batches
            });
            assert!(scan >= 1000 / 64, "{text}: {scan} looks");
            let compared = exhaust(&view, &query, &|view, a| compare(view, a, &Query::spans()));
            assert!(compared >= 1000 / 64, "{text}: {compared} looks");
        }
    }
}

/// Pages in so little memory, put together.
fn paged(view: &View, query: &Query, bytes: usize) -> Result<Vec<TraceId>, Error> {
    let mut found = Vec::new();
    let mut query = query.clone().memory_bytes(bytes);
    loop {
        let page = search::search(view, &query)?;
        found.extend(page.traces.iter().map(|hit| hit.trace_id));
        let Some(next) = page.next else { return Ok(found) };
        assert!(!page.traces.is_empty());
        query = query.after(next);
    }
}

fn oracle(store: &Placed) -> Oracle {
    Oracle::new(store.iter().map(|(span, _)| span))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn p7_a_query_in_time_answers_and_one_that_is_late_fails(store in stores(), query in queries()) {
        for view in [real(&store), fakes(&store)] {
            exhaust(&view, &query, &|view, query| search::search(view, query));
            exhaust(&view, &query, &ids);
        }
    }

    #[test]
    fn p7_short_memory_makes_short_pages_and_loses_nothing(
        store in stores(), query in queries(), bytes in 4000usize..20_000,
    ) {
        let view = real(&store);
        let answers: Vec<TraceId> = oracle(&store).search(&query).iter().map(|a| a.id).collect();
        match paged(&view, &query, bytes) {
            Ok(found) => prop_assert_eq!(&found, &answers),
            Err(error) => prop_assert_eq!(error.kind(), "Limit"),
        }
        prop_assert_eq!(paged(&view, &query, 1 << 20).unwrap(), answers);
    }
}

#[test]
fn p7_a_trace_or_a_list_beyond_the_memory_is_refused() {
    let spans = (0..600).map(|trace| span(trace, 1)).chain((2..600).map(|id| span(7, id)));
    let placed: Vec<_> = spans.map(|span| (span, vec![0])).collect();
    let view = real(&placed);
    let limited = |found: Result<(), Error>| matches!(found, Err(Error::Limit { .. }));
    let all = Query::spans().limit(usize::MAX);
    let little = all.clone().memory_bytes(40_000);
    assert!(limited(search::search(&view, &little.clone().tag("path", "/7")).map(drop)));
    assert!(limited(search::search_ids(&view, &little).map(drop)));
    let mut scan = Scan::matching(&view, &little).unwrap();
    assert!(scan.any(|batch| limited(batch.map(drop))));
    let more = all.clone().memory_bytes(200_000);
    assert!(limited(search::search_spans(&view, &more).map(drop)));
    assert!(search::search(&view, &more).is_ok_and(|page| page.next.is_some()));
    assert_eq!(paged(&view, &all, 200_000).unwrap().len(), 600);
}
