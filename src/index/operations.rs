//! Statistics of operations: per service, name and kind of span how many spans there are, and how
//! many with errors. When they were, minute by minute, is in [`crate::index::statistics`].
//!
//! ```text
//! | complete: u8 | services: front-coded texts | names: front-coded texts |
//! | service + 1, or 0 for none | name | kind, zigzag | spans | errors |   packed columns
//! ```
//! Rows ascend by (service, name, kind). Where there were more operations than the builder was
//! told to keep, `complete` is 0 and there are no rows: part of a list would be a wrong answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::model::SpanKind;
use crate::base::text::Str;
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

/// Counts of an operation's spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationTotals {
    /// How many spans.
    pub spans: u64,
    /// How many of them have the status `error`.
    pub errors: u64,
}

impl OperationTotals {
    /// Adds a span.
    pub fn add(&mut self, error: bool) {
        self.spans = self.spans.saturating_add(1);
        self.errors = self.errors.saturating_add(error.into());
    }
}

/// Gathers the statistics of a segment, up to a number of operations.
#[derive(Debug)]
pub struct OperationsBuilder {
    services: HashMap<Option<Str>, HashMap<(Str, i32), u32>>,
    /// By an operation's number, in the order in which they came.
    totals: Vec<OperationTotals>,
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
        self.totals.push(OperationTotals::default());
        if self.totals.len() > self.most {
            self.services.clear();
            return None;
        }
        Some(number)
    }

    /// Counts a span of an operation.
    #[inline]
    pub fn count(&mut self, number: u32, error: bool) {
        if let Some(totals) = self.totals.get_mut(number as usize) {
            totals.add(error);
        }
    }

    /// The section, and where in it the operations stand.
    pub fn finish(self) -> (Vec<u8>, Ranks) {
        let complete = self.totals.len() <= self.most;
        let mut rows = BTreeMap::new();
        for (service, names) in self.services {
            for ((name, kind), number) in names {
                if let Some(totals) = self.totals.get(number as usize).filter(|t| t.spans > 0) {
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
            let row = [
                service.map_or(0, |code| code + 1),
                code(&name_codes, name).unwrap_or(0),
                zigzag((*kind).into()),
                totals.spans,
                totals.errors,
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

const COLUMNS: usize = 5;

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
        let [a, b, c, d, e] = [(); COLUMNS].map(|()| Packed::open(&mut cursor));
        let columns = [a?, b?, c?, d?, e?];
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
        let [service, name, kind, spans, errors] = &self.columns;
        let mut found: Vec<Operation> = Vec::new();
        for row in 0..service.len() {
            let get = |column: &Packed| column.get(source, row);
            let operation = Operation {
                service: match get(service)?.checked_sub(1) {
                    Some(code) => Some(text(&services, code)?),
                    None => None,
                },
                name: text(&names, get(name)?)?,
                kind: SpanKind(i32::try_from(unzigzag(get(kind)?)).map_err(|_| corrupt())?),
                totals: OperationTotals { spans: get(spans)?, errors: get(errors)? },
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

    type Span = (Option<&'static str>, String, i32, bool);

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        let service = prop::option::of(prop::sample::select(vec!["", "cart", "checkout"]));
        let span = (service, "(GET|POST)? /[ab]{0,2}", -1i32..4, any::<bool>());
        prop::collection::vec(span, 0..120)
    }

    fn build(spans: &[Span], most: usize) -> Vec<u8> {
        let mut builder = OperationsBuilder::new(most);
        for (service, name, kind, error) in spans {
            let service = service.map(Str::from);
            let name = Str::from(&**name);
            if let Some(number) = builder.number(service.as_ref(), &name, SpanKind(*kind)) {
                builder.count(number, *error);
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
            for (service, name, kind, error) in &spans {
                let key = (service.map(Str::from), Str::from(&**name), *kind);
                naive.entry(key).or_default().add(*error);
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
