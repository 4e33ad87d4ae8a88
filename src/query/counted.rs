//! A source's rows for a [`Census`], column by column where there are columns.
//!
//! All rows of a template have name, kind, status and scope in common, and all of a resource its
//! attributes: those are counted once a segment, with as many spans as there are rows. Row by row
//! only columns are looked at; of a text in a dictionary, its code.

use std::num::NonZeroU64;
use std::ops::ControlFlow;

use crate::base::error::Result;
use crate::base::number::Number;
use crate::base::quick::QuickMap;
use crate::base::time::Timestamp;
use crate::base::view::ValueRef;
use crate::block::models::SLOTS;
use crate::block::skeleton::ValueType;
use crate::block::template::{Owner, Place, Template};
use crate::query::census::{Census, Count, Side, Unit};
use crate::query::columns::rows_with;
use crate::query::doubles::{Doubles, each_source};
use crate::query::hit::TagScope;
use crate::query::listed::Plain;
use crate::query::neighbours::Neighbours;
use crate::query::sieve::RowTests;
use crate::query::source::Source;
use crate::query::tag;
use crate::query::typed::Query;
use crate::query::view::View;
use crate::segment::{Columns, Outlined, Segment};

/// Which rows are counted, and as what.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a> {
    /// They fulfil this, whose condition asks of spans only.
    pub query: &'a Query,
    /// The set they belong to.
    pub side: Side,
    /// How many nanoseconds wide the steps are by which they are told apart, if they are.
    pub width: Option<NonZeroU64>,
}

impl Counting<'_> {
    /// One row, or several that start in the same step.
    pub fn unit(&self, step: u64, spans: u64) -> Unit {
        Unit { side: self.side, step, spans }
    }

    /// The step of a row.
    pub fn step(&self, start: Timestamp) -> u64 {
        self.width.map_or(0, |width| start.nanos() / width)
    }
}

