//! Resources and scopes of rows that are read one after another.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::model::{ResourceContext, ScopeContext};
use crate::query::source::Row;
use crate::segment::{Row as StoredRow, Segment};

/// Contexts of the row before: neighbours mostly share them.
#[derive(Default)]
pub struct Neighbours {
    resource: Option<(u32, Arc<ResourceContext>)>,
    scope: Option<(u32, Arc<ScopeContext>)>,
}

impl Neighbours {
    /// A row with its contexts.
    pub fn row<'a>(&'a mut self, segment: &Segment, row: StoredRow<'a>) -> Result<Row<'a>> {
        let Self { resource, scope } = self;
        let resource = neighbour(resource, row.resource, |code| segment.resource(code))?;
        let scope = neighbour(scope, row.scope, |code| segment.scope(code))?;
        Ok(Row { row: row.row, span: row.span, resource, scope })
    }

    /// The scope of a code.
    pub fn scope(&mut self, segment: &Segment, code: u32) -> Result<&Arc<ScopeContext>> {
        neighbour(&mut self.scope, code, |code| segment.scope(code))
    }

    /// The resource of a code.
    pub fn resource(&mut self, segment: &Segment, code: u32) -> Result<&Arc<ResourceContext>> {
        neighbour(&mut self.resource, code, |code| segment.resource(code))
    }
}

/// The context of a code: the one of the row before, or else what `read` finds.
fn neighbour<T>(
    before: &mut Option<(u32, Arc<T>)>,
    code: u32,
    read: impl FnOnce(u32) -> Result<Arc<T>>,
) -> Result<&Arc<T>> {
    let known = match before.take().filter(|(own, _)| *own == code) {
        Some(known) => known,
        None => (code, read(code)?),
    };
    Ok(&before.insert(known).1)
}
