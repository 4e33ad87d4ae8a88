//! JSON of any layout: OTLP requests, Jaeger's `{"data": [trace, ..]}`, Zipkin's `[span, ..]` and
//! `[[span, ..], ..]`; pretty-printed or not, one after the other or alone.
//!
//! Lists are taken apart element by element, so that memory holds one trace, not the file.

use std::io::BufRead;

use tracekeep::ResourceSpans;

use crate::import::convert::{Gathered, Problem};
use crate::import::scan::Scanner;
use crate::import::{Piece, Place, Sink, Stop, jaeger, zipkin};

/// Hands everything to `sink`.
pub fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut reader = Reader { scanner: Scanner::new(input), sink, gathered: Gathered::default() };
    let read = reader.values();
    // What was sound before the damage is stored.
    let stored = reader.store();
    read.and(stored)
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    sink: &'a mut dyn Sink,
    gathered: Gathered,
}

/// What the elements of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Resource,
    JaegerTrace,
    ZipkinSpan,
}

impl Reader<'_> {
    fn values(&mut self) -> Result<(), Stop> {
        while let Some(first) = self.scanner.peek()? {
            match first {
                b'[' => self.list(Element::ZipkinSpan)?,
                b'{' => self.object()?,
                _ => return Err(self.scanner.malformed("an object or a list")?),
            }
        }
        Ok(())
    }

    /// An object at the top: a request, or Jaeger's answer.
    fn object(&mut self) -> Result<(), Stop> {
        let start = self.scanner.place();
        self.scanner.expect(b'{', "an object")?;
        let (mut known, mut empty) = (false, true);
        while !self.scanner.accept(b'}')? {
            if !empty {
                self.scanner.expect(b',', "a comma or the end of the object")?;
            }
            empty = false;
            if self.scanner.peek()? != Some(b'"') {
                return Err(self.scanner.malformed("a member's name")?);
            }
            let name = self.scanner.value()?;
            self.scanner.expect(b':', "a colon")?;
            let element = match name.as_slice() {
                b"\"resourceSpans\"" | b"\"resource_spans\"" => Some(Element::Resource),
                b"\"data\"" => Some(Element::JaegerTrace),
                _ => None,
            };
            known |= element.is_some();
            match element {
                Some(element) if self.scanner.peek()? == Some(b'[') => self.list(element)?,
                _ => self.scanner.skip()?,
            }
        }
        if !known && !empty {
            let what = "an object with neither resourceSpans (OTLP) nor data (Jaeger)";
            self.sink.malformed(start, what.into())?;
        }
        Ok(())
    }

    /// A list of elements, or of lists of them.
    fn list(&mut self, element: Element) -> Result<(), Stop> {
        let mut depth = 0u32;
        let mut first = true;
        loop {
            if self.scanner.accept(b']')? {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(());
                }
                first = false;
                continue;
            }
            if !first {
                self.scanner.expect(b',', "a comma or the end of the list")?;
            }
            first = self.scanner.peek()? == Some(b'[') && depth < 2;
            if first {
                self.scanner.expect(b'[', "a list")?;
                depth += 1;
            } else if self.scanner.peek()? == Some(b'{') {
                let place = self.scanner.place();
                let text = self.scanner.value()?;
                self.element(element, place, &text)?;
            } else {
                return Err(self.scanner.malformed("an object")?);
            }
        }
    }

    fn element(&mut self, element: Element, place: Place, text: &[u8]) -> Result<(), Stop> {
        let converted = match element {
            Element::Resource => {
                let request = [b"{\"resourceSpans\":[".as_slice(), text, b"]}"].concat();
                // So that positions inside count from where the file has it.
                let offset = place.offset.saturating_sub(b"{\"resourceSpans\":[".len() as u64);
                let piece = Piece::Json(request);
                return Ok(self.sink.piece(Place { offset, ..place }, piece)?);
            }
            Element::JaegerTrace => jaeger::spans(text),
            Element::ZipkinSpan => zipkin::spans(text),
        };
        match converted {
            Ok(spans) => self.keep(place, spans),
            Err(Problem { at, message }) => {
                let place = Place { offset: place.offset + at, ..place };
                Ok(self.sink.malformed(place, message)?)
            }
        }
    }

    fn keep(&mut self, place: Place, spans: Vec<ResourceSpans>) -> Result<(), Stop> {
        if self.gathered.add(place, spans) { self.store() } else { Ok(()) }
    }

    fn store(&mut self) -> Result<(), Stop> {
        let (place, spans) = self.gathered.take();
        if !spans.is_empty() {
            self.sink.piece(place, Piece::Spans(spans))?;
        }
        Ok(())
    }
}
