//! The values of one key, from where they lie in columns to terms with their traces.

use std::collections::{BTreeMap, HashMap};

use crate::base::limits::MAX_TERM_BYTES;
use crate::base::number::Number;
use crate::base::quick::QuickMap;
use crate::base::text::Str;
use crate::block::shapes::Shape;
use crate::block::skeleton::ValueType;
use crate::block::slots::{Pools, SlotValues, is_term, repeats};
use crate::block::whim;
use crate::index::dictionary::DictionaryValue;
use crate::index::term::{TagScope, TermKind, hash_number, hash_text};
use crate::index::terms_builder::TermsBuilder;
use crate::segment::scarcity::FEW;

/// Numbers of more different values are indexed by magnitude.
const MAX_EXACT_NUMBERS: usize = 1024;

/// So many names, or values of resources and scopes, are listed and searched by pattern without
/// reading rows, however rarely they repeat.
const MANY_TEXTS: usize = 1024;

/// The values of one key and type, where they lie in slots.
#[derive(Debug, Default)]
pub(super) struct Field {
    /// Shape and slot.
    pub slots: Vec<(usize, usize)>,
    /// Values of spelled rows, or their numbers in the pool, with the ordinals.
    pub extra: Vec<(i64, u32)>,
}

/// Values told with the traces that have them.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub texts: HashMap<Str, Vec<u32>>,
    pub ints: BTreeMap<i64, Vec<u32>>,
    pub doubles: BTreeMap<u64, Vec<u32>>,
    pub bools: BTreeMap<bool, Vec<u32>>,
    pub present: Vec<u32>,
}

/// The rows of all shapes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    pub shapes: &'a [Shape],
    /// For each shape the ordinals of its rows' traces.
    pub ordinals: &'a [Vec<u32>],
    /// The same, each trace once.
    pub traces: &'a [Vec<u32>],
    /// Whether most rows are spelled.
    pub mostly_spelled: bool,
}

/// Some values of a field.
#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    /// One value, with the ordinals that have it.
    All(i64, &'a [u32]),
    /// Values row by row, with the ordinals of the rows.
    Rows(&'a SlotValues, &'a [u32]),
}

