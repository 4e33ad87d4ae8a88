//! Checks that the tag index finds what rows hold under the keys whose texts it keeps by hash, and
//! under keys that it keeps by hash themselves.

use std::collections::HashMap;

use crate::base::error::Result;
use crate::base::text::Str;
use crate::base::view::{AttrRef, ValueRef};
use crate::index::term::{Probe, TagScope};
use crate::index::terms::{KeyEntry, Terms};
use crate::segment::rows::Row;
use crate::segment::tagging::intrinsic;

/// The keys of a segment whose texts are found by hash, and may be covered by other keys; all keys
/// where some are scarce.
pub(super) struct Findable<'a> {
    terms: &'a Terms,
    keys: HashMap<Str, Vec<KeyEntry>>,
    tells_all_keys: bool,
}

impl<'a> Findable<'a> {
    /// Looks for such keys.
    pub fn new(terms: &'a Terms) -> Result<Self> {
        let tells_all_keys = terms.tells_all_keys()?;
        let mut keys: HashMap<Str, Vec<KeyEntry>> = HashMap::new();
        for entry in terms.keys()? {
            if entry.has_hashed_texts() || !tells_all_keys {
                keys.entry(entry.key.clone()).or_default().push(entry);
            }
        }
        Ok(Self { terms, keys, tells_all_keys })
    }

    /// Whether every such text and scarce key of a row leads to the row's trace.
    pub fn finds(&self, row: &Row<'_>) -> Result<bool> {
        if self.keys.is_empty() && self.tells_all_keys {
            return Ok(true);
        }
        let span = &row.span;
        let mut found = self.finds_all(TagScope::Span, &span.attributes, row.ordinal)?;
        for event in &span.events {
            found &= self.finds_all(TagScope::Event, &event.attributes, row.ordinal)?;
        }
        for link in &span.links {
            found &= self.finds_all(TagScope::Link, &link.attributes, row.ordinal)?;
        }
        if let Some(status) = span.status.as_ref().filter(|s| !s.message.as_str().is_empty()) {
            let entry = self.entry(TagScope::Intrinsic, intrinsic::STATUS_MESSAGE);
            if let Some(entry) = entry {
                found &= self.finds_text(entry, status.message.as_str(), row.ordinal)?;
            }
        }
        Ok(found)
    }

    fn finds_all(&self, scope: TagScope, all: &[AttrRef<'_>], ordinal: u32) -> Result<bool> {
        for AttrRef { key, value } in all {
            let found = match (self.entry(scope, key.as_str()), value) {
                (Some(entry), ValueRef::Str(text)) => {
                    self.finds_text(entry, text.as_str(), ordinal)?
                }
                (None, _) if !self.tells_all_keys => {
                    self.terms.scarce_traces(scope, key.as_str())?.contains(ordinal)
                }
                _ => true,
            };
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn entry(&self, scope: TagScope, key: &str) -> Option<&KeyEntry> {
        self.keys.get(key)?.iter().find(|entry| entry.scope == scope)
    }

    fn finds_text(&self, entry: &KeyEntry, text: &str, ordinal: u32) -> Result<bool> {
        if !entry.has_hashed_texts() {
            return Ok(true);
        }
        Ok(self.terms.postings_of(entry, &Probe::Str(text))?.set.contains(ordinal))
    }
}
