//! Salvage of a segment file: what can be read, and word of what cannot.

use std::ops::ControlFlow;
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::base::model::TraceSpan;
use crate::segment::Salvage;
use crate::store::inspect::owned;
use crate::store::open;
use crate::store::options::Options;

/// Reads what can be read of a segment file, however damaged.
#[derive(Debug)]
pub struct Salvaged {
    salvage: Salvage,
    next: u32,
    spans: u64,
}

/// Finds the parts of a segment file, also of one without footers.
///
/// # Errors
/// `Corrupt` where so much is lost that no block can be read.
pub fn salvage(path: &Path) -> Result<Salvaged> {
    let options = Options::default();
    let file = open::real_environment(&options).disk.open(path)?;
    let salvage = Salvage::open(file, open::cache(&options))?;
    Ok(Salvaged { salvage, next: 0, spans: 0 })
}

impl Salvaged {
    /// What was found damaged so far.
    pub fn damage(&self) -> &[Error] {
        &self.salvage.damage
    }

    /// Spans read so far, and spans lost.
    pub fn counts(&self) -> (u64, u64) {
        (self.spans, self.salvage.lost_rows)
    }
}

impl Iterator for Salvaged {
    /// The spans of one block that can be read.
    type Item = Result<Vec<TraceSpan>>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.next;
        self.next = number.checked_add(1)?;
        let mut rows = Vec::new();
        let read = self.salvage.block(number, &mut |row, segment| {
            rows.push(owned(row, segment)?);
            Ok(ControlFlow::Continue(()))
        });
        self.spans += rows.len() as u64;
        match read {
            Ok(Some(())) => Some(Ok(rows)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}
