//! Statistics of operations: per service, name and kind of span how many spans there are, how
//! many with errors, and when.
//!
//! ```text
//! | complete: u8 | services: front-coded texts | names: front-coded texts |
//! | service + 1, or 0 for none | name | kind, zigzag | spans | errors | first start |
//! | last start - first start | max end - first start |   packed columns, differences modulo 2^64
//! ```
//! Rows ascend by (service, name, kind). Where there were more operations than the builder was
//! told to keep, `complete` is 0 and there are no rows: part of a list would be a wrong answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::model::SpanKind;
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::base::varint::{unzigzag, zigzag};
use crate::index::front::{Texts, write_texts};
use crate::index::packed::{Packed, pack};
use crate::index::source::{Cursor, Source};

/// One operation of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The service, from the resource's `service.name`; `None` where there is none.
    pub service: Option<Str>,
    /// The spans' name.
    pub name: Str,
    /// The spans' kind.
    pub kind: SpanKind,
    /// What is known of the spans.
    pub totals: OperationTotals,
}

/// Counts and times of an operation's spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationTotals {
    /// How many spans.
    pub spans: u64,
    /// How many of them have the status `error`.
    pub errors: u64,
    /// The earliest start.
    pub first_start: Timestamp,
    /// The latest start.
    pub last_start: Timestamp,
    /// The latest end.
    pub max_end: Timestamp,
}

impl OperationTotals {
    /// The totals of one span.
    pub fn of_span(start: Timestamp, end: Timestamp, error: bool) -> Self {
        Self { spans: 1, errors: error.into(), first_start: start, last_start: start, max_end: end }
    }

    /// Adds other spans of the same operation.
    pub fn merge(&mut self, other: &Self) {
        self.spans = self.spans.saturating_add(other.spans);
        self.errors = self.errors.saturating_add(other.errors);
        self.first_start = self.first_start.min(other.first_start);
        self.last_start = self.last_start.max(other.last_start);
        self.max_end = self.max_end.max(other.max_end);
    }
}

/// Gathers the statistics of a segment, up to a number of operations.
#[derive(Debug)]
pub struct OperationsBuilder {
    services: HashMap<Option<Str>, HashMap<(Str, i32), u32>>,
    /// By an operation's number, in the order in which they came.
    totals: Vec<Option<OperationTotals>>,
    most: usize,
}

/// Where operations and services stand in the section.
#[derive(Debug, Default)]
pub struct Ranks {
    /// By an operation's number, its place in the list. Empty if the list is.
    pub operations: Vec<u32>,
    /// The names of services.
    pub services: Vec<Str>,
}

impl OperationsBuilder {
    /// Keeps up to `most` operations.
    pub fn new(most: usize) -> Self {
        Self { services: HashMap::new(), totals: Vec::new(), most }
    }

    /// The number of an operation, to count its spans by; `None` once they are too many.
    pub fn number(&mut self, service: Option<&Str>, name: &Str, kind: SpanKind) -> Option<u32> {
        if self.totals.len() > self.most {
            return None;
        }
        let names = self.services.entry(service.cloned()).or_default();
        if let Some(&number) = names.get(&(name.clone(), kind.0)) {
            return Some(number);
        }
        let number = self.totals.len() as u32;
        names.insert((name.clone(), kind.0), number);
        self.totals.push(None);
        if self.totals.len() > self.most {
            self.services.clear();
            return None;
        }
        Some(number)
    }

    /// Counts spans of an operation.
    #[inline]
    pub fn count(&mut self, number: u32, totals: &OperationTotals) {
        match self.totals.get_mut(number as usize) {
            Some(Some(own)) => own.merge(totals),
            Some(none) => *none = Some(*totals),
            None => {}
        }
    }

    /// The section, and where in it the operations stand.
    pub fn finish(self) -> (Vec<u8>, Ranks) {
        let complete = self.totals.len() <= self.most;
        let mut rows = BTreeMap::new();
        for (service, names) in self.services {
            for ((name, kind), number) in names {
                if let Some(Some(totals)) = self.totals.get(number as usize) {
                    rows.insert((service.clone(), name, kind), (number, *totals));
                }
            }
        }
        let services: BTreeSet<&str> =
            rows.keys().filter_map(|(service, ..)| service.as_deref()).collect();
        let names: BTreeSet<&str> = rows.keys().map(|(_, name, _)| &**name).collect();
        let codes = |texts: &BTreeSet<&str>| -> BTreeMap<String, u64> {
            texts.iter().map(|&text| text.to_owned()).zip(0..).collect()
        };
        let (service_codes, name_codes) = (codes(&services), codes(&names));

        let mut out = vec![u8::from(complete)];
        for texts in [&services, &names] {
            write_texts(texts.iter().copied(), &mut out);
        }
        let mut ranks = Ranks {
            operations: vec![0; if complete { self.totals.len() } else { 0 }],
            services: services.iter().map(|&service| Str::from(service)).collect(),
        };
        let mut columns: [Vec<u64>; COLUMNS] = Default::default();
        for (rank, ((service, name, kind), (number, totals))) in (0..).zip(&rows) {
            if let Some(place) = ranks.operations.get_mut(*number as usize) {
                *place = rank;
            }
            let code = |codes: &BTreeMap<String, u64>, text: &str| codes.get(text).copied();
            let service = service.as_deref().and_then(|s| code(&service_codes, s));
            let first = totals.first_start.nanos();
            let row = [
                service.map_or(0, |code| code + 1),
                code(&name_codes, name).unwrap_or(0),
                zigzag((*kind).into()),
                totals.spans,
                totals.errors,
                first,
                totals.last_start.nanos().wrapping_sub(first),
                totals.max_end.nanos().wrapping_sub(first),
            ];
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        for column in &columns {
            pack(column, &mut out);
        }
        (out, ranks)
    }
}

const COLUMNS: usize = 8;

/// Reads the statistics of a segment.
#[derive(Debug)]
pub struct Operations {
    source: Arc<dyn Source>,
    complete: bool,
    services: Texts,
    names: Texts,
    columns: [Packed; COLUMNS],
}

impl Operations {
    /// Opens the statistics that make up `source`.
    pub fn open(source: Arc<dyn Source>) -> Result<Self> {
        let mut cursor = Cursor::new(&*source, 0..source.len())?;
        let complete = cursor.byte()? != 0;
        let services = Texts::open(&mut cursor)?;
        let names = Texts::open(&mut cursor)?;
        let [a, b, c, d, e, f, g, h] = [(); COLUMNS].map(|()| Packed::open(&mut cursor));
        let columns = [a?, b?, c?, d?, e?, f?, g?, h?];
        let [service, ..] = &columns;
        if columns.iter().any(|column| column.len() != service.len()) {
            return Err(cursor.corrupt("columns of different lengths"));
        }
        Ok(Self { source, complete, services, names, columns })
    }

