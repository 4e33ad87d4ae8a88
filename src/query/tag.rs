//! What a tag's name means, and its values on a row.

use crate::base::error::{Error, Result};
use crate::base::model::{KeyValue, SpanKind, StatusCode, Value};
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::view::{AttrRef, ValueRef};
use crate::query::ast::Scope;
use crate::query::listed::Plain;
use crate::query::source::Row;

/// A tag whose values can be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// An attribute.
    Attribute(Scope, Str),
    /// The span's name.
    Name,
    /// Its kind, by name where it has one.
    Kind,
    /// Its status, by name where it has one.
    Status,
    /// The text that goes with the status.
    StatusMessage,
}

/// What takes the values of rows.
pub type VisitValue<'a> = dyn FnMut(Plain<'_>) -> Result<()> + 'a;

impl Tag {
    /// The tag of this name.
    pub fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "name" => Self::Name,
            "kind" => Self::Kind,
            "status" => Self::Status,
            "statusMessage" => Self::StatusMessage,
            "duration" | "rootName" | "rootServiceName" | "traceDuration" => {
                return Err(Error::invalid(format!(
                    "the values of {name} are not listed: ask for an attribute, name, kind, status \
                     or statusMessage"
                )));
            }
            _ => {
                let (scope, key) = Scope::split(name);
                Self::Attribute(scope, Str::from(key))
            }
        })
    }

    /// Hands over the values on a row.
    pub fn visit(&self, row: &Row<'_>, visit: &mut VisitValue<'_>) -> Result<()> {
        let span = &row.span;
        match self {
            Self::Attribute(scope, key) => attribute(*scope, key, row, visit),
            Self::Name => visit(Plain::Text(span.name.as_str())),
            Self::Kind => visit(kind(span.kind)),
            Self::Status => visit(status(span.status_code())),
            Self::StatusMessage => match &span.status {
                Some(status) => visit(Plain::Text(status.message.as_str())),
                None => Ok(()),
            },
        }
    }
}

/// A kind as lists show it.
pub fn kind(kind: SpanKind) -> Plain<'static> {
    kind.name().map_or(Plain::Number(Number::Int(kind.0.into())), Plain::Text)
}

/// A status as lists show it.
pub fn status(status: StatusCode) -> Plain<'static> {
    status.name().map_or(Plain::Number(Number::Int(status.0.into())), Plain::Text)
}

/// The values of a key among owned attributes.
pub fn owned(attributes: &[KeyValue], key: &str, visit: &mut VisitValue<'_>) -> Result<()> {
    let mut own = attributes.iter().filter(|a| a.key == *key);
    own.try_for_each(|attribute| each_plain(&attribute.value, visit))
}

fn attribute(scope: Scope, key: &str, row: &Row<'_>, visit: &mut VisitValue<'_>) -> Result<()> {
    let span = &row.span;
    let of_resource =
        || row.resource.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
    match scope {
        Scope::Span => refs(&span.attributes, key, visit).map(drop),
        Scope::Resource => owned(of_resource(), key, visit),
        Scope::Instrumentation => {
            owned(row.scope.scope.as_ref().map_or(&[], |scope| &scope.attributes), key, visit)
        }
        Scope::Event => {
            span.events.iter().try_for_each(|own| refs(&own.attributes, key, visit).map(drop))
        }
        Scope::Link => {
            span.links.iter().try_for_each(|own| refs(&own.attributes, key, visit).map(drop))
        }
        Scope::Any => match refs(&span.attributes, key, visit)? {
            true => Ok(()),
            false => owned(of_resource(), key, visit),
        },
    }
}

/// The values of a key; whether anything bears it.
fn refs(attributes: &[AttrRef<'_>], key: &str, visit: &mut VisitValue<'_>) -> Result<bool> {
    let mut any = false;
    for attribute in attributes.iter().filter(|a| a.key.as_str() == key) {
        any = true;
        each_plain_of_ref(&attribute.value, visit)?;
    }
    Ok(any)
}

/// The values that lists show of an attribute's: itself, or the elements of an array.
pub fn each_plain_of_ref(value: &ValueRef<'_>, visit: &mut VisitValue<'_>) -> Result<()> {
    match value {
        ValueRef::Bool(truth) => visit(Plain::Bool(*truth)),
        ValueRef::Int(number) => visit(Plain::Number(Number::Int(*number))),
        ValueRef::Double(number) => visit(Plain::Number(Number::Double(*number))),
        ValueRef::Str(text) => visit(Plain::Text(text.as_str())),
        array @ ValueRef::Array(_) => match array.clone().into_value() {
            Some(own) => each_plain(&own, visit),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The same of an owned value.
pub fn each_plain(value: &Value, visit: &mut VisitValue<'_>) -> Result<()> {
    match value {
        Value::Array(elements) => elements.iter().filter_map(Plain::of).try_for_each(visit),
        other => Plain::of(other).into_iter().try_for_each(visit),
    }
}
