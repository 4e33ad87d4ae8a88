//! The values of a field on a segment's rows, column by column.

use crate::base::error::Result;
use crate::base::model::{KeyValue, ScopeContext};
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::time::saturating_nanos;
use crate::block::models::SLOTS;
use crate::block::skeleton::ValueType;
use crate::block::template::{Owner, Place, Template};
use crate::query::ast::{Field, Scope};
use crate::query::compare::{Seen, whole};
use crate::query::eval::datum::Datum;
use crate::query::eval::fields::Taker;
use crate::query::figures::Sight;
use crate::segment::Segment;

/// Reads one field of a segment's rows: the same values in the same order as
/// [`each`](crate::query::eval::fields::each) hands over for the whole row.
#[derive(Debug)]
pub struct Reader<'q> {
    field: &'q Field,
    /// By template code, those met so far.
    places: Vec<Option<Where>>,
}

/// What is known of a row's values before they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Its columns tell them.
    pub is_told: bool,
    /// They are the same on all rows of its template and resource.
    pub is_fixed: bool,
}

/// Where the rows of a template have the field.
#[derive(Debug)]
enum Where {
    /// Only the whole row tells.
    Row,
    /// The same for all of them.
    Values(Vec<Datum>),
    /// On their resources.
    Resource,
    /// Column by column.
    Columns(Vec<(usize, ValueType)>),
    Duration,
    SpanId,
    ParentId,
    TraceId,
}

impl<'q> Reader<'q> {
    /// Of any segment's rows, all of the same.
    pub const fn new(field: &'q Field) -> Self {
        Self { field, places: Vec::new() }
    }

    /// Looks up where a row has the field.
    pub fn find(&mut self, sight: &Sight<'_>) -> Result<Found> {
        let code = sight.outlined.columns.template() as usize;
        if self.places.len() <= code {
            // As many as the segment has templates: the row's own is one of them.
            self.places.resize_with(code + 1, || None);
        }
        let Some(place) = self.places.get_mut(code) else { return Ok(Found::default()) };
        let place = match place {
            Some(known) => known,
            None => place.insert(find(self.field, sight.template, sight.segment)?),
        };
        Ok(Found {
            is_told: !matches!(place, Where::Row),
            is_fixed: matches!(place, Where::Values(_) | Where::Resource),
        })
    }

    /// Hands over the values of a row that was looked up.
    pub fn each(&self, sight: &Sight<'_>, take: &mut Taker<'_>) -> Result<()> {
        let columns = sight.outlined.columns;
        let times = &sight.outlined.times;
        match self.places.get(columns.template() as usize).and_then(Option::as_ref) {
            None | Some(Where::Row) => {}
            Some(Where::Values(values)) => values.iter().for_each(|value| take(value.seen())),
            Some(Where::Resource) => {
                let own = sight.resource.resource.as_ref().map_or(&[][..], |own| &own.attributes);
                if let Field::Attribute(_, key) = self.field {
                    of_key(own, key).for_each(|own| take(whole(&own.value)));
                }
            }
            Some(Where::Duration) => {
                take(Seen::Nanos(saturating_nanos(times.end.since(times.start))));
            }
            Some(Where::SpanId) => take(Seen::Text(&times.span_id.to_string())),
            Some(Where::ParentId) => {
                times.parent.iter().for_each(|parent| take(Seen::Text(&parent.to_string())));
            }
            Some(Where::TraceId) => take(Seen::Text(&times.trace_id.to_string())),
            Some(Where::Columns(own)) => {
                for &(column, value) in own {
                    match value {
                        ValueType::Str => take(Seen::Text(columns.text(column)?.as_str())),
                        ValueType::Bool => take(Seen::Bool(columns.int(column)? != 0)),
                        ValueType::Double => {
                            let bits = columns.int(column)? as u64;
                            take(Seen::Number(Number::Double(f64::from_bits(bits))));
                        }
                        _ => take(Seen::Number(Number::Int(columns.int(column)?))),
                    }
                }
            }
        }
        Ok(())
    }
}

