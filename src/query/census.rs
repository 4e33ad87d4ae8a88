//! How many spans of two sets bear which values of which attributes.
//!
//! Spans are counted in *units*: one span, or several that bear the same values of what is looked
//! at. A value counts once a unit, however often it stands there: in a repeated key, in an array, on
//! several events. Of a key with too many values none is counted any longer, so that ids of requests
//! cost no memory; which keys these are depends on the spans alone, not on their order.

use crate::base::error::Result;
use crate::base::model::KeyValue;
use crate::base::number::Number;
use crate::base::quick::QuickMap;
use crate::base::text::Str;
use crate::base::view::AttrRef;
use crate::query::bounds::Bounds;
use crate::query::hit::TagScope;
use crate::query::listed::{Listed, Plain};
use crate::query::source::Row;
use crate::query::tag;

/// What a key takes beside its text and its values, about.
const KEY_BYTES: usize = 256;

/// One of the two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

/// Spans that are counted together.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// The set they belong to.
    pub side: Side,
    /// The step of time in which they start, if that is looked at.
    pub step: u64,
    /// How many they are.
    pub spans: u64,
}

/// What is kept of counted spans.
pub trait Count: Default {
    /// Adds spans; how many bytes that took beside itself.
    fn add(&mut self, unit: &Unit) -> usize;
}

/// How many spans of each set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of the first.
    pub a: u64,
    /// Of the second.
    pub b: u64,
}

impl Count for Counts {
    fn add(&mut self, unit: &Unit) -> usize {
        let own = match unit.side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        };
        *own = own.saturating_add(unit.spans);
        0
    }
}

/// Counts spans by the values that they bear.
#[derive(Debug)]
pub struct Census<T> {
    /// By scope; those of no scope are what spans say themselves.
    places: [QuickMap<Str, usize>; SCOPES],
    keys: Vec<Counted<T>>,
    spans: T,
    unit: Unit,
    /// Tells units apart.
    number: u64,
    bytes: usize,
    most: usize,
    bounds: Bounds,
}

/// What was counted of one key.
#[derive(Debug)]
pub struct Counted<T> {
    /// On what the attribute stands; none if the span says it itself.
    pub scope: Option<TagScope>,
    /// The key.
    pub key: Str,
    /// The spans that bear the key with a value that lists show.
    pub bearing: T,
    /// Its values in the order in which they were met; none if they are too many.
    pub values: Option<Vec<(Listed, T)>>,
    /// Of each value the unit that was counted last, and of the key.
    last: Vec<u64>,
    last_bearing: u64,
    texts: QuickMap<Str, usize>,
    others: QuickMap<(u8, u64), usize>,
    bytes: usize,
}

const SCOPES: usize = 6;

const fn place(scope: Option<TagScope>) -> usize {
    match scope {
        None => 0,
        Some(TagScope::Resource) => 1,
        Some(TagScope::Span) => 2,
        Some(TagScope::Event) => 3,
        Some(TagScope::Link) => 4,
        Some(TagScope::Instrumentation) => 5,
    }
}

impl<T: Count> Census<T> {
    /// Nothing yet; of keys with more than `most` values none will be counted.
    pub fn new(most: usize, bounds: &Bounds) -> Self {
        Self {
            places: Default::default(),
            keys: Vec::new(),
            spans: T::default(),
            unit: Unit { side: Side::A, step: 0, spans: 0 },
            number: 0,
            bytes: 0,
            most,
            bounds: bounds.clone(),
        }
    }

    /// Counts the spans of a unit, as such.
    pub fn add_spans(&mut self, unit: &Unit) -> Result<()> {
        let bytes = self.spans.add(unit);
        self.take(bytes)
    }

    /// Begins a unit: what is added from now on its spans bear.
    pub const fn begin(&mut self, unit: Unit) {
        self.unit = unit;
        self.number += 1;
    }

    /// The number of a key.
    pub fn key(&mut self, scope: Option<TagScope>, key: &str) -> Result<usize> {
        let number = self.keys.len();
        let Some(places) = self.places.get_mut(place(scope)) else { return Ok(number) };
        if let Some(known) = places.get(key) {
            return Ok(*known);
        }
        let text = Str::from(key);
        places.insert(text.clone(), number);
        self.keys.push(Counted::new(scope, text));
        self.take(KEY_BYTES + key.len())?;
        Ok(number)
    }

    /// Adds a value of a key to the unit.
    pub fn add(&mut self, key: usize, value: Plain<'_>) -> Result<()> {
        self.bear(key)?;
        match self.value(key, value)? {
            Some(number) => self.count(key, number),
            None => Ok(()),
        }
    }

    /// Adds that the unit bears some value of a key.
    pub fn bear(&mut self, key: usize) -> Result<()> {
        let Some(counted) = self.keys.get_mut(key) else { return Ok(()) };
        if counted.last_bearing == self.number {
            return Ok(());
        }
        counted.last_bearing = self.number;
        let bytes = counted.bearing.add(&self.unit);
        self.take(bytes)
    }

    /// Whether the values of a key are still counted.
    pub fn counts(&self, key: usize) -> bool {
        self.keys.get(key).is_some_and(|counted| counted.values.is_some())
    }

