//! Gathers the terms of a segment: which traces have which values of which keys.
//!
//! What a template or a resource holds constantly is told once for all traces that have it; only
//! the slots are walked row by row.

use std::collections::{BTreeMap, HashMap};

use crate::base::error::Result;
use crate::base::limits::MAX_TERM_BYTES;
use crate::base::model::{KeyValue, ResourceContext, ScopeContext, Value};
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::view::{AttrRef, SpanRef, ValueRef};
use crate::block::shapes::Shape;
use crate::block::skeleton::ValueType;
use crate::block::slots::{PoolUse, Pools, SlotValues, is_term, repeats};
use crate::block::template::{Owner, Place};
use crate::index::term::{TagScope, TermKind, hash_number, hash_text};
use crate::index::terms_builder::TermsBuilder;

/// Numbers of more different values are indexed by magnitude.
const MAX_EXACT_NUMBERS: usize = 1024;

/// Names of the intrinsic keys, as the index knows them.
pub mod intrinsic {
    /// A span's name.
    pub const NAME: &str = "name";
    /// A span's kind, as its number.
    pub const KIND: &str = "kind";
    /// A span's status code, as its number; 0 where there is no status.
    pub const STATUS: &str = "status";
    /// A status's message.
    pub const STATUS_MESSAGE: &str = "statusMessage";
    /// An event's name.
    pub const EVENT_NAME: &str = "event:name";
    /// An instrumentation scope's name.
    pub const SCOPE_NAME: &str = "instrumentation:name";
    /// An instrumentation scope's version.
    pub const SCOPE_VERSION: &str = "instrumentation:version";

    /// The key under which the traces stand that have an array under another key: elements are
    /// not indexed, so this is how a search for one knows where to look.
    pub fn arrays(scope: crate::index::term::TagScope, key: &str) -> String {
        format!("array:{scope}.{key}")
    }
}

type Key = (TagScope, Str);

/// The values of one key and type, where they lie in slots.
#[derive(Debug, Default)]
struct Field {
    /// Shape and slot.
    slots: Vec<(usize, usize)>,
    /// Values of spelled rows, or their numbers in the pool, with the ordinals.
    extra: Vec<(i64, u32)>,
}

/// Values told with the traces that have them.
#[derive(Debug, Default)]
struct Told {
    texts: HashMap<Str, Vec<u32>>,
    ints: BTreeMap<i64, Vec<u32>>,
    doubles: BTreeMap<u64, Vec<u32>>,
    bools: BTreeMap<bool, Vec<u32>>,
    present: Vec<u32>,
}

/// Collects the terms of a segment.
#[derive(Debug)]
pub(super) struct Tagging<'a> {
    shapes: &'a [Shape],
    /// For each shape the ordinals of its rows' traces.
    ordinals: &'a [Vec<u32>],
    fields: BTreeMap<(Key, ValueType), Field>,
    told: BTreeMap<Key, Told>,
}

impl<'a> Tagging<'a> {
    /// Begins with what all rows with a template hold.
    pub fn new(shapes: &'a [Shape], ordinals: &'a [Vec<u32>]) -> Self {
        let mut tagging = Self { shapes, ordinals, fields: BTreeMap::new(), told: BTreeMap::new() };
        for (index, (shape, ordinals)) in shapes.iter().zip(ordinals).enumerate() {
            let mut traces = ordinals.clone();
            traces.dedup();
            tagging.add_shape(index, shape, &traces);
        }
        tagging
    }

    fn add_shape(&mut self, index: usize, shape: &Shape, traces: &[u32]) {
        let template = &shape.template;
        self.tell_text(TagScope::Intrinsic, intrinsic::NAME, &template.name, traces);
        self.tell_int(intrinsic::KIND, template.kind.0.into(), traces);
        self.tell_int(intrinsic::STATUS, template.status.unwrap_or_default().0.into(), traces);
        for (slot, place) in template.slots.iter().map(|slot| &slot.place).enumerate() {
            if let Some((key, kind)) = field_of(place) {
                self.fields.entry((key, kind)).or_default().slots.push((index, slot));
            }
        }
        let events = template.events.iter().map(|event| (Owner::Event, &event.attributes));
        let links = template.links.iter().map(|link| (Owner::Link, &link.attributes));
        let all = std::iter::once((Owner::Span, &template.attributes)).chain(events).chain(links);
        for (owner, attributes) in all {
            for (key, kind) in attributes {
                if !is_indexed(*kind) {
                    self.tell_present(scope_of(owner), key, *kind, traces);
                }
            }
        }
        for event in &template.events {
            self.tell_text(TagScope::Intrinsic, intrinsic::EVENT_NAME, &event.name, traces);
        }
    }

