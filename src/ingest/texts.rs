//! Which texts stand in the spans of a group: whether it is worth looking at them one by one.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::base::checksum::hash64;
use crate::base::model::Value;
use crate::base::view::{AttrRef, SpanRef, ValueRef};
use crate::base::wire;
use crate::index::bloom::{BloomReader, HashedId, Strength};
use crate::ingest::group::{Group, SCANS_BEFORE_INDEX};

/// A filter over the texts of a group, made when it has been asked for some times: to scan the group
/// once costs a fiftieth of it, and most small groups are soon joined with others.
#[derive(Debug, Default)]
pub struct Texts {
    asks: AtomicU32,
    /// None if some span does not decode.
    filter: OnceLock<Option<BloomReader>>,
}

impl Texts {
    /// Whether some span of the group may have the text, as a whole, for its name, its status
    /// message or an event's name, for the key of an attribute of its own, of an event or of a link,
    /// or for the value of such, or an element of that; `false` is certain.
    pub fn may_contain(&self, group: &Group, text: &str) -> bool {
        if self.filter.get().is_none() && self.asks.fetch_add(1, Relaxed) < SCANS_BEFORE_INDEX {
            return true;
        }
        let filter = self.filter.get_or_init(|| filter_of(group));
        filter.as_ref().is_none_or(|filter| filter.contains(&HashedId::new(hash(text))))
    }
}

fn hash(text: &str) -> u64 {
    hash64(text.as_bytes())
}

fn filter_of(group: &Group) -> Option<BloomReader> {
    let mut all = Vec::new();
    for entry in group.entries() {
        visit_texts(&group.span(entry).ok()?, &mut |text| all.push(hash(text)));
    }
    all.sort_unstable();
    all.dedup();
    Some(BloomReader::of(&all, Strength::GROUP))
}

fn visit_texts(span: &SpanRef<'_>, visit: &mut dyn FnMut(&str)) {
    visit(span.name.as_str());
    if let Some(status) = &span.status {
        visit(status.message.as_str());
    }
    visit_attributes(&span.attributes, visit);
    for event in &span.events {
        visit(event.name.as_str());
        visit_attributes(&event.attributes, visit);
    }
    for link in &span.links {
        visit_attributes(&link.attributes, visit);
    }
}

fn visit_attributes(attributes: &[AttrRef<'_>], visit: &mut dyn FnMut(&str)) {
    for AttrRef { key, value } in attributes {
        visit(key.as_str());
        match value {
            ValueRef::Str(text) => visit(text.as_str()),
            // What is nested deeper equals no literal.
            ValueRef::Array(bytes) => {
                for element in wire::decode_array(bytes).unwrap_or_default() {
                    if let Value::String(text) = element {
                        visit(&text);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::base::model::{Event, KeyValue, Link, ResourceSpans, ScopeSpans, Span, Status};
    use crate::ingest::contexts::Contexts;
    use crate::ingest::otlp::{Admission, prepare};
    use crate::ingest::request::encode_request;

    #[test]
    fn texts_are_found_wherever_they_stand_and_others_hardly() {
        let array = Value::Array(vec![Value::from("element"), Value::Int(7)]);
        let mut span = Span {
            trace_id: 1u128.into(),
            span_id: 1u64.into(),
            name: "name".into(),
            attributes: vec![KeyValue::new("key", "value"), KeyValue::new("list", array)],
            events: vec![Event { name: "event".into(), ..Event::default() }],
            links: vec![Link { trace_id: 1u128.into(), span_id: 1u64.into(), ..Link::default() }],
            status: Some(Status { message: "message".into(), ..Status::default() }),
            ..Span::default()
        };
        for event in &mut span.events {
            event.attributes = vec![KeyValue::new("event key", "event value")];
        }
        for link in &mut span.links {
            link.attributes = vec![KeyValue::new("link key", "link value")];
        }
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        let request = encode_request(&[ResourceSpans { scope_spans, ..ResourceSpans::default() }]);
        let contexts = Contexts::new(1 << 20);
        let prepared = prepare(&request.unwrap(), &contexts, &|_| Admission::Accept).unwrap();
        let (_, group) = prepared.batch.split(1, |_| 0u8).remove(0);
        assert!(group.may_contain_text("absent"));
        assert!((0..100).filter(|n| group.may_contain_text(&format!("absent {n}"))).count() < 10);
        for text in ["name", "key", "value", "list", "element", "event", "event key"] {
            assert!(group.may_contain_text(text), "{text}");
        }
        for text in ["event value", "link key", "link value", "message"] {
            assert!(group.may_contain_text(text), "{text}");
        }
    }
}