fn of_key<'a>(attributes: &'a [KeyValue], key: &'a str) -> impl Iterator<Item = &'a KeyValue> {
    attributes.iter().filter(move |own| own.key == *key)
}

fn find(field: &Field, template: &Template, segment: &Segment) -> Result<Where> {
    let one = |seen: Seen<'_>| Where::Values(vec![Datum::of(seen)]);
    let of_scope = |seen: fn(&ScopeContext) -> Option<Seen<'_>>| -> Result<Where> {
        let scope = segment.scope(template.scope)?;
        Ok(Where::Values(seen(&scope).into_iter().map(Datum::of).collect()))
    };
    Ok(match field {
        Field::Name => one(Seen::Text(&template.name)),
        Field::Kind => one(Seen::Code(template.kind.0)),
        Field::Status => one(Seen::Code(template.status.unwrap_or_default().0)),
        Field::StatusMessage => message(template),
        Field::Duration => Where::Duration,
        Field::SpanId => Where::SpanId,
        Field::ParentId => Where::ParentId,
        Field::TraceId => Where::TraceId,
        Field::EventName => {
            let names = template.events.iter().map(|event| Datum::Text(event.name.clone()));
            Where::Values(names.collect())
        }
        Field::InstrumentationName => {
            of_scope(|scope| scope.scope.as_ref().map(|own| Seen::Text(&own.name)))?
        }
        Field::InstrumentationVersion => {
            of_scope(|scope| scope.scope.as_ref().map(|own| Seen::Text(&own.version)))?
        }
        Field::Attribute(Scope::Resource, _) => Where::Resource,
        Field::Attribute(Scope::Any, key)
            if template.attributes.iter().all(|(own, _)| own != key) =>
        {
            Where::Resource
        }
        Field::Attribute(Scope::Any | Scope::Span, key) => {
            columns(template, Owner::Span, key, &template.attributes)
        }
        Field::Attribute(Scope::Event, key) => {
            let attributes = template.events.iter().flat_map(|event| &event.attributes);
            columns(template, Owner::Event, key, attributes)
        }
        Field::Attribute(Scope::Link, key) => {
            let attributes = template.links.iter().flat_map(|link| &link.attributes);
            columns(template, Owner::Link, key, attributes)
        }
        Field::Attribute(Scope::Instrumentation, key) => {
            let scope = segment.scope(template.scope)?;
            let own = scope.scope.as_ref().map_or(&[][..], |own| &own.attributes);
            Where::Values(of_key(own, key).map(|own| Datum::of(whole(&own.value))).collect())
        }
        _ => Where::Row,
    })
}

fn message(template: &Template) -> Where {
    let column = template.slots.iter().position(|slot| slot.place == Place::StatusMessage);
    match (template.status, column) {
        (None, _) => Where::Values(Vec::new()),
        (Some(_), Some(slot)) => Where::Columns(vec![(SLOTS + slot, ValueType::Str)]),
        (Some(_), None) => Where::Values(vec![Datum::Text(Str::default())]),
    }
}

/// The columns of a key, if they say all there is to say of it.
fn columns<'t>(
    template: &Template,
    owner: Owner,
    key: &Str,
    attributes: impl IntoIterator<Item = &'t (Str, ValueType)>,
) -> Where {
    let is_scalar = |value: &ValueType| {
        matches!(value, ValueType::Str | ValueType::Bool | ValueType::Int | ValueType::Double)
    };
    let mut types = attributes.into_iter().filter(|(own, _)| own == key).map(|(_, value)| value);
    if !types.all(is_scalar) {
        return Where::Row;
    }
    let mut columns = Vec::new();
    for (number, slot) in template.slots.iter().enumerate() {
        match &slot.place {
            Place::Attribute(of, name, value) if *of == owner && name == key => {
                columns.push((SLOTS + number, *value));
            }
            _ => {}
        }
    }
    Where::Columns(columns)
}
