//! The filters of all segments and large groups of a view, sliced: which of them may hold a trace.
//!
//! A view asks through what the last one of its store sliced, as far as the segments are still there,
//! and slices anew what has come: little, after a flush or a merge, however many segments there are.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::index::bloom::{BloomReader, HashedId, Shape};
use crate::index::slice::FilterSlice;
use crate::query::source::Source;
use crate::query::view::{Partition, SourcePlace as Place};

/// The slices that the views of one store share: those of the view that gathered last.
#[derive(Clone, Debug, Default)]
pub struct Slices(Arc<Mutex<Vec<Arc<Slice>>>>);

/// Some segments' filters. It knows the segments by their addresses, which it keeps from being used
/// again.
#[derive(Debug)]
struct Slice {
    filters: FilterSlice,
    of: Vec<Weak<dyn Source>>,
}

/// The filters of a view's sources.
#[derive(Debug, Default)]
pub struct Filters {
    sliced: Vec<Sliced>,
    /// The sources that have none, in their order: small live groups, and what cannot be read.
    unfiltered: Vec<Place>,
}

/// A slice as one view sees it.
#[derive(Debug)]
struct Sliced {
    slice: Arc<Slice>,
    /// Which of its filters are those of sources of the view, a bit each.
    lanes: u64,
    /// Of which sources, filter by filter.
    places: Vec<Place>,
}

/// Filters of one shape that are to be sliced together.
#[derive(Default)]
struct Pool {
    /// Slices with few filters.
    few: Vec<Sliced>,
    /// Filters that are in none.
    new: Vec<(Place, BloomReader)>,
}

impl Filters {
    /// Gathers the filters. Cost: to read and slice those that no slice has yet, and less than a
    /// slice's of each shape that some of them have; a lookup in a table for each source.
    pub fn of(partitions: &[Arc<Partition>], shared: &Slices) -> Self {
        let mut all = Self::default();
        let mut filtered = HashMap::new();
        for (partition, number) in partitions.iter().zip(0..) {
            for (source, index) in partition.sources.iter().zip(0..) {
                match source.is_filtered() {
                    true => _ = filtered.insert(address(Arc::as_ptr(source)), (number, index)),
                    false => all.unfiltered.push((number, index)),
                }
            }
        }
        let mut pools: BTreeMap<Shape, Pool> = BTreeMap::new();
        for slice in shared.last() {
            let sliced = Sliced::of(slice, &mut filtered);
            match sliced.lanes.count_ones() as usize * 2 > FilterSlice::MOST {
                true => all.sliced.push(sliced),
                false => pools.entry(sliced.shape()).or_default().few.push(sliced),
            }
        }
        for place in filtered.into_values() {
            match filter(partitions, place) {
                Some(filter) => pools.entry(filter.shape()).or_default().new.push((place, filter)),
                None => all.unfiltered.push(place),
            }
        }
        for pool in pools.into_values() {
            pool.slice(partitions, &mut all);
        }
        all.unfiltered.sort_unstable();
        shared.keep(all.sliced.iter().map(|sliced| Arc::clone(&sliced.slice)).collect());
        all
    }

    /// Hands over the sources that may hold a trace with this low half of the id, in their order.
    pub fn admit<E>(
        &self,
        id: &HashedId,
        mut visit: impl FnMut(Place) -> Result<(), E>,
    ) -> Result<(), E> {
        // Mostly one or two.
        let mut filtered = Vec::new();
        for sliced in &self.sliced {
            let mut lanes = sliced.slice.filters.admit(id, sliced.lanes);
            while lanes > 0 {
                filtered.extend(sliced.places.get(lanes.trailing_zeros() as usize));
                lanes &= lanes - 1;
            }
        }
        filtered.sort_unstable();
        let mut unfiltered = self.unfiltered.iter().copied().peekable();
        for place in filtered {
            while let Some(before) = unfiltered.next_if(|&own| own < place) {
                visit(before)?;
            }
            visit(place)?;
        }
        unfiltered.try_for_each(visit)
    }
}

impl Slices {
    fn last(&self) -> Vec<Arc<Slice>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, slices: Vec<Arc<Slice>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = slices;
    }
}

impl Sliced {
    /// The slice as the view sees it whose segments are these, by their addresses; those that it has
    /// are taken out.
    fn of(slice: Arc<Slice>, segments: &mut HashMap<usize, Place>) -> Self {
        let (mut lanes, mut places) = (0, Vec::with_capacity(slice.of.len()));
        for (segment, lane) in slice.of.iter().zip(0..) {
            let place = segments.remove(&address(Weak::as_ptr(segment)));
            lanes |= u64::from(place.is_some()) << lane;
            places.push(place.unwrap_or_default());
        }
        Self { slice, lanes, places }
    }

    fn shape(&self) -> Shape {
        self.slice.filters.shape()
    }

    /// The sources of the view that it has filters of.
    fn own_places(&self) -> impl Iterator<Item = Place> {
        let lanes = self.places.iter().zip(0..);
        lanes.filter(|&(_, lane)| self.lanes >> lane & 1 == 1).map(|(&place, _)| place)
    }
}

impl Pool {
    /// Slices the filters. A slice alone, of segments that are all there, stays as it is.
    fn slice(mut self, partitions: &[Arc<Partition>], all: &mut Filters) {
        if self.new.is_empty()
            && self.few.len() == 1
            && self.few.iter().all(|few| few.own_places().count() == few.places.len())
        {
            all.sliced.append(&mut self.few);
            return;
        }
        for place in self.few.iter().flat_map(Sliced::own_places) {
            match filter(partitions, place) {
                Some(filter) => self.new.push((place, filter)),
                None => all.unfiltered.push(place),
            }
        }
        self.new.sort_by_key(|&(place, _)| place);
        while !self.new.is_empty() {
            let rest = self.new.split_off(self.new.len().min(FilterSlice::MOST));
            let (places, filters): (Vec<Place>, Vec<BloomReader>) = self.new.into_iter().unzip();
            self.new = rest;
            let of = places.iter().filter_map(|&place| source(partitions, place));
            let of: Vec<Weak<dyn Source>> = of.map(Arc::downgrade).collect();
            match FilterSlice::new(&filters) {
                Some(filters) => {
                    let lanes = u64::MAX >> (64 - places.len());
                    let slice = Arc::new(Slice { filters, of });
                    all.sliced.push(Sliced { slice, lanes, places });
                }
                // Filters that changed their shape from one look to the next.
                None => all.unfiltered.extend(places),
            }
        }
    }
}

fn source(partitions: &[Arc<Partition>], place: Place) -> Option<&Arc<dyn Source>> {
    partitions.get(place.0 as usize)?.sources.get(place.1 as usize)
}

fn filter(partitions: &[Arc<Partition>], place: Place) -> Option<BloomReader> {
    source(partitions, place)?.filter()
}

fn address(source: *const dyn Source) -> usize {
    source.cast::<()>().addr()
}
