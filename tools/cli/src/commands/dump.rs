//! `dump`: spans as OTLP JSON, one a line.

use tracekeep::{Query, TimeRange, TraceReader, TraceSpan};

use crate::args::DumpArgs;
use crate::commands::Place;
use crate::failure::{Exit, Result};
use crate::output::Output;

/// Traces that are asked for at a time: their ids and figures are all that is held of them.
const PAGE: usize = 10_000;

/// The same where the page holds the matching spans.
const PAGE_WITH_SPANS: usize = 50;

pub fn run(args: &DumpArgs, place: &Place, output: &mut Output) -> Result {
    let reader = place.reader()?;
    let range = args.range.range();
    match &args.query {
        None => whole(&reader, range, output),
        Some(text) => matching(&reader, Query::parse(text)?.between(range), output),
    }
}

/// Every span that starts inside the range.
fn whole(reader: &impl TraceReader, range: TimeRange, output: &mut Output) -> Result {
    let query = Query::spans().between(range).spans_per_set(0).limit(PAGE);
    pages(reader, &query, |hit| {
        for chunk in reader.trace_chunks(hit.trace_id)?.into_iter().flatten() {
            let inside = chunk?.into_iter().filter(|span| range.contains(span.span.start));
            inside.into_iter().try_for_each(|span| print(&span, output))?;
        }
        Ok(())
    })
}

/// Every span that fulfils the query.
fn matching(reader: &impl TraceReader, query: Query, output: &mut Output) -> Result {
    let query = query.spans_per_set(usize::MAX).limit(PAGE_WITH_SPANS);
    pages(reader, &query, |hit| hit.spans.iter().try_for_each(|span| print(span, output)))
}

fn pages(
    reader: &impl TraceReader,
    query: &Query,
    mut each: impl FnMut(&tracekeep::TraceHit) -> Result<()>,
) -> Result {
    let mut cursor: Option<String> = None;
    loop {
        let query = query.clone();
        let page = reader.search(&match &cursor {
            Some(cursor) => query.after(cursor.as_str()),
            None => query,
        })?;
        page.traces.iter().try_for_each(&mut each)?;
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(Exit::Done),
        }
    }
}

fn print(span: &TraceSpan, output: &mut Output) -> Result<()> {
    Ok(output.line(&span.to_otlp_json()?)?)
}