    /// Adds a row that is spelled.
    pub fn add_spelled(
        &mut self,
        span: &SpanRef<'_>,
        ordinal: u32,
        pools: &mut Pools,
    ) -> Result<()> {
        let at = &[ordinal];
        self.tell_text(TagScope::Intrinsic, intrinsic::NAME, span.name.as_str(), at);
        self.tell_int(intrinsic::KIND, span.kind.0.into(), at);
        self.tell_int(intrinsic::STATUS, span.status_code().0.into(), at);
        if let Some(status) = &span.status
            && !status.message.as_str().is_empty()
        {
            let value = ValueRef::Str(status.message.clone());
            self.add_value(&Place::StatusMessage, &value, ordinal, pools)?;
        }
        self.add_attributes(Owner::Span, &span.attributes, ordinal, pools)?;
        for event in &span.events {
            self.tell_text(TagScope::Intrinsic, intrinsic::EVENT_NAME, event.name.as_str(), at);
            self.add_attributes(Owner::Event, &event.attributes, ordinal, pools)?;
        }
        for link in &span.links {
            self.add_attributes(Owner::Link, &link.attributes, ordinal, pools)?;
        }
        Ok(())
    }

    fn add_attributes(
        &mut self,
        owner: Owner,
        attributes: &[AttrRef<'_>],
        ordinal: u32,
        pools: &mut Pools,
    ) -> Result<()> {
        for AttrRef { key, value } in attributes {
            let key = Str::from(key.as_str());
            let place = Place::Attribute(owner, key, ValueType::of(value));
            self.add_value(&place, value, ordinal, pools)?;
        }
        Ok(())
    }

    fn add_value(
        &mut self,
        place: &Place,
        value: &ValueRef<'_>,
        ordinal: u32,
        pools: &mut Pools,
    ) -> Result<()> {
        let Some((key, kind)) = field_of(place) else {
            if let Place::Attribute(owner, key, kind) = place {
                self.tell_present(scope_of(*owner), key, *kind, &[ordinal]);
            }
            return Ok(());
        };
        let number = match value {
            ValueRef::Bool(truth) => i64::from(*truth),
            ValueRef::Int(number) => *number,
            ValueRef::Double(number) => number.to_bits() as i64,
            ValueRef::Str(text) => {
                let pool = pools.at(place);
                pools.intern(pool, text.as_str().as_bytes())?.into()
            }
            _ => return Ok(()),
        };
        self.fields.entry((key, kind)).or_default().extra.push((number, ordinal));
        Ok(())
    }

    /// Adds what a resource says of the traces it is part of.
    pub fn add_resource(&mut self, context: &ResourceContext, traces: &[u32]) {
        if let Some(resource) = &context.resource {
            self.tell_all(TagScope::Resource, &resource.attributes, traces);
        }
    }

    /// Adds what an instrumentation scope says of the traces it is part of.
    pub fn add_scope(&mut self, context: &ScopeContext, traces: &[u32]) {
        let Some(scope) = &context.scope else { return };
        self.tell_all(TagScope::Instrumentation, &scope.attributes, traces);
        self.tell_text(TagScope::Intrinsic, intrinsic::SCOPE_NAME, &scope.name, traces);
        self.tell_text(TagScope::Intrinsic, intrinsic::SCOPE_VERSION, &scope.version, traces);
    }

    fn tell_all(&mut self, scope: TagScope, attributes: &[KeyValue], traces: &[u32]) {
        for KeyValue { key, value } in attributes {
            let told = self.told_of(scope, key);
            let list = match value {
                Value::String(text) => told.texts.entry(text.clone()).or_default(),
                Value::Int(number) => told.ints.entry(*number).or_default(),
                Value::Double(number) => told.doubles.entry(number.to_bits()).or_default(),
                Value::Bool(truth) => told.bools.entry(*truth).or_default(),
                _ => &mut told.present,
            };
            list.extend_from_slice(traces);
            if let Value::Array(_) = value {
                self.tell_array(scope, key, traces);
            }
        }
    }

    /// Tells of values that are not indexed.
    fn tell_present(&mut self, scope: TagScope, key: &Str, kind: ValueType, traces: &[u32]) {
        self.told_of(scope, key).present.extend_from_slice(traces);
        if kind == ValueType::Array {
            self.tell_array(scope, key, traces);
        }
    }

    fn tell_array(&mut self, scope: TagScope, key: &str, traces: &[u32]) {
        let key = Str::from(intrinsic::arrays(scope, key));
        self.told_of(TagScope::Intrinsic, &key).present.extend_from_slice(traces);
    }

    fn told_of(&mut self, scope: TagScope, key: &Str) -> &mut Told {
        self.told.entry((scope, key.clone())).or_default()
    }

    fn tell_text(&mut self, scope: TagScope, key: &str, text: &str, traces: &[u32]) {
        let told = self.told_of(scope, &Str::from(key));
        match told.texts.get_mut(text) {
            Some(list) => list.extend_from_slice(traces),
            None => {
                told.texts.insert(Str::from(text), traces.to_vec());
            }
        }
    }

    fn tell_int(&mut self, key: &str, number: i64, traces: &[u32]) {
        let told = self.told_of(TagScope::Intrinsic, &Str::from(key));
        told.ints.entry(number).or_default().extend_from_slice(traces);
    }

    /// Hands all terms to `terms`, and says how the values of each pool are to be stored.
    pub fn finish(self, terms: &mut TermsBuilder, pools: &mut Pools) -> Vec<PoolUse> {
        for ((scope, key), told) in self.told {
            told.finish(scope, &key, terms);
        }
        let mut fields: BTreeMap<Key, Vec<(ValueType, Field)>> = BTreeMap::new();
        for ((key, kind), field) in self.fields {
            fields.entry(key).or_default().push((kind, field));
        }
        let walk = Walk { shapes: self.shapes, ordinals: self.ordinals };
        let mut ranks: HashMap<u32, Vec<u32>> = HashMap::new();
        for ((scope, key), kinds) in fields {
            let mut buckets = Vec::new();
            for (kind, field) in &kinds {
                if *kind == ValueType::Str {
                    let place = place_of(scope, &key);
                    let pool = pools.at(&place);
                    if let Some(codes) =
                        walk.add_texts(scope, &key, pool, &place, field, pools, terms)
                    {
                        ranks.insert(pool, codes);
                    }
                } else {
                    walk.add_numbers(scope, &key, *kind, field, terms, &mut buckets);
                }
            }
            if !buckets.is_empty() {
                terms.add_buckets(scope, &key, &buckets);
            }
        }
        let use_of = |(number, (_, pool)): (u32, (&Place, &crate::block::pool::Pool))| match ranks
            .remove(&number)
        {
            Some(ranks) => PoolUse::Dictionary(ranks),
            None if repeats(pool) => PoolUse::Shared(0),
            None => PoolUse::Unique,
        };
        (0..).zip(pools.iter()).map(use_of).collect()
    }
}

/// The rows of all shapes.
#[derive(Clone, Copy, Debug)]
struct Walk<'a> {
    shapes: &'a [Shape],
    ordinals: &'a [Vec<u32>],
}

