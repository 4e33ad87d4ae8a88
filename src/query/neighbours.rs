//! Resources and scopes of rows that are read one after another.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::model::{ResourceContext, ScopeContext};
use crate::query::source::Row;
use crate::segment::{Row as StoredRow, Segment};

/// Contexts of rows before: those of a trace share a few.
#[derive(Default)]
pub struct Neighbours {
    resources: Few<ResourceContext>,
    scopes: Few<ScopeContext>,
}

/// Contexts and their codes, each at the place that its code falls to.
type Few<T> = [Option<(u32, Arc<T>)>; PLACES];

/// A trace passes through so many services, or hardly more.
const PLACES: usize = 16;

impl Neighbours {
    /// A row with its contexts.
    pub fn row<'a>(&'a mut self, segment: &Segment, row: StoredRow<'a>) -> Result<Row<'a>> {
        let Self { resources, scopes } = self;
        let resource = neighbour(resources, row.resource, |code| segment.resource(code))?;
        let scope = neighbour(scopes, row.scope, |code| segment.scope(code))?;
        Ok(Row { row: row.row, span: row.span, resource, scope })
    }

    /// The scope of a code.
    pub fn scope(&mut self, segment: &Segment, code: u32) -> Result<&Arc<ScopeContext>> {
        neighbour(&mut self.scopes, code, |code| segment.scope(code))
    }

    /// The resource of a code.
    pub fn resource(&mut self, segment: &Segment, code: u32) -> Result<&Arc<ResourceContext>> {
        neighbour(&mut self.resources, code, |code| segment.resource(code))
    }
}

/// The context of a code: the one at its place, or else what `read` finds.
fn neighbour<T>(
    before: &mut Few<T>,
    code: u32,
    read: impl FnOnce(u32) -> Result<Arc<T>>,
) -> Result<&Arc<T>> {
    let [first, rest @ ..] = before;
    let place = match code as usize % PLACES {
        0 => first,
        at => rest.get_mut(at - 1).unwrap_or(first),
    };
    let known = match place.take().filter(|(own, _)| *own == code) {
        Some(known) => known,
        None => (code, read(code)?),
    };
    Ok(&place.insert(known).1)
}
