//! Bytes a span, column by column, beside an oracle: each field of the same spans as a plain column
//! of its own, in the same order, under `zstd -19` as a whole, with no way to read a single row.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::captures::{self, CAPTURES};
use common::raw::{Raw, files};
use common::{Outcome, check, config, store_dir, stores};
use tracekeep::inspect::{self, FileInfo};
use tracekeep::{KeyValue, SpanId, Store, TraceReader, TraceSpan, Value};
use tracekeep_workload::Config;

/// Columns below this share of a byte a span are added up.
const SMALL: f64 = 0.02;

fn main() -> Outcome {
    // A few partitions of the bench store are like all of them.
    let spans = config()?.spans / 10;
    let hours = (spans * 24).div_ceil(2_000_000).max(1);
    columns("bench store", &Raw::of(&Config::bench_store(spans, hours))?)?;
    for capture in CAPTURES {
        if let Some(raw) = captures::raw(capture)? {
            columns(capture, &raw)?;
        }
    }
    Ok(())
}

/// Prints the table of one data set.
fn columns(what: &str, raw: &Raw) -> Outcome {
    let dir = store_dir()?;
    let store = Store::open(dir.path(), stores::options())?;
    stores::append(&store, raw)?;
    store.merge()?;
    let mut oracle = Oracle::default();
    for batch in store.scan(..)? {
        batch?.iter().for_each(|span| oracle.add(span));
    }
    let spans = store.stats()?.spans;
    store.close()?;
    check("spans of the scan", oracle.spans == spans)?;
    let least = oracle.finish()?;
    let ours = stored(dir.path())?;

    let each = |bytes: f64| bytes / spans as f64;
    println!("\n{what}: {spans} spans, bytes a span");
    println!("  {:<52} {:>8} {:>8}", "column", "stored", "oracle");
    let mut names: Vec<&String> = ours.keys().chain(least.keys()).collect();
    names.sort();
    names.dedup();
    let of =
        |map: &BTreeMap<String, f64>, name: &String| each(map.get(name).copied().unwrap_or(0.0));
    let mut rows: Vec<(f64, f64, &String)> =
        names.into_iter().map(|name| (of(&ours, name), of(&least, name), name)).collect();
    rows.sort_by(|a, b| b.0.max(b.1).total_cmp(&a.0.max(a.1)));
    let (mut rest, mut all) = ((0.0, 0.0), (0.0, 0.0));
    for (stored, oracle, name) in rows {
        all = (all.0 + stored, all.1 + oracle);
        if stored.max(oracle) < SMALL {
            rest = (rest.0 + stored, rest.1 + oracle);
        } else {
            println!("  {name:<52} {stored:>8.3} {oracle:>8.3}");
        }
    }
    println!("  {:<52} {:>8.3} {:>8.3}", "all smaller ones", rest.0, rest.1);
    println!("  {:<52} {:>8.3} {:>8.3}", "together", all.0, all.1);
    Ok(())
}

/// What our columns take, by field; indexes are left out, dictionaries are not.
fn stored(dir: &Path) -> Outcome<BTreeMap<String, f64>> {
    let mut columns: BTreeMap<String, f64> = BTreeMap::new();
    for (path, _) in files(dir, ".seg") {
        let FileInfo::Segment(info) = inspect::file(&path)? else { continue };
        let mut in_blocks = 0.0;
        for column in info.templates.iter().flat_map(|template| &template.columns) {
            let bytes = column.bits as f64 / 8.0;
            in_blocks += bytes;
            *columns.entry(column.field.clone()).or_default() += bytes;
        }
        let ids = info.spans as f64 * 8.0;
        *columns.entry("span id".into()).or_default() += ids;
        let blocks = info.parts.iter().find(|part| part.name == "blocks");
        let order = blocks.map_or(0.0, |part| part.bytes as f64) - in_blocks - ids;
        *columns.entry("name, kind, keys, parent (order of templates)".into()).or_default() +=
            order;
        let dictionaries = info.keys.iter().flat_map(|key| &key.parts);
        let dictionaries: u64 = dictionaries.map(|part| part.dictionary_bytes).sum();
        *columns.entry("texts of dictionaries".into()).or_default() += dictionaries as f64;
        for part in info.parts.iter().chain(&info.sections) {
            let name = match part.name {
                "pages" => "pages",
                "models" => "models, words",
                "trace table" => "trace id, times of traces",
                "resources and scopes" => "resources and scopes",
                _ => continue,
            };
            *columns.entry(name.into()).or_default() += part.bytes as f64;
        }
    }
    Ok(columns)
}