/// Counts the live spans that fulfil the queries.
pub fn count_all<T: Count>(
    view: &View,
    countings: &[Counting<'_>],
    census: &mut Census<T>,
) -> Result<()> {
    for counting in countings {
        each_source(view, counting.query, &mut |source, doubles| {
            count(source, counting, doubles, census)
        })?;
    }
    Ok(())
}

fn count<T: Count>(
    source: &dyn Source,
    counting: &Counting<'_>,
    doubles: &Doubles,
    census: &mut Census<T>,
) -> Result<()> {
    if let Some(segment) = source.segment()? {
        return of_segment(segment, counting, doubles, census);
    }
    let query = counting.query;
    source.scan(&mut |row| {
        query.bounds.interrupt.tick()?;
        if !doubles.contains(row.row) && row.fulfils(query) {
            census.add_row(counting.unit(counting.step(row.span.start), 1), &row)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn of_segment<T: Count>(
    segment: &Segment,
    counting: &Counting<'_>,
    doubles: &Doubles,
    census: &mut Census<T>,
) -> Result<()> {
    let query = counting.query;
    let templates = segment.templates()?;
    let mut tests = RowTests::new(segment, &query.filter, query.loose)?;
    let mut walk = Walk {
        counting,
        census,
        templates: templates.iter().map(|_| None).collect(),
        resources: Vec::new(),
        codes: Vec::new(),
        contexts: Neighbours::default(),
    };
    for rows in rows_with(segment, None, query)? {
        query.bounds.interrupt.check()?;
        segment.outlines_in_turn(rows, &mut |outlined| {
            query.bounds.interrupt.tick()?;
            if !query.range.contains(outlined.times.start) || doubles.contains(outlined.row) {
                return Ok(ControlFlow::Continue(()));
            }
            let model = templates.get(outlined.columns.template() as usize);
            let Some(template) = model.and_then(|model| model.template.as_ref()) else {
                return walk.whole(segment, outlined);
            };
            match tests.verdict(outlined.columns)? {
                Some(true) => walk.row(template, outlined)?,
                Some(false) => {}
                None => return walk.whole(segment, outlined),
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    walk.finish(segment)
}

struct Walk<'a, 'c, T> {
    counting: &'c Counting<'c>,
    census: &'c mut Census<T>,
    /// By template code, those met so far.
    templates: Vec<Option<Rows<'a>>>,
    /// By resource code, how many rows were counted.
    resources: Vec<Steps>,
    codes: Codes,
    contexts: Neighbours,
}

/// How many rows start in each step.
type Steps = QuickMap<u64, u64>;

/// The rows of a template that were counted.
struct Rows<'a> {
    template: &'a Template,
    spans: Steps,
    slots: Vec<Slot>,
}

/// A column with values.
struct Slot {
    column: usize,
    value: ValueType,
    key: usize,
}

/// By key and code in the key's dictionary, the number of the value and one; 0 for one not met yet.
type Codes = Vec<Vec<u32>>;

impl<'a, T: Count> Walk<'a, '_, T> {
    fn row(&mut self, template: &'a Template, outlined: Outlined<'_>) -> Result<()> {
        let Self { counting, census, templates, resources, codes, .. } = self;
        let code = outlined.columns.template() as usize;
        let Some(rows) = templates.get_mut(code) else { return Ok(()) };
        let rows = match rows {
            Some(rows) => rows,
            None => {
                let slots = slots(template, census)?;
                rows.insert(Rows { template, spans: Steps::default(), slots })
            }
        };
        let step = counting.step(outlined.times.start);
        *rows.spans.entry(step).or_default() += 1;
        let resource = outlined.resource as usize;
        if resources.len() <= resource {
            // As many as the segment has, or reading the resource fails.
            resources.resize_with(resource + 1, Steps::default);
        }
        if let Some(spans) = resources.get_mut(resource) {
            *spans.entry(step).or_default() += 1;
        }
        let unit = counting.unit(step, 1);
        census.add_spans(&unit)?;
        census.begin(unit);
        rows.slots.iter().try_for_each(|slot| slot.add(outlined.columns, codes, census))
    }

    fn whole(&mut self, segment: &Segment, outlined: Outlined<'_>) -> Result<ControlFlow<()>> {
        let Self { counting, census, contexts, .. } = self;
        outlined.read(&mut |row| {
            let row = contexts.row(segment, row)?;
            if row.fulfils(counting.query) {
                census.add_row(counting.unit(counting.step(row.span.start), 1), &row)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Counts what rows have in common.
    fn finish(self, segment: &Segment) -> Result<()> {
        let Self { counting, census, templates, resources, .. } = self;
        for Rows { template, spans, .. } in templates.into_iter().flatten() {
            let has_message = template.slots.iter().any(|slot| slot.place == Place::StatusMessage);
            let scope = segment.scope(template.scope)?;
            let attributes = scope.scope.as_ref().map_or(&[][..], |own| &own.attributes);
            for (step, spans) in spans {
                census.begin(counting.unit(step, spans));
                let (kind, status) = (template.kind, template.status.unwrap_or_default());
                census.add_own(&template.name, tag::kind(kind), tag::status(status))?;
                if template.status.is_some() && !has_message {
                    census.add_message("")?;
                }
                census.add_all(TagScope::Instrumentation, attributes)?;
            }
        }
        for (code, spans) in (0..).zip(resources).filter(|(_, spans)| !spans.is_empty()) {
            let resource = segment.resource(code)?;
            let attributes = resource.resource.as_ref().map_or(&[][..], |own| &own.attributes);
            for (step, spans) in spans {
                census.begin(counting.unit(step, spans));
                census.add_all(TagScope::Resource, attributes)?;
            }
        }
        Ok(())
    }
}

/// The columns of a template that have values to be counted.
fn slots<T: Count>(template: &Template, census: &mut Census<T>) -> Result<Vec<Slot>> {
    let mut slots = Vec::new();
    for (number, slot) in template.slots.iter().enumerate() {
        let (scope, key, value) = match &slot.place {
            Place::StatusMessage => (None, "statusMessage", ValueType::Str),
            Place::Attribute(owner, key, value) => {
                let scope = match owner {
                    Owner::Span => TagScope::Span,
                    Owner::Event => TagScope::Event,
                    Owner::Link => TagScope::Link,
                };
                (Some(scope), key.as_str(), *value)
            }
            _ => continue,
        };
        if matches!(
            value,
            ValueType::Str
                | ValueType::Bool
                | ValueType::Int
                | ValueType::Double
                | ValueType::Array
        ) {
            let key = census.key(scope, key)?;
            slots.push(Slot { column: SLOTS + number, value, key });
        }
    }
    Ok(slots)
}

impl Slot {
    /// Adds a row's value to the unit under way.
    fn add<T: Count>(
        &self,
        columns: Columns<'_>,
        codes: &mut Codes,
        census: &mut Census<T>,
    ) -> Result<()> {
        if self.value != ValueType::Array {
            census.bear(self.key)?;
            if !census.counts(self.key) {
                return Ok(());
            }
        }
        match self.value {
            ValueType::Str => self.add_text(columns, codes, census),
            ValueType::Bool => census.add(self.key, Plain::Bool(columns.int(self.column)? != 0)),
            ValueType::Double => {
                let double = f64::from_bits(columns.int(self.column)? as u64);
                census.add(self.key, Plain::Number(Number::Double(double)))
            }
            ValueType::Array => {
                let array = ValueRef::Array(columns.blob(self.column)?);
                tag::each_plain_of_ref(&array, &mut |value| census.add(self.key, value))
            }
            _ => census.add(self.key, Plain::Number(Number::Int(columns.int(self.column)?))),
        }
    }

    fn add_text<T: Count>(
        &self,
        columns: Columns<'_>,
        codes: &mut Codes,
        census: &mut Census<T>,
    ) -> Result<()> {
        let Some(code) = columns.code(self.column)? else {
            return census.add(self.key, Plain::Text(columns.text(self.column)?.as_str()));
        };
        let code = code as usize;
        let known = codes.get(self.key).and_then(|own| own.get(code)).copied().unwrap_or(0);
        if let Some(known) = known.checked_sub(1) {
            return census.count(self.key, known as usize);
        }
        let text = columns.text(self.column)?;
        let Some(number) = census.value(self.key, Plain::Text(text.as_str()))? else {
            return Ok(());
        };
        if codes.len() <= self.key {
            codes.resize_with(self.key + 1, Vec::new);
        }
        if let Some(own) = codes.get_mut(self.key) {
            if own.len() <= code {
                // At most as many as the dictionary has: the text of this one was read.
                own.resize(code + 1, 0);
            }
            if let Some(known) = own.get_mut(code) {
                *known = number as u32 + 1;
            }
        }
        census.count(self.key, number)
    }
}