impl<'a> Walk<'a> {
    /// The slots of a field, each with the ordinals of its rows.
    fn slots(self, field: &Field) -> impl Iterator<Item = (&'a SlotValues, &'a [u32])> {
        field.slots.iter().filter_map(move |&(shape, slot)| {
            let values = self.shapes.get(shape)?.slots.get(slot)?;
            Some((values, self.ordinals.get(shape)?.as_slice()))
        })
    }

    /// Calls `each` with the numbers and ordinals of a field, immediate repeats left out.
    fn each(self, field: &Field, mut each: impl FnMut(i64, u32)) {
        for (values, ordinals) in self.slots(field) {
            let mut last = None;
            let mut next = |value: i64, ordinal: u32| {
                if last != Some((value, ordinal)) {
                    last = Some((value, ordinal));
                    each(value, ordinal);
                }
            };
            match values {
                SlotValues::Ints(values) => {
                    values.iter().zip(ordinals).for_each(|(&value, &ordinal)| next(value, ordinal));
                }
                SlotValues::Pooled { numbers, .. } => {
                    numbers.iter().zip(ordinals).for_each(|(&n, &ordinal)| next(n.into(), ordinal));
                }
            }
        }
        field.extra.iter().for_each(|&(value, ordinal)| each(value, ordinal));
    }

