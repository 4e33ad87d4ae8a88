//! `trace`: one trace, as a picture or as OTLP JSON.

use tracekeep::{Trace, TraceReader};

use crate::args::TraceArgs;
use crate::commands::Place;
use crate::failure::{Exit, Failure, Result};
use crate::output::Output;
use crate::waterfall::Waterfall;

pub fn run(args: &TraceArgs, place: &Place, output: &mut Output) -> Result {
    let reader = place.reader()?;
    let Some(chunks) = reader.trace_chunks(args.id)? else {
        return Err(Failure::NoTrace(args.id));
    };
    if output.json {
        return json(chunks, output);
    }
    let mut waterfall: Option<Waterfall> = None;
    for chunk in chunks {
        let chunk = chunk?;
        // A short id finds a long one.
        let id = chunk.first().map_or(args.id, |first| first.span.trace_id);
        waterfall.get_or_insert_with(|| Waterfall::new(id)).add(&chunk);
    }
    if let Some(waterfall) = waterfall {
        waterfall.print(output)?;
    }
    Ok(Exit::Done)
}

/// One OTLP object, written chunk by chunk.
fn json(
    chunks: impl Iterator<Item = tracekeep::Result<Vec<tracekeep::TraceSpan>>>,
    output: &mut Output,
) -> Result {
    const HEAD: &str = "{\"resourceSpans\":[";
    const TAIL: &str = "]}";
    output.raw(HEAD.as_bytes())?;
    for (index, spans) in chunks.enumerate() {
        let spans = spans?;
        let id = spans.first().map(|first| first.span.trace_id).unwrap_or_default();
        let text = Trace { id, spans }.to_otlp_json()?;
        let inner = text.strip_prefix(HEAD).and_then(|text| text.strip_suffix(TAIL));
        if index > 0 {
            output.raw(b",")?;
        }
        output.raw(inner.unwrap_or_default().as_bytes())?;
    }
    output.line(TAIL)?;
    Ok(Exit::Done)
}
