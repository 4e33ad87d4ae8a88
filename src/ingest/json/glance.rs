//! Requests as exporters write them, from JSON to protobuf at a glance.
//!
//! Nearly all of a request are spans with plain attributes, members in any order and each once,
//! texts without escapes. These are read from the bytes into one structure that serves all spans,
//! three times as fast as by a general reader, which reads what is rare: resources, scopes, events,
//! statuses, and whole spans that have anything else. Where even that does not help, the request is
//! left to it, and so are all errors: what this reads, it reads alike.

use std::borrow::Cow;

use serde::Deserialize;

use crate::base::varint::{len_u64, write_u64};
use crate::base::wire::{put_bytes, put_message, put_tag, put_text};
use crate::ingest::json::message::Put;
use crate::ingest::json::read::{Resource, Scope};
use crate::ingest::json::read_span::Span;
use crate::ingest::json::scalar::{Double, Text};

/// The request as protobuf, if it is as expected.
pub fn to_protobuf(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut json = Glance { text, at: 0 };
    let mut seen = Seen::default();
    json.object(|json, name| match name {
        "resourceSpans" => {
            seen.next(1)?;
            json.list(|json| put_message(&mut out, 0x0a, |out| json.resource_spans(out)))
        }
        _ => None,
    })?;
    json.skip_space();
    (json.at == text.len()).then_some(out)
}

