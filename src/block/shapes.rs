//! The templates of a segment while it is being built: rows by their structure.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::base::checksum::{hash64, hash128};
use crate::base::error::{Error, Result};
use crate::base::limits::{MAX_SKELETON_BYTES, MAX_TEMPLATES};
use crate::base::quick::QuickMap;
use crate::base::view::{SpanRef, StrRef};
use crate::block::dissection::{Dissection, LastRow, Scalar};
use crate::block::pool::Prehashed;
use crate::block::skeleton::{SlotKind, SlotSink, visit_slots, write_skeleton};
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
    /// By scope and hash of the name, the shape of a span that had to be read.
    by_name: QuickMap<(u32, u64), u32>,
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
    /// The last row that came in canonical bytes.
    last: LastRow,
    /// The two shapes that followed last, the later one first.
    next: [u32; 2],
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
        let is_same = |&index: &u32| {
            self.list.get(index as usize).is_some_and(|shape| *shape.skeleton == *self.skeleton)
        };
        let index = match self.next().into_iter().find(is_same) {
            Some(index) => index,
            None => match self.index(pools)? {
                Some(index) => index,
                None => return Ok(None),
            },
        };
        let Some(shape) = self.list.get_mut(index as usize) else { return Ok(None) };
        let slots = RowSink { slots: shape.slots.iter_mut(), rows: shape.rows, pools };
        let mut sink = Pushing { slots, outcome: Ok(()) };
        visit_slots(span, &mut sink);
        sink.outcome?;
        shape.rows += 1;
        shape.last.forget();
        self.pass_on(index);
        Ok(Some(index))
    }

    /// Takes apart what `span` was opened with; answers its shape, if that is known already.
    ///
    /// What followed the shape before mostly follows it again, else what had the same name before:
    /// a span that is compared with what it may be needs no skeleton of its own.
    pub fn dissect(&self, scope: u32, span: &mut Dissection<'_>) -> Result<Option<u32>> {
        let next = self.next();
        if let Some(index) = next.into_iter().find(|&index| self.is_followed(index, scope, span)) {
            return Ok(Some(index));
        }
        let like = self.by_name.get(&(scope, hash64(span.name()))).copied();
        if let Some(index) = like.filter(|index| !next.contains(index))
            && self.is_followed(index, scope, span)
        {
            return Ok(Some(index));
        }
        span.read().ok_or_else(|| Error::invalid("a span that does not decode"))?;
        Ok(None)
    }

    /// The same as [`Shapes::push`] of a row that has been taken apart, with the answer to that.
    pub fn push_dissected(
        &mut self,
        scope: u32,
        span: &Dissection<'_>,
        known: Option<u32>,
        pools: &mut Pools,
    ) -> Result<Option<u32>> {
        // Few spans are longer than a value may be.
        if span.bytes().len() > MAX_SLOT_BYTES && span.longest_value() > MAX_SLOT_BYTES {
            return Ok(None);
        }
        let index = match known {
            Some(index) => index,
            None => {
                self.skeleton.clear();
                span.write_skeleton(scope, &mut self.skeleton);
                let Some(index) = self.index(pools)? else { return Ok(None) };
                self.by_name.insert((scope, hash64(span.name())), index);
                index
            }
        };
        let Some(shape) = self.list.get_mut(index as usize) else { return Ok(None) };
        let mut sink = RowSink { slots: shape.slots.iter_mut(), rows: shape.rows, pools };
        match span.differences() {
            Some(differences) => sink.push_differences(differences, shape.last.slots())?,
            None => span.slots().into_iter().try_for_each(|part| sink.push_all(part))?,
        }
        span.teach(&mut shape.last);
        shape.rows += 1;
        self.pass_on(index);
        Ok(Some(index))
    }

    /// Takes a row of a known shape, of which `push` appends each value to its slot.
    pub fn carry(
        &mut self,
        index: u32,
        mut push: impl FnMut(&mut SlotValues, SlotKind) -> Result<()>,
    ) -> Result<()> {
        let shape = self.list.get_mut(index as usize).ok_or_else(missing)?;
        for (values, slot) in shape.slots.iter_mut().zip(&shape.template.slots) {
            push(values, slot.kind)?;
        }
        shape.rows += 1;
        shape.last.forget();
        self.pass_on(index);
        Ok(())
    }

    /// Fills all slots up to the last row: there is none to come.
    pub fn settle(&mut self, pools: &mut Pools) -> Result<()> {
        for Shape { slots, rows, .. } in &mut self.list {
            slots.iter_mut().try_for_each(|values| values.fill(*rows, pools))?;
        }
        Ok(())
    }

    fn is_followed(&self, index: u32, scope: u32, span: &mut Dissection<'_>) -> bool {
        let shape = self.list.get(index as usize);
        shape.is_some_and(|shape| span.follow(scope, &shape.skeleton, &shape.last).is_some())
    }

    /// The shapes that followed last on the one before.
    fn next(&self) -> [u32; 2] {
        self.list.get(self.last as usize).map_or([0; 2], |last| last.next)
    }

    /// A row of this shape came.
    fn pass_on(&mut self, index: u32) {
        if let Some(last) = self.list.get_mut(self.last as usize)
            && let [before, _] = last.next
            && before != index
        {
            last.next = [index, before];
        }
        self.last = index;
    }

    /// The number of the shape with the skeleton at hand; `None` if there can be none.
    fn index(&mut self, pools: &mut Pools) -> Result<Option<u32>> {
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
        Ok(Some(index))
    }

    fn add(&mut self, hash: u128, pools: &mut Pools) -> Result<u32> {
        let template = Template::parse(&self.skeleton, &mut self.names)
            .ok_or_else(|| Error::invalid("a span whose structure cannot be told"))?;
        let slots = template.slots.iter().map(|slot| SlotValues::new(slot, pools)).collect();
        let index = self.list.len() as u32;
        let skeleton = self.skeleton.as_slice().into();
        let last = LastRow::of(&self.skeleton);
        self.list.push(Shape { skeleton, template, slots, rows: 0, last, next: [0; 2] });
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
            let slots = shape.slots.iter().map(|slot| slot.memory_bytes(shape.rows) + 80);
            let slots: usize = slots.sum();
            shape.skeleton.len() * 3 + slots + shape.last.memory_bytes() + 400
        };
        self.list.iter().map(shape).sum()
    }
}

/// Appends the values that it is handed to the slots of a row, up to the first failure.
struct Pushing<'a> {
    slots: RowSink<'a>,
    outcome: Result<()>,
}

impl Pushing<'_> {
    fn push(&mut self, scalar: Scalar<'_>) {
        if self.outcome.is_ok() {
            self.outcome = self.slots.push(scalar);
        }
    }
}

impl SlotSink for Pushing<'_> {
    fn int(&mut self, value: i64) {
        self.push(Scalar::Int(value));
    }

    fn text(&mut self, value: &str) {
        self.push(Scalar::Bytes(value.as_bytes()));
    }

    fn blob(&mut self, value: &[u8]) {
        self.push(Scalar::Bytes(value));
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