    /// Adds the texts of a key; the dictionary's code of each of the pool's numbers, if there is
    /// a dictionary.
    #[expect(clippy::too_many_arguments, reason = "they are what a key consists of")]
    fn add_texts(
        self,
        scope: TagScope,
        key: &str,
        number: u32,
        place: &Place,
        field: &Field,
        pools: &Pools,
        terms: &mut TermsBuilder,
    ) -> Option<Vec<u32>> {
        let pool = pools.get(number)?;
        if !is_term(place, pool) || !repeats(pool) {
            let hashes: Vec<u64> = (0..pool.len()).map(|n| hash_text(pool.text(n))).collect();
            let mut pairs = Vec::new();
            self.each(field, |n, ordinal| {
                pairs.extend(hashes.get(n as usize).map(|&hash| (hash, ordinal)));
            });
            terms.add_hashed(scope, key, TermKind::Str, &pairs);
            return None;
        }
        let lists = self.lists(field, pool.len() as usize);
        let mut order: Vec<u32> = (0..pool.len()).collect();
        order.sort_unstable_by_key(|&n| pool.get(n));
        let mut values: Vec<(&str, Vec<u32>)> = Vec::with_capacity(order.len());
        let mut ranks = vec![0; order.len()];
        let mut lists: Vec<Vec<u32>> = lists;
        for n in order {
            let text = pool.text(n);
            let list = lists.get_mut(n as usize).map(std::mem::take).unwrap_or_default();
            match values.last_mut() {
                Some((last, all)) if *last == text => {
                    all.extend(list);
                    settle(all);
                }
                _ => values.push((text, list)),
            }
            if let Some(rank) = ranks.get_mut(n as usize) {
                *rank = values.len() as u32 - 1;
            }
        }
        terms.add_values(scope, key, &mut values);
        Some(ranks)
    }

    /// For each number of a pool the traces that have its value.
    fn lists(self, field: &Field, len: usize) -> Vec<Vec<u32>> {
        let mut counts = vec![0u32; len];
        self.each(field, |n, _| {
            if let Some(count) = counts.get_mut(n as usize) {
                *count += 1;
            }
        });
        let mut lists: Vec<Vec<u32>> =
            counts.iter().map(|&count| Vec::with_capacity(count as usize)).collect();
        self.each(field, |n, ordinal| {
            if let Some(list) = lists.get_mut(n as usize) {
                list.push(ordinal);
            }
        });
        lists.iter_mut().for_each(settle);
        lists
    }

    /// Adds the numbers or truth values of a key; too many different ones go to `buckets`.
    fn add_numbers(
        self,
        scope: TagScope,
        key: &str,
        kind: ValueType,
        field: &Field,
        terms: &mut TermsBuilder,
        buckets: &mut Vec<(Number, u32)>,
    ) {
        let mut pairs = Vec::new();
        self.each(field, |value, ordinal| pairs.push((value, ordinal)));
        pairs.sort_unstable();
        pairs.dedup();
        let groups = pairs.chunk_by(|a, b| a.0 == b.0);
        let many = groups.clone().nth(MAX_EXACT_NUMBERS).is_some();
        let list = |group: &[(i64, u32)]| group.iter().map(|&(_, ordinal)| ordinal).collect();
        let first = |group: &[(i64, u32)]| group.first().map_or(0, |&(value, _)| value);
        let number = |value: i64| match kind {
            ValueType::Double => Number::Double(f64::from_bits(value as u64)),
            _ => Number::Int(value),
        };
        match kind {
            _ if many => {
                // NaN lies within no bounds, and is found by its hash alone.
                let nan = |&&(value, _): &&(i64, u32)| number(value).is_nan();
                let nans: Vec<(u64, u32)> = pairs
                    .iter()
                    .filter(nan)
                    .map(|&(value, ordinal)| (hash_number(number(value)), ordinal))
                    .collect();
                if !nans.is_empty() {
                    terms.add_hashed(scope, key, TermKind::Double, &nans);
                }
                let rest = pairs.iter().filter(|pair| !nan(pair));
                buckets.extend(rest.map(|&(value, ordinal)| (number(value), ordinal)));
            }
            ValueType::Bool => {
                let mut values: Vec<(bool, Vec<u32>)> =
                    groups.map(|group| (first(group) != 0, list(group))).collect();
                terms.add_values(scope, key, &mut values);
            }
            ValueType::Double => {
                let mut values: Vec<(f64, Vec<u32>)> =
                    groups.map(|g| (f64::from_bits(first(g) as u64), list(g))).collect();
                terms.add_values(scope, key, &mut values);
            }
            _ => {
                let mut values: Vec<(i64, Vec<u32>)> =
                    groups.map(|group| (first(group), list(group))).collect();
                terms.add_values(scope, key, &mut values);
            }
        }
    }
}