impl<'a> Walk<'a> {
    /// The ordinals of a field's values, in pieces.
    pub fn lists_of(self, field: &'a Field) -> impl Iterator<Item = &'a [u32]> {
        let slots = field.slots.iter().filter_map(move |&(shape, _)| self.ordinals.get(shape));
        let extra = field.extra.iter().map(|(_, ordinal)| std::slice::from_ref(ordinal));
        slots.map(Vec::as_slice).chain(extra)
    }

    /// The values of a field. Most templates have one value only.
    fn pieces(self, field: &'a Field) -> Vec<Piece<'a>> {
        let slots = field.slots.iter().filter_map(|&(shape, slot)| {
            let values = self.shapes.get(shape)?.slots.get(slot)?;
            Some(match values.constant() {
                Some(value) => Piece::All(value, self.traces.get(shape)?),
                None => Piece::Rows(values, self.ordinals.get(shape)?),
            })
        });
        let extra = field.extra.iter();
        slots.chain(extra.map(|(value, at)| Piece::All(*value, std::slice::from_ref(at)))).collect()
    }

    /// Calls `each` with the numbers and ordinals of a field.
    fn each(self, field: &Field, mut each: impl FnMut(i64, u32)) {
        self.pieces(field).iter().for_each(|piece| piece.each(&mut each));
    }

    /// Adds the texts of a key; the dictionary's code of each of the pool's numbers, if there is
    /// a dictionary.
    pub fn add_texts(
        self,
        scope: TagScope,
        key: &str,
        number: u32,
        field: &Field,
        pools: &Pools,
        terms: &mut TermsBuilder,
    ) -> Option<Vec<u32>> {
        let pool = pools.get(number)?;
        if !is_term(pool) || !repeats(pool) {
            let mut pairs = Vec::new();
            self.each(field, |n, ordinal| pairs.push((n as u32, ordinal)));
            let texts = (0..pool.len()).map(|n| pool.text(n));
            match self.mostly_spelled {
                true => terms.add_scarce_texts(scope, key, texts, &pairs),
                false => terms.add_texts(scope, key, texts, pairs),
            }
            return None;
        }
        let lists = self.lists(field, pool.len() as usize, terms);
        // Most texts differ in their first bytes.
        let begin = |n: u32| {
            let mut first = [0; 8];
            first.iter_mut().zip(pool.get(n)).for_each(|(place, &byte)| *place = byte);
            (u64::from_be_bytes(first), n)
        };
        let mut order: Vec<(u64, u32)> = (0..pool.len()).map(begin).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| pool.get(a.1).cmp(pool.get(b.1))));
        let mut values: Vec<(&str, Vec<u32>)> = Vec::with_capacity(order.len());
        let mut ranks = vec![0; order.len()];
        let mut lists: Vec<Vec<u32>> = lists;
        for (_, n) in order {
            let text = pool.text(n);
            let list = lists.get_mut(n as usize).map(std::mem::take).unwrap_or_default();
            match values.last_mut() {
                Some((last, all)) if *last == text => {
                    all.extend(list);
                    terms.settle(all);
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
    fn lists(self, field: &Field, len: usize, terms: &mut TermsBuilder) -> Vec<Vec<u32>> {
        let pieces = self.pieces(field);
        let mut counts = vec![0usize; len];
        let mut count = |n: i64, more: usize| {
            if let Some(count) = counts.get_mut(n as usize) {
                *count += more;
            }
        };
        for piece in &pieces {
            match piece {
                Piece::All(n, ordinals) => count(*n, ordinals.len()),
                Piece::Rows(..) => piece.each(&mut |n, _| count(n, 1)),
            }
        }
        let mut lists: Vec<Vec<u32>> = counts.iter().map(|&n| Vec::with_capacity(n)).collect();
        for piece in &pieces {
            piece.each_run(&mut |n, ordinals| {
                if let Some(list) = lists.get_mut(n as usize) {
                    list.extend_from_slice(ordinals);
                }
            });
        }
        lists.iter_mut().for_each(|list| terms.settle(list));
        lists
    }

    /// The numbers of a field, ascending, each with its ordinals; `None` if too many differ.
    fn few_numbers(self, field: &Field, terms: &mut TermsBuilder) -> Option<Vec<(i64, Vec<u32>)>> {
        let mut places: QuickMap<i64, usize> = QuickMap::default();
        let mut lists: Vec<(i64, Vec<u32>)> = Vec::new();
        let mut last = None;
        for piece in self.pieces(field) {
            piece.each_run(&mut |value, ordinals| {
                let place = match last {
                    _ if lists.len() > MAX_EXACT_NUMBERS => return,
                    Some((number, place)) if number == value => place,
                    _ => *places.entry(value).or_insert_with(|| {
                        lists.push((value, Vec::new()));
                        lists.len() - 1
                    }),
                };
                last = Some((value, place));
                if let Some((_, list)) = lists.get_mut(place) {
                    list.extend_from_slice(ordinals);
                }
            });
        }
        if lists.len() > MAX_EXACT_NUMBERS {
            return None;
        }
        lists.sort_unstable_by_key(|&(value, _)| value);
        lists.iter_mut().for_each(|(_, list)| terms.settle(list));
        Some(lists)
    }

    /// Adds the numbers or truth values of a key; too many different ones go to `buckets`.
    pub fn add_numbers(
        self,
        scope: TagScope,
        key: &str,
        kind: ValueType,
        field: &Field,
        terms: &mut TermsBuilder,
        buckets: &mut Vec<(Number, u32)>,
    ) {
        let Some(lists) = self.few_numbers(field, terms) else {
            return self.add_many_numbers(scope, key, kind, field, terms, buckets);
        };
        let lists = lists.into_iter();
        match kind {
            ValueType::Bool => {
                let mut values: Vec<(bool, Vec<u32>)> =
                    lists.map(|(value, list)| (value != 0, list)).collect();
                terms.add_values(scope, key, &mut values);
            }
            ValueType::Double => {
                let double = |(value, list)| (f64::from_bits(value as u64), list);
                let mut values: Vec<(f64, Vec<u32>)> = lists.map(double).collect();
                terms.add_values(scope, key, &mut values);
            }
            _ => terms.add_values(scope, key, &mut lists.collect::<Vec<(i64, Vec<u32>)>>()),
        }
    }

    fn add_many_numbers(
        self,
        scope: TagScope,
        key: &str,
        kind: ValueType,
        field: &Field,
        terms: &mut TermsBuilder,
        buckets: &mut Vec<(Number, u32)>,
    ) {
        let number = |value: i64| match kind {
            ValueType::Double => Number::Double(f64::from_bits(value as u64)),
            _ => Number::Int(value),
        };
        // NaN lies within no bounds, and is found by its hash alone.
        let mut nans = Vec::new();
        self.each(field, |value, ordinal| match number(value) {
            nan if nan.is_nan() => nans.push((hash_number(nan), ordinal)),
            number => buckets.push((number, ordinal)),
        });
        if !nans.is_empty() {
            terms.add_hashed(scope, key, TermKind::Double, &nans);
        }
    }
}

impl Piece<'_> {
    /// Calls `each` with the numbers and ordinals, immediate repeats left out.
    #[inline(always)]
    fn each(&self, each: &mut impl FnMut(i64, u32)) {
        self.each_run(&mut |value, ordinals| {
            ordinals.iter().for_each(|&ordinal| each(value, ordinal));
        });
    }

    /// The same, the ordinals of one value at once where they are known to be.
    #[inline(always)]
    fn each_run(&self, each: &mut impl FnMut(i64, &[u32])) {
        let (values, ordinals) = match *self {
            Self::All(value, ordinals) => return each(value, ordinals),
            Self::Rows(values, ordinals) => (values, ordinals),
        };
        let mut last = None;
        let mut next = |value: i64, ordinal: &u32| {
            if last != Some((value, *ordinal)) {
                last = Some((value, *ordinal));
                each(value, std::slice::from_ref(ordinal));
            }
        };
        match values {
            SlotValues::Ints(values) => {
                values.iter().zip(ordinals).for_each(|(&value, ordinal)| next(value, ordinal));
            }
            SlotValues::Pooled { numbers, .. } => {
                numbers.iter().zip(ordinals).for_each(|(&n, ordinal)| next(n.into(), ordinal));
            }
        }
    }
}

impl Told {
    /// The ordinals of all values, in pieces.
    pub fn lists(&self) -> impl Iterator<Item = &[u32]> {
        let numbers = self.ints.values().chain(self.doubles.values()).chain(self.bools.values());
        let lists = self.texts.values().chain(numbers).chain([&self.present]);
        lists.map(Vec::as_slice)
    }

    /// Whether there are many texts, most of them told of one trace.
    fn hardly_repeats(&self) -> bool {
        let told = || self.texts.values().map(Vec::len).sum::<usize>();
        self.texts.len() >= MANY_TEXTS && self.texts.len() * 2 > told()
    }

    /// Takes out the texts of few traces each, if they are many, and long ones.
    fn take_scarce(&mut self) -> Vec<(Str, Vec<u32>)> {
        let is_few = |list: &Vec<u32>| list.len() <= FEW;
        let many = self.texts.values().filter(|list| is_few(list)).count() >= MANY_TEXTS;
        let many = whim::take(many);
        let is_scarce = |text: &Str, list: &mut Vec<u32>| many && is_few(list) || is_long(text);
        self.texts.extract_if(is_scarce).collect()
    }

    /// Hands the values to `terms`.
    pub fn finish(
        mut self,
        scope: TagScope,
        key: &str,
        mostly_spelled: bool,
        terms: &mut TermsBuilder,
    ) {
        let scarce = if mostly_spelled { self.take_scarce() } else { Vec::new() };
        if !scarce.is_empty() {
            let lists = (0..).zip(&scarce);
            let pairs = lists.flat_map(|(n, (_, list))| list.iter().map(move |&o| (n, o)));
            let pairs: Vec<(u32, u32)> = pairs.collect();
            let texts = scarce.iter().map(|(text, _)| text.as_str());
            terms.add_scarce_texts(scope, key, texts, &pairs);
        }
        if self.texts.is_empty() {
            // Most keys of spans have slots, and are told here only where they have other values.
        } else if self.texts.keys().any(is_long)
            || !mostly_spelled && whim::take(self.hardly_repeats())
        {
            let pairs = self.texts.iter().flat_map(|(text, list)| {
                let hash = hash_text(text);
                list.iter().map(move |&ordinal| (hash, ordinal))
            });
            let mut pairs: Vec<(u64, u32)> = pairs.collect();
            pairs.sort_unstable();
            terms.add_hashed(scope, key, TermKind::Str, &pairs);
        } else {
            let texts = self.texts.iter_mut();
            let texts = texts.map(|(text, list)| (text.as_str(), std::mem::take(list)));
            add_told(scope, key, texts, terms);
        }
        add_told(scope, key, self.ints.into_iter(), terms);
        let doubles = self.doubles.into_iter().map(|(bits, list)| (f64::from_bits(bits), list));
        add_told(scope, key, doubles, terms);
        add_told(scope, key, self.bools.into_iter(), terms);
        if !self.present.is_empty() {
            terms.add_present(scope, key, &self.present);
        }
    }
}

fn is_long(text: &Str) -> bool {
    text.len() > MAX_TERM_BYTES
}

fn add_told<V: DictionaryValue>(
    scope: TagScope,
    key: &str,
    told: impl Iterator<Item = (V, Vec<u32>)>,
    terms: &mut TermsBuilder,
) {
    let mut values: Vec<(V, Vec<u32>)> = told.collect();
    values.iter_mut().for_each(|(_, list)| terms.settle(list));
    if !values.is_empty() {
        terms.add_values(scope, key, &mut values);
    }
}
