//! What rows mean to the index: which traces they are of, and the terms they bring.

use crate::base::error::{Error, Result};
use crate::base::model::StatusCode;
use crate::base::wire::{decode_resource_context, decode_scope_context, decode_span};
use crate::block::slots::PoolUse;
use crate::index::scarce::shift_of;
use crate::index::terms_builder::{TermsBuilder, TermsSections};
use crate::segment::builder::SegmentBuilder;
use crate::segment::tagging::Tagging;

/// The ordinals of the traces of rows.
pub(super) struct Ordinals {
    /// For each shape, of its rows.
    pub shapes: Vec<Vec<u32>>,
    /// Of the rows spelled at once.
    spelled: Vec<u32>,
    /// For each resource and scope the traces that have it.
    resources: Vec<Vec<u32>>,
    scopes: Vec<Vec<u32>>,
}

impl Ordinals {
    pub fn of(b: &SegmentBuilder) -> Self {
        let shapes: Vec<Vec<u32>> =
            b.shapes.list().iter().map(|shape| Vec::with_capacity(shape.rows)).collect();
        let scope_of: Vec<u32> = b.shapes.list().iter().map(|s| s.template.scope).collect();
        let mut ordinals = Self {
            shapes,
            spelled: Vec::new(),
            resources: vec![Vec::new(); b.resources.len() as usize],
            scopes: vec![Vec::new(); b.scopes.len() as usize],
        };
        let mut spelled = b.spelled.rows.iter();
        let mut ordinal = 0;
        let mut begins = b.traces.iter().skip(1).map(|trace| trace.first_row as usize).peekable();
        for (row, (&shape, &resource)) in b.rows.shape.iter().zip(&b.rows.resource).enumerate() {
            if begins.next_if_eq(&row).is_some() {
                ordinal += 1;
            }
            let scope = match ordinals.shapes.get_mut(shape as usize) {
                Some(list) => {
                    list.push(ordinal);
                    scope_of.get(shape as usize).copied()
                }
                None => {
                    ordinals.spelled.push(ordinal);
                    spelled.next().map(|&(scope, _)| scope)
                }
            };
            note(ordinals.resources.get_mut(resource as usize), ordinal);
            note(scope.and_then(|scope| ordinals.scopes.get_mut(scope as usize)), ordinal);
        }
        ordinals
    }
}

fn note(list: Option<&mut Vec<u32>>, ordinal: u32) {
    if let Some(list) = list.filter(|list| list.last() != Some(&ordinal)) {
        list.push(ordinal);
    }
}

/// What the tag index says, and what follows for the columns.
pub(super) struct Uses {
    /// The tag index and its dictionaries.
    pub terms: TermsSections,
    /// How the values of each pool are stored.
    pub pools: Vec<PoolUse>,
    /// For each row spelled at once, whether it is an error.
    pub spelled_errors: Vec<bool>,
}

impl Uses {
    /// Gathers the terms of all rows.
    pub fn build(
        b: &mut SegmentBuilder,
        ordinals: &Ordinals,
        mostly_spelled: bool,
    ) -> Result<Self> {
        let traces = b.traces.len() as u32;
        let shift = shift_of(traces, b.rows.start.len() as u64);
        let mut terms = TermsBuilder::new(traces, shift, b.options.effort);
        let mut tagging = Tagging::new(b.shapes.list(), &ordinals.shapes);
        let mut spelled_errors = Vec::with_capacity(b.spelled.rows.len());
        for (&(_, number), &ordinal) in b.spelled.rows.iter().zip(&ordinals.spelled) {
            let bytes = b.pools.get(b.spelled.pool).map(|pool| pool.get(number).to_vec());
            let bytes = bytes.unwrap_or_default();
            let span = decode_span(&bytes).ok_or_else(not_canonical)?;
            spelled_errors.push(span.status_code() == StatusCode::ERROR);
            tagging.add_spelled(&span, ordinal, &mut b.pools)?;
        }
        for (code, traces) in (0..).zip(&ordinals.resources) {
            let context = decode_resource_context(b.resources.get(code));
            tagging.add_resource(&context.ok_or_else(not_canonical)?, traces);
        }
        for (code, traces) in (0..).zip(&ordinals.scopes) {
            let context = decode_scope_context(b.scopes.get(code));
            tagging.add_scope(&context.ok_or_else(not_canonical)?, traces);
        }
        b.pools.settle_texts();
        let pools = tagging.finish(&mut terms, &mut b.pools, mostly_spelled);
        Ok(Self { terms: terms.finish(b.options.effort.level(b.rows())), pools, spelled_errors })
    }
}

fn not_canonical() -> Error {
    Error::invalid("a span, resource or scope whose bytes are not canonical")
}