    /// Whether the statistics tell of all operations; if not, they tell of none.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The names of the services, ascending.
    pub fn services(&self) -> Result<Vec<Str>> {
        self.texts(&self.services)
    }

    fn texts(&self, texts: &Texts) -> Result<Vec<Str>> {
        let mut found = Vec::new();
        texts.scan(&*self.source, 0..texts.len(), &mut |_, text| {
            found.push(Str::from(text));
            Ok(())
        })?;
        Ok(found)
    }

    /// All operations, by service, name and kind; those of no service come first.
    pub fn list(&self) -> Result<Vec<Operation>> {
        let source = &*self.source;
        let corrupt = || source.corrupt(0, "an operation of an unknown name");
        let services = self.services()?;
        let names = self.texts(&self.names)?;
        let text = |texts: &[Str], code: u64| {
            usize::try_from(code).ok().and_then(|code| texts.get(code).cloned()).ok_or_else(corrupt)
        };
        let [service, name, kind, spans, errors, first, last, end] = &self.columns;
        let mut found: Vec<Operation> = Vec::new();
        for row in 0..service.len() {
            let get = |column: &Packed| column.get(source, row);
            let first = get(first)?;
            let at = |offset: u64| Timestamp::from_nanos(first.wrapping_add(offset));
            let operation = Operation {
                service: match get(service)?.checked_sub(1) {
                    Some(code) => Some(text(&services, code)?),
                    None => None,
                },
                name: text(&names, get(name)?)?,
                kind: SpanKind(i32::try_from(unzigzag(get(kind)?)).map_err(|_| corrupt())?),
                totals: OperationTotals {
                    spans: get(spans)?,
                    errors: get(errors)?,
                    first_start: at(0),
                    last_start: at(get(last)?),
                    max_end: at(get(end)?),
                },
            };
            // Strict ascent also ends a loop over columns of endless equal values.
            let order = |o: &Operation| (o.service.clone(), o.name.clone(), o.kind.0);
            if found.last().is_some_and(|before| order(before) >= order(&operation)) {
                return Err(source.corrupt(0, "operations in disorder"));
            }
            found.push(operation);
        }
        Ok(found)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    type Span = (Option<&'static str>, String, i32, u64, u64, bool);

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        let service = prop::option::of(prop::sample::select(vec!["", "cart", "checkout"]));
        let span = (
            service,
            "(GET|POST)? /[ab]{0,2}",
            -1i32..4,
            any::<u64>(),
            any::<u64>(),
            any::<bool>(),
        );
        prop::collection::vec(span, 0..120)
    }

    fn build(spans: &[Span], most: usize) -> Vec<u8> {
        let mut builder = OperationsBuilder::new(most);
        for (service, name, kind, start, end, error) in spans {
            let (start, end) = (Timestamp::from_nanos(*start), Timestamp::from_nanos(*end));
            let totals = OperationTotals::of_span(start, end, *error);
            let service = service.map(Str::from);
            let name = Str::from(&**name);
            if let Some(number) = builder.number(service.as_ref(), &name, SpanKind(*kind)) {
                builder.count(number, &totals);
            }
        }
        builder.finish().0
    }

    fn open(bytes: Vec<u8>) -> Result<Operations> {
        Operations::open(Arc::new(MemSource::new(bytes, Path::new("x"), "operations")))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn p5_counts_are_those_of_a_naive_scan(spans in spans(), most in 20usize..100) {
            let mut naive: BTreeMap<_, OperationTotals> = BTreeMap::new();
            for (service, name, kind, start, end, error) in &spans {
                let (start, end) = (Timestamp::from_nanos(*start), Timestamp::from_nanos(*end));
                let one = OperationTotals::of_span(start, end, *error);
                let key = (service.map(Str::from), Str::from(&**name), *kind);
                naive.entry(key).and_modify(|t| t.merge(&one)).or_insert(one);
            }
            let operations = open(build(&spans, most)).unwrap();
            prop_assert_eq!(operations.is_complete(), naive.len() <= most);
            if naive.len() > most {
                naive.clear();
            }
            let naive: Vec<Operation> = naive
                .into_iter()
                .map(|((service, name, kind), totals)| {
                    Operation { service, name, kind: SpanKind(kind), totals }
                })
                .collect();
            prop_assert_eq!(operations.list().unwrap(), naive);
        }

        #[test]
        fn p6_a_changed_byte_ends_in_an_error_or_a_value(
            spans in spans(), at: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = build(&spans, 1000);
            let at = at.index(bytes.len());
            *bytes.get_mut(at).unwrap() = byte;
            if let Ok(operations) = open(bytes) {
                let _ = operations.list();
            }
        }
    }
}
