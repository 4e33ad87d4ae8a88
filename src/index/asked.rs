//! Keys of the tag index that were asked for last: searches ask every segment for the same few.

use std::sync::{Arc, OnceLock};

use crate::base::recent::Recent;
use crate::base::text::Str;
use crate::index::ordinals::OrdinalSet;
use crate::index::term::{Candidates, TagScope};
use crate::index::terms::KeyEntry;

/// Keys kept at hand.
pub(crate) const RECENT: usize = 8;

/// Answers kept at hand for each of them.
const RECENT_ANSWERS: usize = 2;

/// A key that was asked for.
pub(crate) type Asked = (TagScope, Str, Arc<Known>);

/// What is known of a key.
#[derive(Debug)]
pub(crate) struct Known {
    /// Whether and how it stands in the index.
    pub(crate) found: Found,
    /// What the floor above has found out of it: see [`postings_beside`].
    ///
    /// [`postings_beside`]: crate::index::terms::Terms::postings_beside
    pub(crate) beside: OnceLock<OrdinalSet>,
}

/// How a key stands in the index.
#[derive(Debug)]
pub(crate) enum Found {
    /// Its entry, and what was answered last of single texts: the pages of a search, and searches
    /// that are made again and again, ask for the same.
    Entry(KeyEntry, Recent<(Str, Candidates)>),
    /// It has none: the traces that may have it, and all that do.
    Scarce(OrdinalSet),
}

impl Known {
    /// A key with an entry.
    pub(crate) fn entry(entry: KeyEntry) -> Self {
        let found = Found::Entry(entry, Recent::new(RECENT_ANSWERS));
        Self { found, beside: OnceLock::new() }
    }

    /// A key without one.
    pub(crate) fn scarce(traces: OrdinalSet) -> Self {
        Self { found: Found::Scarce(traces), beside: OnceLock::new() }
    }
}
