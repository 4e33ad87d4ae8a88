//! Checks that the tag index finds what rows hold under the keys whose texts it keeps by hash.

use std::collections::HashMap;

use crate::base::error::Result;
use crate::base::text::Str;
use crate::base::view::{AttrRef, ValueRef};
use crate::index::term::{Probe, TagScope};
use crate::index::terms::{KeyEntry, Terms};
use crate::segment::rows::Row;
use crate::segment::tagging::intrinsic;

/// The keys of a segment whose texts are found by hash, and may be covered by other keys.
pub(super) struct Findable<'a> {
    terms: &'a Terms,
    keys: HashMap<Str, Vec<KeyEntry>>,
}

impl<'a> Findable<'a> {
    /// Looks for such keys.
    pub fn new(terms: &'a Terms) -> Result<Self> {
        let mut keys: HashMap<Str, Vec<KeyEntry>> = HashMap::new();
        for entry in terms.keys()? {
            if entry.has_hashed_texts() {
                keys.entry(entry.key.clone()).or_default().push(entry);
            }
        }
        Ok(Self { terms, keys })
    }

    /// Whether every such text of a row leads to the row's trace.
    pub fn finds(&self, row: &Row<'_>) -> Result<bool> {
        if self.keys.is_empty() {
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
            let (scope, key) = (TagScope::Intrinsic, intrinsic::STATUS_MESSAGE);
            found &= self.finds_text(scope, key, status.message.as_str(), row.ordinal)?;
        }
        Ok(found)
    }

    fn finds_all(&self, scope: TagScope, all: &[AttrRef<'_>], ordinal: u32) -> Result<bool> {
        for AttrRef { key, value } in all {
            let ValueRef::Str(text) = value else { continue };
            if !self.finds_text(scope, key.as_str(), text.as_str(), ordinal)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn finds_text(&self, scope: TagScope, key: &str, text: &str, ordinal: u32) -> Result<bool> {
        let entries = self.keys.get(key).into_iter().flatten();
        let Some(entry) = entries.into_iter().find(|entry| entry.scope == scope) else {
            return Ok(true);
        };
        Ok(self.terms.postings_of(entry, &Probe::Str(text))?.set.contains(ordinal))
    }
}
