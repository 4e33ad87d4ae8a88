//! Listing the values of a tag.
//!
//! A source that lies wholly inside the range lists them in its dictionaries, which are sorted: a
//! prefix is a range of codes, and a page costs the values on it, however many there are. Sources
//! are merged as far as the page goes. The others are walked, column by column, and so are all where
//! a condition restricts the spans: of few traces, if the indexes leave few over.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::model::Value;
use crate::query::ast::Scope;
use crate::query::codes::Codes;
use crate::query::listed::{Listed, Plain};
use crate::query::search;
use crate::query::smallest::{Smallest, too_much, weight};
use crate::query::source::Source;
use crate::query::tag::Tag;
use crate::query::tally::{Scattered, Tally};
use crate::query::typed::Query;
use crate::query::values::{TagValue, ValueKind, ValuesPage, ValuesQuery};
use crate::query::view::View;

/// Which values count, whatever the spans.
#[derive(Debug)]
pub struct Wanted {
    /// Only what comes behind it.
    pub after: Option<Listed>,
    /// Only texts that begin so.
    pub prefix: Option<String>,
    kind: Option<ValueKind>,
}

impl Wanted {
    fn of(query: &ValuesQuery) -> Result<Self> {
        let after = query.after.as_deref().map(Plain::value_of_cursor).transpose()?;
        let (prefix, kind) = (query.prefix.clone(), query.kind);
        Ok(Self { after: after.and_then(Listed::new), prefix, kind })
    }

    /// Whether a value is among them.
    pub fn admits(&self, value: Plain<'_>) -> bool {
        let begins =
            |prefix: &String| matches!(value, Plain::Text(text) if text.starts_with(&**prefix));
        self.kind.is_none_or(|kind| ValueKind::of(value) == kind)
            && self.prefix.as_ref().is_none_or(begins)
            && self.after.as_ref().is_none_or(|after| value > after.plain())
    }

    /// Whether nothing behind a value is wanted of its dictionary, which has one type and in which
    /// texts that begin alike stand together.
    pub fn is_past(&self, value: Plain<'_>) -> bool {
        let is_behind = |prefix: &String| match value {
            Plain::Text(text) => text > prefix.as_str() && !text.starts_with(prefix.as_str()),
            _ => true,
        };
        self.kind.is_some_and(|kind| ValueKind::of(value) != kind)
            || self.prefix.as_ref().is_some_and(is_behind)
    }
}

/// One call.
struct Listing<'a> {
    view: &'a View,
    tag: &'a Tag,
    spans: &'a Query,
    wanted: &'a Wanted,
    /// Those of which traces are to be told apart, if they are to be counted.
    scattered: Option<Scattered>,
    /// What was found by walking.
    smallest: Smallest,
}

/// A page of values.
pub fn values(view: &View, query: &ValuesQuery) -> Result<ValuesPage> {
    let (tag, wanted) = (Tag::parse(&query.tag)?, Wanted::of(query)?);
    let spans = &*query.spans.begin(view.clock())?;
    if query.limit == 0 {
        return Ok(ValuesPage::default());
    }
    let bounds = &spans.bounds;
    let sources: Vec<&Arc<dyn Source>> = view.sources_in(spans.range).collect();
    let scattered = match query.counted {
        true => Some(Scattered::among(&sources, bounds)?),
        false => None,
    };
    let smallest = Smallest::new(query.limit.saturating_add(1), bounds.half_bytes());
    let mut listing = Listing { view, tag: &tag, spans, wanted: &wanted, scattered, smallest };
    let mut lanes = Vec::new();
    if !spans.asks_of_spans() {
        listing.walk_traces()?;
    } else {
        for source in sources {
            match listing.dictionaries(source)? {
                Some(codes) => lanes.extend(codes),
                None => listing.walk(source)?,
            }
        }
    }
    listing.merge(lanes, query.limit)
}

/// All values of a tag on spans that start inside the query's range; fails if they take too much.
pub fn all_values(view: &View, tag: &str, spans: Query) -> Result<Vec<Value>> {
    let bytes = spans.bounds.half_bytes();
    let page = values(view, &ValuesQuery::of(tag).spans(spans).limit(usize::MAX))?;
    match page.next {
        Some(_) => Err(too_much(bytes)),
        None => Ok(page.values.into_iter().map(|found| found.value).collect()),
    }
}

