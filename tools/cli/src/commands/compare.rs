//! `compare`: the values whose share differs most between two sets of spans.

use serde_json::{Value as Json, json};
use tracekeep::{Difference, Query, TraceReader};

use crate::args::CompareArgs;
use crate::commands::Place;
use crate::failure::{Exit, Failure, Result, note};
use crate::output::{Column, Output};
use crate::text;

pub fn run(args: &CompareArgs, place: &Place, output: &mut Output) -> Result {
    let query = |text: &str| Query::parse(text).map(|query| query.between(args.range.range()));
    let a = query(&args.a)?.limit(args.limit);
    let a = args.timeout.into_iter().fold(a, Query::timeout);
    let b = query(&args.b)?;
    let found = place.reader()?.compare(&a, &b).map_err(Failure::of_question)?;
    let left_out: Vec<String> = found.left_out.iter().map(ToString::to_string).collect();
    if output.json {
        let differences: Vec<Json> = found.differences.iter().map(difference_json).collect();
        output.value(&json!({
            "spansA": found.spans_a,
            "spansB": found.spans_b,
            "differences": differences,
            "leftOut": left_out,
        }))?;
        return Ok(Exit::Done);
    }
    let columns = [
        Column::number("share in A"),
        Column::number("in B"),
        Column::number("spans in A"),
        Column::number("in B"),
        Column::text("tag"),
        Column::text("value"),
        Column::text("type"),
    ];
    output.table(&columns, found.differences.iter().map(row))?;
    output.flush()?;
    if !left_out.is_empty() {
        note(&format!("left out, for they have too many values: {}", left_out.join(", ")));
    }
    Ok(Exit::Done)
}

fn row(found: &Difference) -> Vec<String> {
    let (kind, value) = text::value(&found.value);
    let share = |share: f64| format!("{:.2} %", 100.0 * share);
    vec![
        share(found.share_a),
        share(found.share_b),
        found.spans_a.to_string(),
        found.spans_b.to_string(),
        found.tag.to_string(),
        value,
        kind.to_owned(),
    ]
}

fn difference_json(found: &Difference) -> Json {
    let (kind, value) = text::value(&found.value);
    json!({
        "tag": found.tag.to_string(),
        "type": kind,
        "value": value,
        "spansA": found.spans_a,
        "spansB": found.spans_b,
        "shareA": found.share_a,
        "shareB": found.share_b,
    })
}
