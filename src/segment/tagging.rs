//! Gathers the terms of a segment: which traces have which values of which keys.
//!
//! What a template or a resource holds constantly is told once for all traces that have it; only
//! the slots are walked row by row.

use std::collections::{BTreeMap, HashMap};

use crate::base::error::Result;
use crate::base::model::{KeyValue, ResourceContext, ScopeContext, Value};
use crate::base::text::Str;
use crate::base::view::{AttrRef, SpanRef, ValueRef};
use crate::block::pool::Pool;
use crate::block::shapes::Shape;
use crate::block::skeleton::ValueType;
use crate::block::slots::{PoolUse, Pools, repeats};
use crate::block::template::{Owner, Place};
use crate::index::scarce::ScarceKey;
use crate::index::term::TagScope;
use crate::index::terms_builder::TermsBuilder;
use crate::segment::scarcity::{Scarcity, Untold};
use crate::segment::values::{Field, Told, Walk};

/// Names of the intrinsic keys, as the index knows them.
pub mod intrinsic {
    use crate::index::term::TagScope;

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
    pub fn arrays(scope: TagScope, key: &str) -> String {
        format!("array:{scope}.{key}")
    }

    /// The scope and key of which [`arrays`] made a name.
    pub fn array_key(name: &str) -> Option<(TagScope, &str)> {
        let name = name.strip_prefix("array:")?;
        TagScope::ALL.into_iter().find_map(|scope| {
            let key = name.strip_prefix(scope.name())?.strip_prefix('.')?;
            Some((scope, key))
        })
    }
}

type Key = (TagScope, Str);

/// Collects the terms of a segment.
#[derive(Debug)]
pub(super) struct Tagging<'a> {
    shapes: &'a [Shape],
    /// For each shape the ordinals of its rows' traces.
    ordinals: &'a [Vec<u32>],
    /// The same, each trace once.
    traces: Vec<Vec<u32>>,
    fields: BTreeMap<(Key, ValueType), Field>,
    told: BTreeMap<Key, Told>,
}

impl<'a> Tagging<'a> {
    /// Begins with what all rows with a template hold.
    pub fn new(shapes: &'a [Shape], ordinals: &'a [Vec<u32>]) -> Self {
        let (fields, told) = (BTreeMap::new(), BTreeMap::new());
        let mut tagging = Self { shapes, ordinals, traces: Vec::new(), fields, told };
        for (index, (shape, ordinals)) in shapes.iter().zip(ordinals).enumerate() {
            let mut traces = ordinals.clone();
            traces.dedup();
            tagging.add_shape(index, shape, &traces);
            tagging.traces.push(traces);
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

    /// The keys that so few values bear that they get no entries.
    fn scarce(&self, walk: Walk<'_>) -> Vec<ScarceKey> {
        let mut scarcity = Scarcity::default();
        for (key, told) in &self.told {
            scarcity.note(key, told.lists());
        }
        for ((key, _), field) in &self.fields {
            scarcity.note(key, walk.lists_of(field));
        }
        scarcity.finish()
    }

    /// Hands all terms to `terms`, and says how the values of each pool are to be stored. Where rows
    /// are mostly spelled, to look at one is to decode its neighbours.
    pub fn finish(
        mut self,
        terms: &mut TermsBuilder,
        pools: &mut Pools,
        mostly_spelled: bool,
    ) -> Vec<PoolUse> {
        let Self { shapes, ordinals, .. } = self;
        let traces = std::mem::take(&mut self.traces);
        let walk = Walk { shapes, ordinals, traces: &traces, mostly_spelled };
        let scarce = self.scarce(walk);
        let untold = Untold { keys: &scarce };
        if !scarce.is_empty() {
            terms.add_scarce(&scarce);
        }
        // Names first: many lists are unions of theirs.
        let name = self.told.remove_entry(&(TagScope::Intrinsic, Str::from(intrinsic::NAME)));
        for (name, told) in name.into_iter().chain(self.told) {
            if !untold.contains(&name) {
                told.finish(name.0, &name.1, mostly_spelled, terms);
            }
        }
        let mut fields: BTreeMap<Key, Vec<(ValueType, Field)>> = BTreeMap::new();
        for ((key, kind), field) in self.fields {
            if !untold.contains(&key) {
                fields.entry(key).or_default().push((kind, field));
            }
        }
        let mut ranks: HashMap<u32, Vec<u32>> = HashMap::new();
        for ((scope, key), kinds) in fields {
            let mut buckets = Vec::new();
            for (kind, field) in &kinds {
                if *kind == ValueType::Str {
                    let pool = pools.at(&place_of(scope, &key));
                    let codes = walk.add_texts(scope, &key, pool, field, pools, terms);
                    ranks.extend(codes.map(|codes| (pool, codes)));
                } else {
                    walk.add_numbers(scope, &key, *kind, field, terms, &mut buckets);
                }
            }
            if !buckets.is_empty() {
                terms.add_buckets(scope, &key, &buckets);
            }
        }
        // Spelled spans are records of their rows, however few they are.
        let is_untold =
            |place: &Place| field_of(place).is_some_and(|(key, _)| untold.contains(&key));
        let shares = |place: &Place, pool: &Pool| {
            *place != Place::Spelled && repeats(pool) && !is_untold(place)
        };
        let use_of = |(number, (place, pool)): (u32, (&Place, &Pool))| match ranks.remove(&number) {
            Some(ranks) => PoolUse::Dictionary(ranks),
            None if shares(place, pool) => PoolUse::Shared(0),
            None => PoolUse::Unique,
        };
        (0..).zip(pools.iter()).map(use_of).collect()
    }
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