impl<'a> Listing<'a> {
    /// A source's dictionaries, if they list all values of the tag inside the range.
    fn dictionaries(&self, source: &Arc<dyn Source>) -> Result<Option<Vec<Codes>>> {
        let starts = source.starts();
        let is_inside = starts.is_some_and(|(first, last)| self.spans.range.covers(first, last));
        if !is_inside || !self.spans.filter.is_always() {
            return Ok(None);
        }
        let tag = match self.tag {
            // The two scopes together are more than their parts where some span has both.
            Tag::Attribute(Scope::Any, key) => {
                let has = |scope| source.may_have(scope, key);
                match (has(Scope::Span)?, has(Scope::Resource)?) {
                    (Some(false), _) => Tag::Attribute(Scope::Resource, key.clone()),
                    (_, Some(false)) => Tag::Attribute(Scope::Span, key.clone()),
                    _ => return Ok(None),
                }
            }
            tag => tag.clone(),
        };
        let Some(found) = source.dictionaries(&tag)? else { return Ok(None) };
        if self.scattered.is_some() && found.iter().any(|own| !own.has_traces()) {
            return Ok(None);
        }
        let mut codes = Vec::new();
        for dictionary in found {
            codes.push(Codes::new(Arc::clone(source), dictionary, self.wanted)?);
        }
        Ok(Some(codes))
    }

    /// Looks at the rows of a source that fulfil the condition.
    fn walk(&mut self, source: &Arc<dyn Source>) -> Result<()> {
        let Self { spans, wanted, scattered, smallest, .. } = self;
        source.tagged(self.tag, spans, &mut |id, value| match wanted.admits(value) {
            true => smallest.offer(value, |tally| add(tally, id, scattered.as_ref())),
            false => Ok(()),
        })
    }

    /// Looks at whole traces, where the condition asks of them as such.
    fn walk_traces(&mut self) -> Result<()> {
        let Self { view, tag, spans, wanted, scattered, smallest, .. } = self;
        search::visit_matching(view, spans, &mut |id, row, _| {
            tag.visit(row, &mut |value| match wanted.admits(value) {
                true => smallest.offer(value, |tally| add(tally, id, scattered.as_ref())),
                false => Ok(()),
            })
        })
    }

    /// The first values of all lanes and of what was found by walking.
    fn merge(self, mut lanes: Vec<Codes>, limit: usize) -> Result<ValuesPage> {
        let bounds = &self.spans.bounds;
        let (walked, is_cut) = self.smallest.into_parts();
        let last_walked = walked.last_key_value().map(|(last, _)| last.clone());
        let mut walked = walked.into_iter().peekable();
        let mut heap = BinaryHeap::new();
        for (number, lane) in lanes.iter_mut().enumerate() {
            heap.extend(
                lane.next(self.wanted)?.map(|(value, code)| Reverse((value, number, code))),
            );
        }
        let (mut page, mut bytes) = (Vec::<(Listed, Tally)>::new(), 0);
        let mut has_more = is_cut;
        loop {
            bounds.interrupt.tick()?;
            let from_lane = heap.peek().map(|Reverse((value, ..))| value);
            let from_walk = walked.peek().map(|(value, _)| value);
            let Some(value) = from_lane.into_iter().chain(from_walk).min().cloned() else { break };
            // Behind the last that was found by walking there may be others that were not kept.
            let is_beyond = is_cut && last_walked.as_ref().is_some_and(|last| value > *last);
            bytes += weight(value.plain());
            if is_beyond || page.len() >= limit || !page.is_empty() && bytes > bounds.half_bytes() {
                has_more = true;
                break;
            }
            let mut tally = match walked.next_if(|(own, _)| *own == value) {
                Some((_, tally)) => tally,
                None => Tally::default(),
            };
            while let Some(Reverse((_, number, code))) =
                heap.peek().filter(|Reverse((own, ..))| *own == value).cloned()
            {
                heap.pop();
                let Some(lane) = lanes.get_mut(number) else { continue };
                if let Some(scattered) = &self.scattered {
                    lane.count(code, scattered, &mut tally)?;
                }
                let next = lane.next(self.wanted)?;
                heap.extend(next.map(|(value, code)| Reverse((value, number, code))));
            }
            page.push((value, tally));
        }
        let next = page.last().filter(|_| has_more).map(|(last, _)| last.plain().to_cursor());
        let is_counted = self.scattered.is_some();
        let told = |(value, tally): (Listed, Tally)| TagValue {
            value: value.into_value(),
            traces: is_counted.then(|| tally.traces()),
        };
        Ok(ValuesPage { values: page.into_iter().map(told).collect(), next })
    }
}

fn add(tally: &mut Tally, id: TraceId, scattered: Option<&Scattered>) -> usize {
    scattered.map_or(0, |scattered| tally.add(id, scattered))
}
