//! Which blocks of a segment can hold rows that fulfil a condition, by template, service and
//! duration: the parts of a condition that the tag index cannot join.

use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::base::text::Str;
use crate::index::ordinals::OrdinalSet;
use crate::query::ast::{Check, Expr};
use crate::query::narrow::{Narrowing, Node};
use crate::query::predicate::of_resource;
use crate::segment::{SERVICE_NAME, Segment};

/// Beyond one block in so many, looking at the rows of what the tag index left is as cheap.
const WORTHWHILE: usize = 4;

/// The traces with rows in blocks that can hold a matching one; `None` if those are too many to
/// be worth telling apart.
pub fn prune(segment: &Segment, filter: &Expr, loose: bool) -> Result<Option<OrdinalSet>> {
    let peaks = segment.peaks()?;
    let Some(sorts) = peaks.sorts() else { return Ok(None) };
    let templates = segment.templates()?;
    let mut blocks = BTreeSet::new();
    for sort in sorts {
        let Some(model) = templates.get(sort.template as usize) else { return Ok(None) };
        let of_resource = &mut |key: &Str, check: &Check| {
            if **key != *SERVICE_NAME {
                return Ok(Node::Known(None));
            }
            let resource = segment.resource(sort.resource)?;
            Ok(Node::Known(Some(of_resource(&resource, key, check, loose))))
        };
        let mut narrowing = Narrowing { segment, model, loose, of_resource };
        let Some(least) = narrowing.of(filter)?.least_nanos() else { continue };
        let Some(listed) = peaks.blocks(sort, least)? else { return Ok(None) };
        blocks.extend(listed);
        if blocks.len() > segment.blocks() as usize / WORTHWHILE {
            return Ok(None);
        }
    }
    segment.traces_in(blocks).map(Some)
}
