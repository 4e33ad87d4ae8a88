//! The templates of a segment while it is being built: rows by their structure.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::base::checksum::hash128;
use crate::base::error::{Error, Result};
use crate::base::limits::{MAX_SKELETON_BYTES, MAX_TEMPLATES};
use crate::base::view::{SpanRef, StrRef};
use crate::block::dissection::{Dissection, Scalar};
use crate::block::pool::Prehashed;
use crate::block::skeleton::{SlotSink, visit_slots, write_skeleton};
use crate::block::slots::{Pools, RowSink, SlotValues};
use crate::block::template::{Names, SlotSource, Template};

/// Values longer than this make a row spelled: columns are for what is short.
const MAX_SLOT_BYTES: usize = 64 << 10;

/// All templates, and the slots of their rows.
#[derive(Debug, Default)]
pub struct Shapes {
    list: Vec<Shape>,
    by_hash: HashMap<u128, u32, BuildHasherDefault<Prehashed>>,
    skeleton: Vec<u8>,
    names: Names,
    /// The shape of the row before.
    last: u32,
}

/// A template and its rows.
#[derive(Debug)]
pub struct Shape {
    /// Its skeleton.
    pub skeleton: Box<[u8]>,
    /// The skeleton decoded.
    pub template: Template,
    /// The values of its slots.
    pub slots: Vec<SlotValues>,
    /// How many rows it has.
    pub rows: usize,
    /// The shape that followed last.
    next: u32,
}

impl Shapes {
    /// Takes a row apart and returns its shape; `None`, with nothing taken, if it has to be
    /// spelled.
    pub fn push(
        &mut self,
        scope: u32,
        span: &SpanRef<'_>,
        pools: &mut Pools,
    ) -> Result<Option<u32>> {
        self.skeleton.clear();
        write_skeleton(scope, span, &mut self.skeleton);
        if longest_value(span) > MAX_SLOT_BYTES {
            return Ok(None);
        }
        let Some(index) = self.index(pools)? else { return Ok(None) };
        let Some(shape) = self.list.get_mut(index as usize) else { return Ok(None) };
        let mut sink = RowSink { slots: shape.slots.iter_mut(), pools, outcome: Ok(()) };
        visit_slots(span, &mut sink);
        sink.outcome?;
        shape.rows += 1;
        Ok(Some(index))
    }

    /// The same of a row that has been taken apart.
    pub fn push_dissected(
        &mut self,
        scope: u32,
        span: &Dissection<'_>,
        pools: &mut Pools,
    ) -> Result<Option<u32>> {
        self.skeleton.clear();
        span.write_skeleton(scope, &mut self.skeleton);
        if span.longest_value() > MAX_SLOT_BYTES {
            return Ok(None);
        }
        let Some(index) = self.index(pools)? else { return Ok(None) };
        let Some(shape) = self.list.get_mut(index as usize) else { return Ok(None) };
        let mut sink = RowSink { slots: shape.slots.iter_mut(), pools, outcome: Ok(()) };
        for scalar in span.slots() {
            match scalar {
                Scalar::Int(value) => sink.int(value),
                Scalar::Bytes(value) => sink.blob(value),
            }
        }
        sink.outcome?;
        shape.rows += 1;
        Ok(Some(index))
    }

    /// The number of the shape with the skeleton at hand; `None` if there can be none.
    fn index(&mut self, pools: &mut Pools) -> Result<Option<u32>> {
        // What followed the shape before mostly follows it again: a compare is cheaper than a hash.
        let predicted = self.list.get(self.last as usize).map(|last| last.next);
        let shape = predicted.and_then(|index| self.list.get(index as usize));
        if let (Some(shape), Some(index)) = (shape, predicted)
            && *shape.skeleton == *self.skeleton
        {
            self.last = index;
            return Ok(Some(index));
        }
        if self.skeleton.len() > MAX_SKELETON_BYTES {
            return Ok(None);
        }
        let hash = hash128(&self.skeleton);
        let index = match self.by_hash.get(&hash) {
            Some(&index) => index,
            None if self.list.len() >= MAX_TEMPLATES => return Ok(None),
            None => self.add(hash, pools)?,
        };
        if self.list.get(index as usize).is_none_or(|shape| *shape.skeleton != *self.skeleton) {
            return Ok(None);
        }
        if let Some(last) = self.list.get_mut(self.last as usize) {
            last.next = index;
        }
        self.last = index;
        Ok(Some(index))
    }

