//! `dump`: spans as OTLP JSON, one a line.

use tracekeep::{Query, Scan, TraceReader};

use crate::args::DumpArgs;
use crate::commands::Place;
use crate::failure::{Exit, Result};
use crate::output::Output;

pub fn run(args: &DumpArgs, place: &Place, output: &mut Output) -> Result {
    let reader = place.reader()?;
    let range = args.range.range();
    let scan = match &args.query {
        None => reader.scan(range)?,
        Some(text) => reader.scan_matching(&Query::parse(text)?.between(range))?,
    };
    print(scan, output)
}

fn print(scan: Scan, output: &mut Output) -> Result {
    for batch in scan {
        for span in batch? {
            output.line(&span.to_otlp_json()?)?;
        }
    }
    Ok(Exit::Done)
}
