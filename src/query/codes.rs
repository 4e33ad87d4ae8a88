//! The values of a dictionary one after another, some decoded ahead.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::model::Value;
use crate::index::known_values::Dictionary;
use crate::index::term::Term;
use crate::query::listed::{Listed, Plain};
use crate::query::listing::Wanted;
use crate::query::source::Source;
use crate::query::tally::{Scattered, Tally};

/// Values decoded at first, and at most: a page may want one of a thousand segments, or all of one.
const FIRST: u64 = 16;
const MOST: u64 = 1024;

/// Walks over the wanted values of a dictionary, in order.
pub struct Codes {
    source: Arc<dyn Source>,
    dictionary: Dictionary,
    /// What is to be decoded next, and how much of it.
    next: u64,
    ahead: u64,
    decoded: VecDeque<(u64, Listed)>,
    /// The scattered ones among the traces of its ordinals, once a value was counted.
    scattered: Option<Vec<(u32, TraceId)>>,
}

impl Codes {
    /// At the first value that is wanted.
    pub fn new(source: Arc<dyn Source>, dictionary: Dictionary, wanted: &Wanted) -> Result<Self> {
        let prefix = wanted.prefix.as_deref().unwrap_or_default();
        let after = match wanted.after.as_ref().map(Listed::plain) {
            Some(Plain::Text(after)) if after >= prefix => Some(after),
            _ => None,
        };
        let next = match after {
            Some(after) => dictionary.rank(after, true)?,
            None => dictionary.rank(prefix, false)?,
        };
        let decoded = VecDeque::new();
        Ok(Self { source, dictionary, next, ahead: FIRST, decoded, scattered: None })
    }

    /// The next wanted value and its code.
    pub fn next(&mut self, wanted: &Wanted) -> Result<Option<(Listed, u64)>> {
        loop {
            while let Some((code, value)) = self.decoded.pop_front() {
                if wanted.admits(value.plain()) {
                    return Ok(Some((value, code)));
                }
                if wanted.is_past(value.plain()) {
                    self.next = self.dictionary.len();
                    self.decoded.clear();
                }
            }
            if self.next >= self.dictionary.len() {
                return Ok(None);
            }
            let end = self.next.saturating_add(self.ahead).min(self.dictionary.len());
            let decoded = &mut self.decoded;
            self.dictionary.scan(self.next..end, &mut |code, term| {
                decoded.extend(Listed::new(value(term)).map(|value| (code, value)));
                Ok(())
            })?;
            self.next = end;
            self.ahead = (self.ahead * 2).min(MOST);
        }
    }

    /// Counts the traces of a code.
    pub fn count(&mut self, code: u64, scattered: &Scattered, tally: &mut Tally) -> Result<()> {
        let Some(traces) = self.dictionary.traces(code)? else { return Ok(()) };
        if scattered.is_empty() {
            tally.add_whole(traces.len());
            return Ok(());
        }
        if self.scattered.is_none() {
            let mut own = Vec::new();
            let mut ordinal = 0;
            self.source.trace_ids(&mut |id| {
                if scattered.contains(id) {
                    own.push((ordinal, id));
                }
                ordinal += 1;
            })?;
            self.scattered = Some(own);
        }
        let mut whole = traces.len();
        for (ordinal, id) in self.scattered.iter().flatten() {
            if traces.contains(*ordinal) {
                whole -= 1;
                tally.add(*id, scattered);
            }
        }
        tally.add_whole(whole);
        Ok(())
    }
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codes").field("next", &self.next).finish_non_exhaustive()
    }
}

fn value(term: Term) -> Value {
    match term {
        Term::Str(text) => Value::String(text),
        Term::Int(number) => Value::Int(number),
        Term::Double(number) => Value::Double(number),
        Term::Bool(truth) => Value::Bool(truth),
    }
}
