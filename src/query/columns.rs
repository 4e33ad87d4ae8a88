//! The values of a tag on a segment's rows, column by column: what no dictionary lists.

use std::ops::{ControlFlow, Range};

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::model::KeyValue;
use crate::base::number::Number;
use crate::block::models::SLOTS;
use crate::block::skeleton::ValueType;
use crate::block::template::{Owner, Place, Template};
use crate::index::term::Probe;
use crate::query::ast::Scope;
use crate::query::indexed::Interruptible;
use crate::query::listed::Plain;
use crate::query::neighbours::Neighbours;
use crate::query::plan::plan;
use crate::query::sieve::RowTests;
use crate::query::source::{Source, VisitTagged};
use crate::query::stored::tag_scope;
use crate::query::tag::{self, Tag, VisitValue};
use crate::query::typed::Query;
use crate::segment::{Columns, Outlined, Segment};

/// Beyond one trace in so many, blocks are read one after another rather than trace by trace.
const SPARSE: u64 = 8;

/// Hands over the values of a tag on rows that fulfil the query, with their traces.
pub fn tagged(
    segment: &Segment,
    wanted: &Tag,
    query: &Query,
    visit: &mut VisitTagged<'_>,
) -> Result<()> {
    let interrupt = &query.bounds.interrupt;
    let templates = segment.templates()?;
    let mut walk = Walk {
        segment,
        wanted,
        query,
        tests: RowTests::new(segment, &query.filter, query.loose)?,
        wheres: templates.iter().map(|_| None).collect(),
        contexts: Neighbours::default(),
        last: None,
    };
    for rows in rows_with(segment, Some(wanted), query)? {
        interrupt.check()?;
        segment.outlines_in_turn(rows, &mut |outlined| {
            interrupt.tick()?;
            if query.range.contains(outlined.times.start) {
                let id = outlined.times.trace_id;
                walk.row(outlined, &mut |value| visit(id, value))?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}

/// The rows that may fulfil the query, start inside its range, and bear a tag if one is wanted.
pub(super) fn rows_with(
    segment: &Segment,
    wanted: Option<&Tag>,
    query: &Query,
) -> Result<Vec<Range<u32>>> {
    let (Some(first), Some(last)) = (query.range.first(), query.range.last()) else {
        return Ok(Vec::new());
    };
    let terms = Interruptible { segment, interrupt: &query.bounds.interrupt };
    let mut set = plan(&terms, &query.filter, query.loose)?.set;
    if let Some(Tag::Attribute(scope, key)) = wanted
        && let Some(scope) = tag_scope(*scope)
    {
        set = set.and(&segment.candidates(scope, key, &Probe::Exists)?.set);
    }
    if set.len() * SPARSE >= segment.summary().traces {
        let rows = u32::try_from(segment.summary().rows);
        let rows = rows.map_err(|_| segment.damaged("more rows than can be numbered"))?;
        return segment.rows_starting(0..rows, first, last);
    }
    let mut found = Vec::new();
    for ordinal in set.iter() {
        let entry = segment.entry(ordinal)?;
        if query.range.overlaps(entry.first_start, entry.last_start) {
            found.push(entry.row_range());
        }
    }
    Ok(found)
}

/// Where the rows of a template have the tag.
enum Where {
    Nowhere,
    /// One value for all of them.
    Name,
    Kind,
    Status,
    Columns(Vec<(usize, ValueType)>),
    Resource,
    Scope,
    /// Only the whole row tells.
    Row,
}

struct Walk<'a> {
    segment: &'a Segment,
    wanted: &'a Tag,
    query: &'a Query,
    tests: RowTests<'a>,
    /// By template code.
    wheres: Vec<Option<Where>>,
    contexts: Neighbours,
    /// The trace and context whose values were handed over last: its neighbours share them.
    last: Option<(TraceId, bool, u32)>,
}

impl Walk<'_> {
    fn row(&mut self, outlined: Outlined<'_>, visit: &mut VisitValue<'_>) -> Result<()> {
        let place = self.wheres.get_mut(outlined.columns.template() as usize);
        let (Some(template), Some(place)) = (outlined.template, place) else {
            return self.whole(outlined, visit);
        };
        let place = place.get_or_insert_with(|| find(self.wanted, template));
        if matches!(place, Where::Nowhere) {
            return Ok(());
        }
        match self.tests.verdict(outlined.columns)? {
            Some(true) => {}
            Some(false) => return Ok(()),
            None => return self.whole(outlined, visit),
        }
        match place {
            Where::Nowhere => Ok(()),
            Where::Name => visit(Plain::Text(&template.name)),
            Where::Kind => visit(tag::kind(template.kind)),
            Where::Status => visit(tag::status(template.status.unwrap_or_default())),
            Where::Columns(columns) => {
                columns.iter().try_for_each(|own| slot(outlined.columns, *own, visit))
            }
            Where::Resource => {
                if self.is_new(outlined.times.trace_id, true, outlined.resource) {
                    let context = self.contexts.resource(self.segment, outlined.resource)?;
                    let own = context.resource.as_ref().map_or(&[][..], |own| &own.attributes);
                    shared(self.wanted, own, visit)?;
                }
                Ok(())
            }
            Where::Scope => {
                if self.is_new(outlined.times.trace_id, false, template.scope) {
                    let context = self.contexts.scope(self.segment, template.scope)?;
                    let own = context.scope.as_ref().map_or(&[][..], |own| &own.attributes);
                    shared(self.wanted, own, visit)?;
                }
                Ok(())
            }
            Where::Row => self.whole(outlined, visit),
        }
    }

    fn is_new(&mut self, trace: TraceId, of_resource: bool, code: u32) -> bool {
        let own = Some((trace, of_resource, code));
        std::mem::replace(&mut self.last, own) != own
    }

    fn whole(&mut self, outlined: Outlined<'_>, visit: &mut VisitValue<'_>) -> Result<()> {
        let read = outlined.read(&mut |row| {
            let row = self.contexts.row(self.segment, row)?;
            if row.fulfils(self.query) {
                self.wanted.visit(&row, visit)?;
            }
            Ok(ControlFlow::Continue(()))
        });
        read.map(drop)
    }
}

/// The values of an attribute that many rows share.
fn shared(wanted: &Tag, attributes: &[KeyValue], visit: &mut VisitValue<'_>) -> Result<()> {
    match wanted {
        Tag::Attribute(_, key) => tag::owned(attributes, key, visit),
        _ => Ok(()),
    }
}

fn slot(
    columns: Columns<'_>,
    (column, value): (usize, ValueType),
    visit: &mut VisitValue<'_>,
) -> Result<()> {
    match value {
        ValueType::Str => visit(Plain::Text(columns.text(column)?.as_str())),
        ValueType::Bool => visit(Plain::Bool(columns.int(column)? != 0)),
        ValueType::Double => {
            let bits = columns.int(column)? as u64;
            visit(Plain::Number(Number::Double(f64::from_bits(bits))))
        }
        _ => visit(Plain::Number(Number::Int(columns.int(column)?))),
    }
}

fn find(wanted: &Tag, template: &Template) -> Where {
    let (scope, key) = match wanted {
        Tag::Name => return Where::Name,
        Tag::Kind => return Where::Kind,
        Tag::Status => return Where::Status,
        Tag::StatusMessage if template.status.is_none() => return Where::Nowhere,
        Tag::StatusMessage => return Where::Row,
        Tag::Attribute(scope, key) => (*scope, key),
    };
    let owner = match scope {
        Scope::Resource => return Where::Resource,
        Scope::Instrumentation => return Where::Scope,
        Scope::Any if template.attributes.iter().all(|(own, _)| own != key) => {
            return Where::Resource;
        }
        Scope::Any | Scope::Span => Owner::Span,
        Scope::Event => Owner::Event,
        Scope::Link => Owner::Link,
    };
    let mut columns = Vec::new();
    for (number, slot) in template.slots.iter().enumerate() {
        match &slot.place {
            Place::Attribute(of, name, value) if *of == owner && *name == *key => match value {
                ValueType::Str | ValueType::Bool | ValueType::Int | ValueType::Double => {
                    columns.push((SLOTS + number, *value));
                }
                // Its elements.
                ValueType::Array => return Where::Row,
                _ => {}
            },
            _ => {}
        }
    }
    if columns.is_empty() { Where::Nowhere } else { Where::Columns(columns) }
}