/// A place in JSON text. Methods move on behind what they read; `None` says that it is not as
/// expected, and leaves the place anywhere.
struct Glance<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Glance<'a> {
    fn resource_spans(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let mut seen = Seen::default();
        self.object(|json, name| match name {
            // In the order of canonical bytes: what is written stays where it is.
            "resource" => {
                seen.next(1)?;
                let resource: Resource = json.general()?;
                put_message(out, 0x0a, |out| resource.put(out));
                Some(())
            }
            "scopeSpans" => {
                seen.next(2)?;
                json.list(|json| put_message(out, 0x12, |out| json.scope_spans(out)))
            }
            "schemaUrl" => {
                seen.next(3)?;
                put_text(out, 0x1a, json.string()?);
                Some(())
            }
            _ => None,
        })
    }

    fn scope_spans(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let mut seen = Seen::default();
        let mut span = Span::default();
        self.object(|json, name| match name {
            "scope" => {
                seen.next(1)?;
                let scope: Scope<'_> = json.general()?;
                put_message(out, 0x0a, |out| scope.put(out));
                Some(())
            }
            "spans" => {
                seen.next(2)?;
                json.list(|json| json.any_span(&mut span, out))
            }
            "schemaUrl" => {
                seen.next(3)?;
                put_text(out, 0x1a, json.string()?);
                Some(())
            }
            _ => None,
        })
    }

    /// A span of any kind. `span` has memory to be used again.
    fn any_span(&mut self, span: &mut Span<'a>, out: &mut Vec<u8>) -> Option<()> {
        let start = self.at;
        span.clear();
        if self.span(span).is_some() {
            put_message(out, 0x12, |out| span.put(out));
            return Some(());
        }
        self.at = start;
        let other: Span<'a> = self.general()?;
        put_message(out, 0x12, |out| other.put(out));
        Some(())
    }

    fn span(&mut self, span: &mut Span<'a>) -> Option<()> {
        let mut seen = 0u32;
        self.object(|json, name| {
            let member = match name {
                "traceId" => {
                    json.hex(&mut span.trace_id.0)?;
                    0
                }
                "spanId" => {
                    json.hex(&mut span.span_id.0)?;
                    1
                }
                "parentSpanId" => {
                    json.hex(&mut span.parent_span_id.0)?;
                    2
                }
                "traceState" => {
                    span.trace_state = json.text()?;
                    3
                }
                "flags" => {
                    span.flags.0 = json.count()?;
                    4
                }
                "name" => {
                    span.name = json.text()?;
                    5
                }
                "kind" => {
                    span.kind.0 = i32::try_from(json.number()?).ok()?;
                    6
                }
                "startTimeUnixNano" => {
                    span.start_time_unix_nano.0 = json.number()?;
                    7
                }
                "endTimeUnixNano" => {
                    span.end_time_unix_nano.0 = json.number()?;
                    8
                }
                "attributes" => {
                    json.list(|json| json.attribute(0x4a, &mut span.attributes.0))?;
                    9
                }
                "droppedAttributesCount" => {
                    span.dropped_attributes_count.0 = json.count()?;
                    10
                }
                "events" => {
                    span.events = json.general()?;
                    11
                }
                "droppedEventsCount" => {
                    span.dropped_events_count.0 = json.count()?;
                    12
                }
                "links" => {
                    span.links = json.general()?;
                    13
                }
                "droppedLinksCount" => {
                    span.dropped_links_count.0 = json.count()?;
                    14
                }
                "status" => {
                    span.status = json.general()?;
                    15
                }
                _ => return None,
            };
            let is_new = seen & 1 << member == 0;
            seen |= 1 << member;
            is_new.then_some(())
        })
    }

    /// A `KeyValue` with a plain value.
    fn attribute(&mut self, tag: u8, out: &mut Vec<u8>) -> Option<()> {
        self.eat(b'{')?;
        self.member("key")?;
        let key = self.string()?;
        self.eat(b',')?;
        self.member("value")?;
        self.eat(b'{')?;
        let kind = self.string()?;
        self.eat(b':')?;
        match kind {
            "stringValue" => {
                let text = self.string()?;
                put_pair(out, tag, key, 1 + len_u64(text.len() as u64) + text.len());
                put_bytes(out, 0x0a, text.as_bytes());
            }
            "intValue" => {
                let number = self.signed()? as u64;
                put_pair(out, tag, key, 1 + len_u64(number));
                out.push(0x18);
                write_u64(out, number);
            }
            "boolValue" => {
                let truth: bool = self.general()?;
                put_pair(out, tag, key, 2);
                out.extend_from_slice(&[0x10, u8::from(truth)]);
            }
            "doubleValue" => {
                let Double(number) = self.general::<Option<_>>()??;
                put_pair(out, tag, key, 9);
                out.push(0x21);
                out.extend_from_slice(&number.to_le_bytes());
            }
            _ => return None,
        }
        self.eat(b'}')?;
        self.eat(b'}')
    }

    /// The value that stands next, whatever it is, by the general reader.
    fn general<T: Deserialize<'a>>(&mut self) -> Option<T> {
        self.skip_space();
        let start = self.at;
        self.skip_value()?;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    /// Moves behind a value; that it is one, its reader will see.
    fn skip_value(&mut self) -> Option<()> {
        let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
        let begin = self.at;
        for byte in self.text.as_bytes().get(begin..)? {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'{' | b'[' => depth += 1,
                // Behind a bare value.
                b'}' | b']' | b',' if depth == 0 => return Some(()),
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 && !in_text && matches!(byte, b'}' | b']' | b'"') {
                return Some(());
            }
        }
        None
    }

    /// Members of an object, each handed over by its name.
    fn object(&mut self, mut each: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.eat(b'{')?;
        if self.eat(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.eat(b':')?;
            each(self, name)?;
            if self.eat(b',').is_none() {
                return self.eat(b'}');
            }
        }
    }

    /// Elements of a list.
    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(b'[')?;
        if self.eat(b']').is_some() {
            return Some(());
        }
        loop {
            each(self)?;
            if self.eat(b',').is_none() {
                return self.eat(b']');
            }
        }
    }

    /// The name of a member, if it is this one.
    fn member(&mut self, name: &str) -> Option<()> {
        (self.string()? == name).then_some(())?;
        self.eat(b':')
    }

    fn text(&mut self) -> Option<Text<'a>> {
        self.string().map(|text| Text(Cow::Borrowed(text)))
    }

    /// A text without escapes.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        self.eat(b'"')?;
        let rest = self.text.as_bytes().get(self.at..)?;
        let len = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
        let text = self.text.get(self.at..self.at + len)?;
        self.at += len;
        (rest.get(len) == Some(&b'"')).then(|| self.at += 1)?;
        Some(text)
    }

    /// An id in hex digits.
    fn hex(&mut self, id: &mut Vec<u8>) -> Option<()> {
        let (pairs, []) = self.string()?.as_bytes().as_chunks::<2>() else { return None };
        for [high, low] in pairs {
            let digit = |byte: u8| (byte as char).to_digit(16);
            id.push((digit(*high)? << 4 | digit(*low)?) as u8);
        }
        Some(())
    }

    fn count(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        let quoted = self.eat(b'"').is_some();
        let negative = self.text.as_bytes().get(self.at) == Some(&b'-');
        self.at += usize::from(negative);
        let number = i64::try_from(self.digits(quoted)?).ok()?;
        Some(if negative { -number } else { number })
    }

    /// A number, perhaps as text.
    fn number(&mut self) -> Option<u64> {
        let quoted = self.eat(b'"').is_some();
        self.digits(quoted)
    }

    /// Digits, and the end of their text.
    fn digits(&mut self, quoted: bool) -> Option<u64> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = rest.get(..len).filter(|digits| (1..=19).contains(&digits.len()))?;
        // JSON has no numbers such as 007, but texts may.
        (quoted || len == 1 || digits.first() != Some(&b'0')).then_some(())?;
        self.at += len;
        if quoted {
            (rest.get(len) == Some(&b'"')).then(|| self.at += 1)?;
        }
        Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.text.as_bytes().get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.text.as_bytes().get(self.at) {
            self.at += 1;
        }
    }
}

/// Members that come once, in their order.
#[derive(Default)]
struct Seen(u8);

impl Seen {
    fn next(&mut self, member: u8) -> Option<()> {
        let before = std::mem::replace(&mut self.0, member);
        (before < member).then_some(())
    }
}

/// Begins a `KeyValue` whose `AnyValue` has so many bytes, which follow.
fn put_pair(out: &mut Vec<u8>, tag: u8, key: &str, value_len: usize) {
    let delimited = |len: usize| 1 + len_u64(len as u64) + len;
    let key_len = if key.is_empty() { 0 } else { delimited(key.len()) };
    put_tag(out, tag, key_len + delimited(value_len));
    put_text(out, 0x0a, key);
    put_tag(out, 0x12, value_len);
}
