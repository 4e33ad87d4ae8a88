//! A span's place among its parents and children.

use crate::base::text::Str;
use crate::query::ast::Scope;
use crate::query::compare::Seen;
use crate::query::eval::datum::Datum;
use crate::query::eval::fields::Taker;
use crate::query::gather::Gathered;

/// What a trace's spans have in the fields that queries ask of parents.
pub type ParentValues = Vec<((Scope, Str), Vec<Vec<Datum>>)>;

/// One span in the relation of its trace.
#[derive(Clone, Copy, Debug)]
pub struct Family<'a> {
    /// Asked for its relation only where a question takes it: most take none.
    trace: &'a Gathered,
    values: &'a ParentValues,
    span: usize,
}

impl<'a> Family<'a> {
    /// Of the span with this number.
    pub const fn of(trace: &'a Gathered, values: &'a ParentValues, span: usize) -> Self {
        Self { trace, values, span }
    }

    /// Of how many spans it is a parent.
    pub fn children(&self) -> u32 {
        self.trace.relation().children(self.span)
    }

    /// Whether none of its parents is in the trace.
    pub fn is_root(&self) -> bool {
        self.trace.relation().parents(self.span).next().is_none()
    }

    /// The values of an attribute on all its parents.
    pub fn parents(&self, scope: Scope, key: &str, take: &mut Taker<'_>) {
        let known = self.values.iter().find(|((own, name), _)| *own == scope && *name == *key);
        let Some((_, values)) = known else { return };
        for parent in self.trace.relation().parents(self.span) {
            values.get(parent).into_iter().flatten().for_each(|datum| take(datum.seen()));
        }
    }
}

/// A list of values made by `visit`.
pub fn collected(visit: impl FnOnce(&mut Taker<'_>)) -> Vec<Datum> {
    let mut values = Vec::new();
    visit(&mut |seen: Seen<'_>| values.push(Datum::of(seen)));
    values
}