    /// The number of a value of a key; `None` where there are too many of them.
    pub fn value(&mut self, key: usize, value: Plain<'_>) -> Result<Option<usize>> {
        let most = self.most;
        let Some(counted) = self.keys.get_mut(key) else { return Ok(None) };
        let Some(values) = &mut counted.values else { return Ok(None) };
        let number = values.len();
        let known = match value {
            Plain::Text(text) => counted.texts.get(text),
            other => counted.others.get(&bits(other)),
        };
        if let Some(known) = known {
            return Ok(Some(*known));
        }
        if number >= most {
            self.bytes = self.bytes.saturating_sub(counted.bytes);
            counted.give_up();
            return Ok(None);
        }
        let listed = Listed::from(value);
        match listed.text() {
            Some(text) => counted.texts.insert(text.clone(), number),
            None => counted.others.insert(bits(value), number),
        };
        values.push((listed, T::default()));
        counted.last.push(0);
        // Two places in tables that are half full, and what the value itself takes.
        let bytes = 2 * size_of::<(Str, usize)>() + size_of::<(Listed, T, u64)>();
        let bytes = 2 * bytes + value.text_bytes();
        counted.bytes += bytes;
        self.take(bytes)?;
        Ok(Some(number))
    }

    /// Adds the value with this number to the unit.
    pub fn count(&mut self, key: usize, value: usize) -> Result<()> {
        let Some(counted) = self.keys.get_mut(key) else { return Ok(()) };
        let Some(last) = counted.last.get_mut(value) else { return Ok(()) };
        if std::mem::replace(last, self.number) == self.number {
            return Ok(());
        }
        let own = counted.values.as_mut().and_then(|values| values.get_mut(value));
        let bytes = own.map_or(0, |(_, count)| count.add(&self.unit));
        counted.bytes += bytes;
        self.take(bytes)
    }

    /// Counts a unit of one span with all that it bears.
    pub fn add_row(&mut self, unit: Unit, row: &Row<'_>) -> Result<()> {
        self.add_spans(&unit)?;
        self.begin(unit);
        let span = &row.span;
        let message = span.status.as_ref().map(|status| status.message.as_str());
        self.add_own(span.name.as_str(), tag::kind(span.kind), tag::status(span.status_code()))?;
        if let Some(message) = message {
            self.add_message(message)?;
        }
        let resource = row.resource.resource.as_ref();
        self.add_all(TagScope::Resource, resource.map_or(&[], |own| &own.attributes))?;
        let scope = row.scope.scope.as_ref();
        self.add_all(TagScope::Instrumentation, scope.map_or(&[], |own| &own.attributes))?;
        self.add_refs(TagScope::Span, &span.attributes)?;
        for event in &span.events {
            self.add_refs(TagScope::Event, &event.attributes)?;
        }
        for link in &span.links {
            self.add_refs(TagScope::Link, &link.attributes)?;
        }
        Ok(())
    }

    /// Adds what a span says itself.
    pub fn add_own(&mut self, name: &str, kind: Plain<'_>, status: Plain<'_>) -> Result<()> {
        for (key, value) in [("name", Plain::Text(name)), ("kind", kind), ("status", status)] {
            let key = self.key(None, key)?;
            self.add(key, value)?;
        }
        Ok(())
    }

    /// Adds the text that goes with a status.
    pub fn add_message(&mut self, message: &str) -> Result<()> {
        let key = self.key(None, "statusMessage")?;
        self.add(key, Plain::Text(message))
    }

    /// Adds attributes.
    pub fn add_all(&mut self, scope: TagScope, attributes: &[KeyValue]) -> Result<()> {
        for attribute in attributes {
            tag::each_plain(&attribute.value, &mut |value| {
                let key = self.key(Some(scope), &attribute.key)?;
                self.add(key, value)
            })?;
        }
        Ok(())
    }

    fn add_refs(&mut self, scope: TagScope, attributes: &[AttrRef<'_>]) -> Result<()> {
        for attribute in attributes {
            tag::each_plain_of_ref(&attribute.value, &mut |value| {
                let key = self.key(Some(scope), attribute.key.as_str())?;
                self.add(key, value)
            })?;
        }
        Ok(())
    }

    /// All spans, and what was counted of each key.
    pub fn into_parts(self) -> (T, Vec<Counted<T>>) {
        (self.spans, self.keys)
    }

    fn take(&mut self, bytes: usize) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        self.bytes += bytes;
        self.bounds.check_found(self.bytes)
    }
}

impl<T: Count> Counted<T> {
    fn new(scope: Option<TagScope>, key: Str) -> Self {
        Self {
            scope,
            key,
            bearing: T::default(),
            values: Some(Vec::new()),
            last: Vec::new(),
            last_bearing: 0,
            texts: QuickMap::default(),
            others: QuickMap::default(),
            bytes: 0,
        }
    }

    /// Counts no values from now on.
    fn give_up(&mut self) {
        self.values = None;
        self.last = Vec::new();
        self.texts = QuickMap::default();
        self.others = QuickMap::default();
        self.bytes = 0;
    }
}

/// The type and the bits of a value that is no text.
const fn bits(value: Plain<'_>) -> (u8, u64) {
    match value {
        Plain::Bool(truth) => (0, truth as u64),
        Plain::Number(Number::Int(number)) => (1, number as u64),
        Plain::Number(Number::Double(number)) => (2, number.to_bits()),
        Plain::Text(_) => (3, 0),
    }
}
