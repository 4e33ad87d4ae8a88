//! What TraceQL means, evaluated as naively as can be over owned spans of whole live traces: lists,
//! every pair of spans looked at, nothing remembered. Written against the published language
//! documentation and the design alone; shares no code with the engine.
//!
//! # Missing, repeated and mixed-type attributes
//!
//! A field has no value (*nil*), one, or several: a repeated key has one for each time it stands
//! there, `event.x` one for each event's, `parent.x` one for each parent's. One value can be an
//! array, of elements of whatever types. A kind, a status, a truth value, text, numbers: these are
//! types; a value that is bytes, a map, empty, or an array inside an array is *other*.
//!
//! | asked | nil | one value | an array | several values |
//! |---|---|---|---|---|
//! | `= < <= > >= =~` | false | holds of it | any element | any value |
//! | `!=`, `!~` | false | holds of it | an element of the type, and none that is equal, matches | any value |
//! | of another type | - | false, `!=` too | such elements do not count | such values do not count |
//! | of *other* | - | false, `!=` too | do not count | do not count |
//! | `= nil` / `!= nil` | true / false | false / true, *other* too | false / true, empty too | false / true |
//! | field with field | false | - | pairs of elements | any pair of values |
//! | `.a + 1`, `-.a` | nil | nil unless a number | nil unless it has one element | nil |
//! | `{ .a }` | false | it is `true` | any element | any value |
//! | `{ !.a }` | false | it is `false` | some element is, none is `true` | the same |
//! | `sum(.a)`, `min`.. | passed over | passed over unless a number | numbers among the elements | each |
//! | `by(.a)` | a group | its group | that of its first element; empty: nil | that of the first |
//! | loose | as ever | `= != =~ !~`: text with what a number or `true` prints; `{ .a }` is `{ .a = true }` | likewise | likewise |
//!
//! Numbers compare as mathematics has them, whether whole, real or a duration: `1 = 1.0`. NaN is
//! unequal to every number, itself included, and has no order.

mod exprs;
mod fields;
pub mod sets;
pub mod values;

use tracekeep::{StatusCode, TraceId, TraceSpan};

/// A whole live trace, its spans by start, id and content.
pub struct Trace {
    pub id: TraceId,
    pub spans: Vec<TraceSpan>,
    /// Each span's parents: all other spans that bear its parent id.
    pub parents: Vec<Vec<usize>>,
    pub loose: bool,
}

impl Trace {
    pub fn new(id: TraceId, spans: Vec<TraceSpan>, loose: bool) -> Self {
        let parents = (0..spans.len()).map(|child| parents(&spans, child)).collect();
        Self { id, spans, parents, loose }
    }

    /// The earliest span that names no parent; failing that the earliest without one in the
    /// trace; failing that the earliest.
    pub fn root(&self) -> &TraceSpan {
        let stated = self.spans.iter().find(|span| span.span.parent_span_id.is_none());
        let orphan = (0..self.spans.len()).find(|&span| self.is_root(span));
        stated.or_else(|| orphan.map(|span| &self.spans[span])).unwrap_or(&self.spans[0])
    }

    pub fn is_root(&self, span: usize) -> bool {
        self.parents[span].is_empty()
    }

    pub fn children(&self, parent: usize) -> usize {
        self.parents.iter().filter(|parents| parents.contains(&parent)).count()
    }

    pub fn start(&self) -> u64 {
        self.spans.iter().map(|span| span.span.start.nanos()).min().unwrap()
    }

    pub fn end(&self) -> u64 {
        self.spans.iter().map(|span| span.span.end.nanos()).max().unwrap()
    }

    pub fn nanos(&self) -> u64 {
        self.end().saturating_sub(self.start())
    }

    pub fn errors(&self) -> u64 {
        self.spans.iter().filter(|span| is_error(span)).count() as u64
    }

    /// Services by name, with their spans and errors.
    pub fn services(&self) -> Vec<(String, u64, u64)> {
        let of = |span: &TraceSpan| span.service().map(ToString::to_string);
        let mut names: Vec<_> = self.spans.iter().filter_map(of).collect();
        names.sort();
        names.dedup();
        let count = |name: &String, wanted: fn(&TraceSpan) -> bool| {
            let own = self.spans.iter().filter(|span| of(span).as_ref() == Some(name));
            own.filter(|span| wanted(span)).count() as u64
        };
        let figures = |name: String| (name.clone(), count(&name, |_| true), count(&name, is_error));
        names.into_iter().map(figures).collect()
    }
}

fn parents(spans: &[TraceSpan], child: usize) -> Vec<usize> {
    let Some(id) = spans[child].span.parent_span_id else { return Vec::new() };
    (0..spans.len()).filter(|&other| other != child && spans[other].span.span_id == id).collect()
}

fn is_error(span: &TraceSpan) -> bool {
    span.span.status_code() == StatusCode::ERROR
}
