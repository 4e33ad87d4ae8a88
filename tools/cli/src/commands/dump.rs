//! `dump`: spans as OTLP JSON, one a line, or as a segment file of their own.

use std::path::Path;

use serde_json::json;
use tracekeep::{Error, Query, TimeRange, TraceReader, TraceSpan, inspect};

use crate::args::DumpArgs;
use crate::commands::Place;
use crate::failure::{Exit, Failure, Result, note};
use crate::output::{Output, grouped};
use crate::text::shown;

pub fn run(args: &DumpArgs, place: &Place, output: &mut Output) -> Result {
    let range = args.range.range();
    if args.salvage {
        return salvage(place.path()?, range, output);
    }
    let query = args.query.as_deref().map(Query::parse).transpose()?;
    let reader = place.reader()?;
    if let Some(path) = &args.to {
        let query = query.unwrap_or_default().between(range);
        return cut(&reader, &query, path, output);
    }
    let scan = match query {
        None => reader.scan(range)?,
        Some(query) => reader.scan_matching(&query.between(range))?,
    };
    let mut exit = Exit::Done;
    for batch in scan {
        match batch {
            Ok(spans) => spans.iter().try_for_each(|span| print(span, output))?,
            // What is damaged is told, and costs nothing else.
            Err(error @ (Error::Corrupt { .. } | Error::Version { .. })) => {
                tell(&error);
                exit = Exit::Partly;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(exit)
}

fn cut(reader: &impl TraceReader, query: &Query, path: &Path, output: &mut Output) -> Result {
    let spans = reader.write_file(query, path)?;
    if output.json {
        output.value(&json!({ "file": path.display().to_string(), "spans": spans }))?;
    } else {
        note(&format!("{}: {} spans", path.display(), grouped(spans)));
    }
    Ok(Exit::Done)
}

fn salvage(path: &Path, range: TimeRange, output: &mut Output) -> Result {
    if path.is_dir() {
        let what = "is a directory: --salvage reads one segment file, give it as --store";
        return Err(Failure::Usage(format!("{} {what}", path.display())));
    }
    let mut salvaged = inspect::salvage(path)?;
    for spans in salvaged.by_ref() {
        let inside = spans?.into_iter().filter(|span| range.contains(span.span.start));
        inside.into_iter().try_for_each(|span| print(&span, output))?;
    }
    output.flush()?;
    salvaged.damage().iter().for_each(tell);
    let (read, lost) = salvaged.counts();
    note(&format!("{}: {} spans salvaged, {} lost", path.display(), grouped(read), grouped(lost)));
    Ok(if lost == 0 { Exit::Done } else { Exit::Partly })
}

/// Says on stderr what could not be read.
fn tell(error: &Error) {
    note(&format!("tracekeep: {}", shown(&error.to_string())));
}

fn print(span: &TraceSpan, output: &mut Output) -> Result<()> {
    Ok(output.line(&span.to_otlp_json()?)?)
}