impl Told {
    fn finish(self, scope: TagScope, key: &str, terms: &mut TermsBuilder) {
        if self.texts.keys().any(|text| text.len() > MAX_TERM_BYTES) {
            let pairs = self.texts.iter().flat_map(|(text, list)| {
                let hash = hash_text(text);
                list.iter().map(move |&ordinal| (hash, ordinal))
            });
            let mut pairs: Vec<(u64, u32)> = pairs.collect();
            pairs.sort_unstable();
            terms.add_hashed(scope, key, TermKind::Str, &pairs);
        } else if !self.texts.is_empty() {
            let texts = self.texts.iter();
            let mut values: Vec<(&str, Vec<u32>)> =
                texts.map(|(text, list)| (text.as_str(), settled(list.clone()))).collect();
            terms.add_values(scope, key, &mut values);
        }
        add_told(scope, key, self.ints.into_iter(), terms);
        let doubles = self.doubles.into_iter().map(|(bits, list)| (f64::from_bits(bits), list));
        add_told(scope, key, doubles, terms);
        add_told(scope, key, self.bools.into_iter(), terms);
        if !self.present.is_empty() {
            terms.add_present(scope, key, &settled(self.present));
        }
    }
}

fn add_told<V: crate::index::dictionary::DictionaryValue>(
    scope: TagScope,
    key: &str,
    told: impl Iterator<Item = (V, Vec<u32>)>,
    terms: &mut TermsBuilder,
) {
    let mut values: Vec<(V, Vec<u32>)> = told.map(|(value, list)| (value, settled(list))).collect();
    if !values.is_empty() {
        terms.add_values(scope, key, &mut values);
    }
}

/// Ascending, each once. Lists are ascending runs behind one another, which this sort makes use of.
fn settle(list: &mut Vec<u32>) {
    if !list.is_sorted_by(|a, b| a < b) {
        list.sort();
        list.dedup();
    }
}

fn settled(mut list: Vec<u32>) -> Vec<u32> {
    settle(&mut list);
    list
}

/// Where an attribute's owner stands in the index.
fn scope_of(owner: Owner) -> TagScope {
    match owner {
        Owner::Span => TagScope::Span,
        Owner::Event => TagScope::Event,
        Owner::Link => TagScope::Link,
    }
}

/// Whether the values of a type are terms; of others only the presence is indexed.
fn is_indexed(kind: ValueType) -> bool {
    matches!(kind, ValueType::Bool | ValueType::Int | ValueType::Double | ValueType::Str)
}

/// The key and type under which a slot is indexed.
fn field_of(place: &Place) -> Option<(Key, ValueType)> {
    match place {
        Place::Attribute(owner, key, kind) if is_indexed(*kind) => {
            Some(((scope_of(*owner), key.clone()), *kind))
        }
        Place::StatusMessage => {
            let key = Str::from(intrinsic::STATUS_MESSAGE);
            Some(((TagScope::Intrinsic, key), ValueType::Str))
        }
        _ => None,
    }
}

/// The place of the text under a key.
pub(super) fn place_of(scope: TagScope, key: &Str) -> Place {
    let owner = match scope {
        TagScope::Event => Owner::Event,
        TagScope::Link => Owner::Link,
        TagScope::Span => Owner::Span,
        _ => return Place::StatusMessage,
    };
    Place::Attribute(owner, key.clone(), ValueType::Str)
}

/// The scope and key of the dictionary that holds the text at `place`.
pub(super) fn dictionary_of(place: &Place) -> Option<(TagScope, Str)> {
    field_of(place).filter(|(_, kind)| *kind == ValueType::Str).map(|(key, _)| key)
}
