//! What conversions from other formats share.

use serde_json::{Map, Value as Json};
use tracekeep::{KeyValue, ResourceSpans, SpanId, Timestamp, TraceId};

use crate::import::Place;

/// Spans that are stored together: enough that a commit is not felt.
const SPANS: usize = 1000;

/// Why an element could not be converted.
#[derive(Debug)]
pub struct Problem {
    /// Where in the element's text.
    pub at: u64,
    /// What is wrong.
    pub message: String,
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self { at: 0, message }
    }
}

/// A conversion's result.
pub type Converted<T> = Result<T, Problem>;

/// Converted spans that wait until there are enough.
#[derive(Debug, Default)]
pub struct Gathered {
    spans: Vec<ResourceSpans>,
    count: usize,
    place: Place,
}

impl Gathered {
    /// Adds spans; says whether it is time to store.
    pub fn add(&mut self, place: Place, spans: Vec<ResourceSpans>) -> bool {
        if self.spans.is_empty() {
            self.place = place;
        }
        for resource in spans {
            self.count += resource.scope_spans.iter().map(|scope| scope.spans.len()).sum::<usize>();
            match self
                .spans
                .iter_mut()
                .rev()
                .take(16)
                .find(|held| held.resource == resource.resource)
            {
                Some(held) => held.scope_spans.extend(resource.scope_spans),
                None => self.spans.push(resource),
            }
        }
        self.count >= SPANS
    }

    /// What was gathered, and where it began.
    pub fn take(&mut self) -> (Place, Vec<ResourceSpans>) {
        self.count = 0;
        (self.place, std::mem::take(&mut self.spans))
    }
}

/// The object that this text is.
pub fn object(text: &[u8]) -> Converted<Map<String, Json>> {
    serde_json::from_slice(text).map_err(|error| {
        let before =
            text.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
        let at = before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1);
        let mut message = error.to_string();
        if let Some(end) = message.rfind(" at line ") {
            message.truncate(end);
        }
        Problem { at: at as u64, message: format!("not JSON: {message}") }
    })
}

/// A member that is text; absent and null are the empty text.
pub fn text<'a>(object: &'a Map<String, Json>, name: &str) -> Converted<&'a str> {
    match object.get(name) {
        None | Some(Json::Null) => Ok(""),
        Some(Json::String(text)) => Ok(text),
        Some(other) => Err(Problem::from(format!("{name} is {other}, not a string"))),
    }
}

/// A member that is a list; absent and null are the empty list.
pub fn list<'a>(object: &'a Map<String, Json>, name: &str) -> Converted<&'a [Json]> {
    match object.get(name) {
        None | Some(Json::Null) => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(Problem::from(format!("{name} is not a list"))),
    }
}

/// An element that must be an object.
pub fn as_object<'a>(value: &'a Json, what: &str) -> Converted<&'a Map<String, Json>> {
    value.as_object().ok_or_else(|| Problem::from(format!("{what} is not an object")))
}

/// A member that counts microseconds; absent and null are 0.
pub fn micros(object: &Map<String, Json>, name: &str) -> Converted<u64> {
    match object.get(name) {
        None | Some(Json::Null) => Ok(0),
        Some(value) => whole(value)
            .ok_or_else(|| Problem::from(format!("{name} is {value}, not whole microseconds"))),
    }
}

fn whole(value: &Json) -> Option<u64> {
    match value {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => number.as_u64().or_else(|| {
            let number = number.as_f64()?;
            (number.fract() == 0.0 && (0.0..1.8e19).contains(&number)).then_some(number as u64)
        }),
        _ => None,
    }
}

/// A time in microseconds, as nanoseconds; the last time there is where those do not fit.
pub fn time(micros: u64) -> Timestamp {
    Timestamp::from_nanos(micros.saturating_mul(1000))
}

/// A trace id, 1 to 32 hex digits.
pub fn trace_id(object: &Map<String, Json>, name: &str) -> Converted<TraceId> {
    let digits = text(object, name)?;
    // A traceparent, which the type also parses, is no id here.
    let id = if digits.contains('-') { None } else { digits.parse().ok() };
    id.ok_or_else(|| Problem::from(format!("{name} is {digits:?}, not 1 to 32 hex digits")))
}

/// A span id, 1 to 16 hex digits.
pub fn span_id(object: &Map<String, Json>, name: &str) -> Converted<SpanId> {
    let digits = text(object, name)?;
    let id = digits.parse();
    id.map_err(|_| Problem::from(format!("{name} is {digits:?}, not 1 to 16 hex digits")))
}

/// The first string among the attributes with this key.
pub fn string_attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    attributes.iter().filter(|a| a.key == key).find_map(|a| match &a.value {
        tracekeep::Value::String(text) => Some(text.as_str()),
        _ => None,
    })
}
