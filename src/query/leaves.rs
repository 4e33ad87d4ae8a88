//! The filters of a query, and which of them a span fulfils.

use crate::base::error::Result;
use crate::base::text::Str;
use crate::base::time::{TimeRange, Timestamp};
use crate::query::ast::{Expr, Scope};
use crate::query::bounds::Bounds;

/// Filters a query has at most: a bit each in every span's [`Verdicts`].
pub const MAX_LEAVES: usize = 64;

/// What is asked of every span of a trace.
#[derive(Clone, Debug)]
pub struct Leaves {
    /// The filters, at most [`MAX_LEAVES`].
    pub filters: Vec<Expr>,
    /// Where a span must start that fulfils any.
    pub range: TimeRange,
    /// As the query says.
    pub loose: bool,
    /// What the query must not exceed.
    pub bounds: Bounds,
    /// The attributes that filters ask of parents.
    pub parents: Vec<(Scope, Str)>,
    /// Whether it matters who is whose parent among the spans that fulfil them.
    pub relate: bool,
}

impl Leaves {
    /// Nothing.
    pub fn none() -> Self {
        Self {
            filters: Vec::new(),
            range: TimeRange::ALL,
            loose: false,
            bounds: Bounds::default(),
            parents: Vec::new(),
            relate: false,
        }
    }

    /// The verdicts on a span that starts then.
    pub fn verdicts(&self, start: Timestamp, of: impl FnOnce(&[Expr]) -> Verdicts) -> Verdicts {
        if self.range.contains(start) { of(&self.filters) } else { Verdicts::default() }
    }
}

/// Which filters a span fulfils, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    held: u64,
    open: u64,
}

impl Verdicts {
    /// The verdicts of each test; those that cannot tell are left open.
    pub fn all<T>(
        tests: &mut [T],
        mut verdict: impl FnMut(&mut T) -> Result<Option<bool>>,
    ) -> Result<Self> {
        let mut all = Self::default();
        for (leaf, test) in tests.iter_mut().enumerate() {
            all.set(leaf, verdict(test)?);
        }
        Ok(all)
    }

    /// The verdicts on each filter.
    pub fn of(filters: &[Expr], verdict: impl Fn(&Expr) -> Option<bool>) -> Self {
        let mut all = Self::default();
        for (leaf, filter) in filters.iter().enumerate() {
            all.set(leaf, verdict(filter));
        }
        all
    }

    fn set(&mut self, leaf: usize, verdict: Option<bool>) {
        let bit = 1u64.checked_shl(leaf as u32).unwrap_or(0);
        match verdict {
            Some(true) => self.held |= bit,
            Some(false) => {}
            None => self.open |= bit,
        }
    }

    /// The same with those decided that were open.
    pub fn decided(self, filters: &[Expr], verdict: impl Fn(&Expr) -> Option<bool>) -> Self {
        let is_open = |leaf: usize| self.open >> leaf & 1 == 1;
        let mut all = Self { held: self.held, open: 0 };
        for (leaf, filter) in filters.iter().enumerate().filter(|(leaf, _)| is_open(*leaf)) {
            all.set(leaf, Some(verdict(filter) == Some(true)));
        }
        all
    }

    /// The same without those open that cannot hold.
    pub fn limited(self, filters: &[Expr], may_hold: impl Fn(&Expr) -> bool) -> Self {
        let mut open = 0;
        for (leaf, filter) in filters.iter().enumerate() {
            if self.of_leaf(leaf).is_none() && may_hold(filter) {
                open |= 1u64.checked_shl(leaf as u32).unwrap_or(0);
            }
        }
        Self { open, ..self }
    }

    /// Whether the span fulfils a filter; `None` if that is open.
    pub fn of_leaf(self, leaf: usize) -> Option<bool> {
        let is_open = leaf < MAX_LEAVES && self.open >> leaf & 1 == 1;
        (!is_open).then(|| self.holds(leaf))
    }

    /// Whether some are open.
    pub const fn are_open(self) -> bool {
        self.open != 0
    }

    /// Whether the span fulfils a filter.
    pub const fn holds(self, leaf: usize) -> bool {
        leaf < MAX_LEAVES && self.held >> leaf & 1 == 1
    }
}