    fn add(&mut self, hash: u128, pools: &mut Pools) -> Result<u32> {
        let template = Template::parse(&self.skeleton, &mut self.names)
            .ok_or_else(|| Error::invalid("a span whose structure cannot be told"))?;
        let slots = template.slots.iter().map(|slot| SlotValues::new(slot, pools)).collect();
        let index = self.list.len() as u32;
        let skeleton = self.skeleton.as_slice().into();
        self.list.push(Shape { skeleton, template, slots, rows: 0, next: 0 });
        self.by_hash.insert(hash, index);
        Ok(index)
    }

    /// The shape with this number.
    pub fn get(&self, index: u32) -> Option<&Shape> {
        self.list.get(index as usize)
    }

    /// All shapes, by number.
    pub fn list(&self) -> &[Shape] {
        &self.list
    }

    /// Gives up the shapes.
    pub fn into_list(self) -> Vec<Shape> {
        self.list
    }

    /// Memory held, about.
    pub fn memory_bytes(&self) -> usize {
        let shape = |shape: &Shape| {
            let slots: usize = shape.slots.iter().map(|slot| slot.memory_bytes() + 80).sum();
            shape.skeleton.len() * 3 + slots + 400
        };
        self.list.iter().map(shape).sum()
    }
}

fn longest_value(span: &SpanRef<'_>) -> usize {
    struct Longest(usize);
    impl SlotSink for Longest {
        fn int(&mut self, _: i64) {}
        fn text(&mut self, value: &str) {
            self.0 = self.0.max(value.len());
        }
        fn blob(&mut self, value: &[u8]) {
            self.0 = self.0.max(value.len());
        }
    }
    let mut longest = Longest(0);
    visit_slots(span, &mut longest);
    longest.0
}

/// Reads a row's slots back from the columns in memory.
#[derive(Debug)]
pub struct MemorySlots<'a> {
    slots: std::slice::Iter<'a, SlotValues>,
    pools: &'a Pools,
    row: usize,
}

impl<'a> MemorySlots<'a> {
    /// The slots of the so-manieth row of `shape`.
    pub fn new(shape: &'a Shape, row: usize, pools: &'a Pools) -> Self {
        Self { slots: shape.slots.iter(), pools, row }
    }

    fn pooled(&mut self) -> Option<&'a [u8]> {
        match self.slots.next()? {
            SlotValues::Pooled { pool, numbers } => {
                Some(self.pools.get(*pool)?.get(*numbers.get(self.row)?))
            }
            SlotValues::Ints(_) => None,
        }
    }
}

fn missing() -> Error {
    Error::invalid("a row without its slots")
}

impl<'a> SlotSource<'a> for MemorySlots<'a> {
    fn int(&mut self) -> Result<i64> {
        match self.slots.next() {
            Some(SlotValues::Ints(values)) => values.get(self.row).copied().ok_or_else(missing),
            _ => Err(missing()),
        }
    }

    fn text(&mut self) -> Result<StrRef<'a>> {
        let bytes = self.pooled().ok_or_else(missing)?;
        Ok(StrRef::Plain(std::str::from_utf8(bytes).map_err(|_| missing())?))
    }

    fn blob(&mut self) -> Result<Cow<'a, [u8]>> {
        self.pooled().map(Cow::Borrowed).ok_or_else(missing)
    }
}
