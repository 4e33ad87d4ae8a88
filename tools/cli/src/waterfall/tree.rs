//! The order of a trace's spans on the page: parents before children, siblings by start.
//!
//! A span stands below the span that its parent id names, the first if several bear that id. One
//! whose parent is not there stands at the top; of a cycle of parents, the earliest span does. No
//! step recurses: a trace may be as deep as it is long.

use std::collections::HashMap;

use tracekeep::SpanId;

use crate::waterfall::Row;

/// A trace's spans as a tree; spans are told by their index in the trace.
#[derive(Debug)]
pub struct Tree {
    /// The spans at the top and why they are there, in the trace's order.
    pub tops: Vec<(u32, Top)>,
    /// The children of all spans, span by span, each span's in the trace's order.
    children: Vec<u32>,
    /// Where the children of a span begin; those of the next one end them.
    bounds: Vec<u32>,
}

/// Why a span stands at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// It has no parent.
    Root,
    /// Its parent is not in the trace.
    Orphan(SpanId),
    /// Its parent is one of its descendants.
    Cycle,
}

/// A span's place on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The span.
    pub row: u32,
    /// How many spans it stands below.
    pub depth: u32,
    /// Whether a sibling follows.
    pub more: bool,
    /// Why it stands at the top, if it does.
    pub top: Option<Top>,
}

impl Tree {
    /// The tree of these spans.
    pub fn of(rows: &[Row]) -> Self {
        let mut parents = parents(rows);
        let in_cycles = cut_cycles(&mut parents);
        let (children, bounds) = children(&parents);
        let mut tops = Vec::new();
        for (index, (row, parent)) in (0u32..).zip(rows.iter().zip(&parents)) {
            let top = match (parent, row.parent) {
                (Some(_), _) => continue,
                (None, None) => Top::Root,
                (None, Some(_)) if in_cycles.binary_search(&index).is_ok() => Top::Cycle,
                (None, Some(missing)) => Top::Orphan(missing),
            };
            tops.push((index, top));
        }
        Self { tops, children, bounds }
    }

    /// How many spans miss their parent.
    pub fn orphans(&self) -> usize {
        self.tops.iter().filter(|(_, top)| matches!(top, Top::Orphan(_))).count()
    }

    fn children_of(&self, row: u32) -> &[u32] {
        let row = row as usize;
        let range = self.bounds.get(row).zip(self.bounds.get(row + 1));
        range.and_then(|(a, b)| self.children.get(*a as usize..*b as usize)).unwrap_or_default()
    }

    /// Every span, in the order of the page.
    pub fn walk(&self) -> Walk<'_> {
        Walk { tree: self, next_top: 0, open: Vec::new() }
    }
}

/// The walk down the page.
#[derive(Debug)]
pub struct Walk<'a> {
    tree: &'a Tree,
    next_top: usize,
    /// The spans between the top and the last step: children that are still to come.
    open: Vec<&'a [u32]>,
}

impl Iterator for Walk<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        while self.open.last().is_some_and(|rest| rest.is_empty()) {
            self.open.pop();
        }
        let depth = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        let step = match self.open.last_mut() {
            Some(rest) => {
                let (row, behind) = rest.split_first()?;
                *rest = behind;
                Step { row: *row, depth, more: !behind.is_empty(), top: None }
            }
            None => {
                let (row, top) = *self.tree.tops.get(self.next_top)?;
                self.next_top += 1;
                Step { row, depth, more: false, top: Some(top) }
            }
        };
        self.open.push(self.tree.children_of(step.row));
        Some(step)
    }
}

/// The span that each one stands below. No span stands below itself.
fn parents(rows: &[Row]) -> Vec<Option<u32>> {
    // The first two spans of each id: a span may bear its own parent's id.
    let mut first: HashMap<SpanId, (u32, Option<u32>)> = HashMap::with_capacity(rows.len());
    for (index, row) in (0u32..).zip(rows) {
        first
            .entry(row.id)
            .and_modify(|(_, second)| {
                second.get_or_insert(index);
            })
            .or_insert((index, None));
    }
    let parent = |(index, row): (u32, &Row)| {
        let (first, second) = *first.get(&row.parent?)?;
        if first == index { second } else { Some(first) }
    };
    (0u32..).zip(rows).map(parent).collect()
}

/// Takes the parent away from the earliest span of each cycle; returns these spans, sorted.
fn cut_cycles(parents: &mut [Option<u32>]) -> Vec<u32> {
    // 0: not seen; otherwise the number of the walk that came by first.
    let mut seen = vec![0u32; parents.len()];
    let mut cuts = Vec::new();
    for (walk, start) in (1u32..).zip(0..parents.len()) {
        let mut at = start;
        let met = loop {
            match seen.get_mut(at) {
                Some(mark @ 0) => *mark = walk,
                Some(mark) if *mark == walk => break Some(at),
                _ => break None,
            }
            match parents.get(at).copied().flatten() {
                Some(parent) => at = parent as usize,
                None => break None,
            }
        };
        // The walk met itself: once more around, for the earliest.
        let Some(met) = met else { continue };
        let (mut earliest, mut at) = (met, met);
        while let Some(parent) = parents.get(at).copied().flatten() {
            at = parent as usize;
            earliest = earliest.min(at);
            if at == met {
                break;
            }
        }
        if let Some(parent) = parents.get_mut(earliest) {
            *parent = None;
        }
        cuts.push(u32::try_from(earliest).unwrap_or(u32::MAX));
    }
    cuts.sort_unstable();
    cuts
}

/// All children, grouped by parent, and where each group begins.
fn children(parents: &[Option<u32>]) -> (Vec<u32>, Vec<u32>) {
    let mut bounds = vec![0u32; parents.len() + 1];
    for parent in parents.iter().flatten() {
        if let Some(count) = bounds.get_mut(*parent as usize + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for bound in &mut bounds {
        sum += *bound;
        *bound = sum;
    }
    let mut next = bounds.clone();
    let mut children = vec![0u32; sum as usize];
    for (index, parent) in (0u32..).zip(parents) {
        let Some(place) = parent.and_then(|parent| next.get_mut(parent as usize)) else { continue };
        if let Some(child) = children.get_mut(*place as usize) {
            *child = index;
        }
        *place += 1;
    }
    (children, bounds)
}
