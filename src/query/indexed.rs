//! A segment's tag index as planning sees it.

use std::cell::Cell;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::index::ordinals::OrdinalSet;
use crate::index::term::{Candidates, Probe, TagScope};
use crate::query::interrupt::Interrupt;
use crate::query::plan::Terms;
use crate::segment::{Segment, intrinsic};

/// A segment's tag index, asked by a query that may have to end.
pub struct Interruptible<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// Asked within loops.
    pub interrupt: &'a Interrupt,
}

impl Terms for Interruptible<'_> {
    fn traces(&self) -> u32 {
        // Segments number their traces with 32 bits.
        u32::try_from(self.segment.summary().traces).unwrap_or(u32::MAX)
    }

    fn of_id(&self, id: TraceId) -> Result<Option<OrdinalSet>> {
        let mut found = Vec::new();
        self.segment.find_entries(id.low(), &mut |ordinal, entry| {
            found.extend((entry.id == id).then_some(ordinal));
        })?;
        Ok(Some(OrdinalSet::from_ordinals(self.traces(), found)))
    }

    fn postings(&self, scope: TagScope, key: &str, probe: &Probe<'_>) -> Result<Candidates> {
        self.interrupt.check()?;
        // A pattern is asked of every text of a dictionary, a million perhaps; no matching after the
        // query's end, that is told behind it.
        let ended = Cell::new(false);
        let in_time;
        let probe = match probe {
            Probe::Matches(matches) => {
                in_time = |text: &str| {
                    ended.set(ended.get() || self.interrupt.tick().is_err());
                    !ended.get() && matches(text)
                };
                &Probe::Matches(&in_time)
            }
            probe => probe,
        };
        if matches!(probe, Probe::Exists) || scope == TagScope::Intrinsic {
            let found = self.segment.candidates(scope, key, probe)?;
            return self.interrupt.check().map(|()| found);
        }
        let arrays = || arrays(self.segment, scope, key);
        let (found, arrays) = self.segment.candidates_beside(scope, key, probe, arrays)?;
        self.interrupt.check()?;
        if arrays.is_empty() {
            return Ok(found);
        }
        Ok(Candidates { set: found.set.or(&arrays), exact: false })
    }
}

/// The traces in which a key has an array: its elements are not indexed.
pub fn arrays(segment: &Segment, scope: TagScope, key: &str) -> Result<OrdinalSet> {
    let key = intrinsic::arrays(scope, key);
    Ok(segment.candidates(TagScope::Intrinsic, &key, &Probe::Exists)?.set)
}