/// Plain columns.
#[derive(Default)]
struct Oracle {
    spans: u64,
    columns: BTreeMap<String, Vec<u8>>,
    /// Of the span before.
    start: u64,
    trace: u128,
    /// The spans of the trace so far, for distances to parents.
    ids: Vec<SpanId>,
}

impl Oracle {
    fn add(&mut self, span: &TraceSpan) {
        let TraceSpan { resource, scope, span } = span;
        self.spans += 1;
        let trace = u128::from(span.trace_id);
        if trace != self.trace {
            self.ids.clear();
            self.column("trace id, times of traces").extend_from_slice(&trace.to_be_bytes());
        }
        let same_trace = u8::from(trace == self.trace);
        self.trace = trace;
        self.column("name, kind, keys, parent (order of templates)").push(same_trace);
        let id = span.span_id;
        self.column("span id").extend(id.to_bytes());
        let parent = span.parent_span_id;
        let up = parent.and_then(|parent| self.ids.iter().rev().position(|&id| id == parent));
        self.ids.push(id);
        let distance = up.map_or(0, |up| up as u64 + 1);
        let order = self.column("name, kind, keys, parent (order of templates)");
        varint(order, distance);
        order.extend(span.name.as_bytes());
        order.push(span.kind.0 as u8);
        order.extend(span.status.iter().map(|status| status.code.0 as u8));
        for KeyValue { key, .. } in &span.attributes {
            order.extend(key.as_bytes());
        }
        order.push(b'\n');
        let start = span.start.nanos();
        let since = start.wrapping_sub(self.start) as i64;
        varint(self.column("start"), (since << 1 ^ since >> 63) as u64);
        self.start = start;
        varint(self.column("duration"), span.end.nanos().wrapping_sub(start));
        let context = format!("{resource:?}");
        self.column("resource").extend(context.as_bytes());
        let context = format!("{scope:?}");
        self.column("scope").extend(context.as_bytes());
        if let Some(status) = &span.status {
            self.text("status message", &status.message);
        }
        self.attributes("span", &span.attributes);
        for event in &span.events {
            varint(self.column("event time"), event.time.nanos().wrapping_sub(start));
            self.text("event name", &event.name);
            self.attributes("event", &event.attributes);
        }
        for link in &span.links {
            let ids = self.column("link id");
            ids.extend(u128::from(link.trace_id).to_be_bytes());
            ids.extend(link.span_id.to_bytes());
            self.attributes("link", &link.attributes);
        }
    }

    fn attributes(&mut self, owner: &str, attributes: &[KeyValue]) {
        for KeyValue { key, value } in attributes {
            let field = format!("{owner}.{key}");
            match value {
                Value::String(text) => self.text(&field, text),
                Value::Int(number) => {
                    varint(self.column(&field), (number << 1 ^ number >> 63) as u64);
                }
                Value::Double(number) => self.column(&field).extend(number.to_be_bytes()),
                Value::Bool(truth) => self.column(&field).push(u8::from(*truth)),
                other => self.text(&field, &format!("{other:?}")),
            }
        }
    }

    fn text(&mut self, field: &str, text: &str) {
        let column = self.column(field);
        column.extend(text.as_bytes());
        column.push(b'\n');
    }

    fn column(&mut self, field: &str) -> &mut Vec<u8> {
        if !self.columns.contains_key(field) {
            self.columns.insert(field.to_owned(), Vec::new());
        }
        self.columns.entry(field.to_owned()).or_default()
    }

    /// The bytes of each column under zstd.
    fn finish(self) -> Outcome<BTreeMap<String, f64>> {
        let mut bytes = BTreeMap::new();
        for (field, column) in self.columns {
            let packed = zstd::bulk::compress(&column, 19)?;
            bytes.insert(field, packed.len().min(column.len()) as f64);
        }
        Ok(bytes)
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}
