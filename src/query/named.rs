//! Which names to list, and the answer.

use std::collections::BTreeSet;

use crate::base::error::{Error, Result};
use crate::base::limits::DEFAULT_VALUES;
use crate::base::model::SpanKind;
use crate::base::text::Str;
use crate::query::hit::{Operation, TagKey, TagScope};
use crate::query::typed::Query;

/// Which names to list: of services, operations or attribute keys, sorted, a page at a time.
///
/// ```
/// use std::time::Duration;
/// use tracekeep::{NamesQuery, Options, Query, Store, TraceReader};
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("traces"), Options::default())?;
/// let failing = Query::parse("{ status = error }")?.timeout(Duration::from_secs(1));
/// let page = store.list_services(&NamesQuery::of(failing).limit(100))?;
/// assert!(page.names.is_empty() && page.next.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NamesQuery {
    pub(crate) spans: Query,
    pub(crate) limit: usize,
    pub(crate) after: Option<String>,
}

/// A page of names, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamesPage<T> {
    /// The names.
    pub names: Vec<T>,
    /// What [`NamesQuery::after`] takes to go on; `None` if these are the last.
    pub next: Option<String>,
}

impl NamesQuery {
    /// The names on spans that fulfil this query and start inside its range. Its deadline, its token
    /// and its memory are those of the call; its limit and its cursor do not count.
    ///
    /// Without a condition segments that lie wholly inside the range list them in their
    /// dictionaries; others are scanned, a microsecond a span.
    pub const fn of(spans: Query) -> Self {
        Self { spans, limit: DEFAULT_VALUES, after: None }
    }

    /// At most this many names, 1,000 unless set. A page ends earlier, with its `next`, where its
    /// names would take half of the query's memory.
    pub const fn limit(mut self, names: usize) -> Self {
        self.limit = names;
        self
    }

    /// Go on behind the page whose `next` this is. As a name, it is valid whatever happens to the
    /// store.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.after = Some(cursor.into());
        self
    }
}

/// A name that is listed.
pub trait Named: Ord {
    /// The bytes of its text.
    fn text_bytes(&self) -> usize;

    /// As a cursor.
    fn to_cursor(&self) -> String;

    /// What [`Named::to_cursor`] wrote.
    fn of_cursor(cursor: &str) -> Option<Self>
    where
        Self: Sized;
}

impl Named for Str {
    fn text_bytes(&self) -> usize {
        self.len()
    }

    fn to_cursor(&self) -> String {
        self.to_string()
    }

    fn of_cursor(cursor: &str) -> Option<Self> {
        Some(Self::from(cursor))
    }
}

impl Named for Operation {
    fn text_bytes(&self) -> usize {
        self.name.len()
    }

    fn to_cursor(&self) -> String {
        format!("{} {}", self.kind.0, self.name)
    }

    fn of_cursor(cursor: &str) -> Option<Self> {
        let (kind, name) = cursor.split_once(' ')?;
        Some(Self { name: name.into(), kind: SpanKind(kind.parse().ok()?) })
    }
}

impl Named for TagKey {
    fn text_bytes(&self) -> usize {
        self.key.len()
    }

    fn to_cursor(&self) -> String {
        format!("{}.{}", self.scope.name(), self.key)
    }

    fn of_cursor(cursor: &str) -> Option<Self> {
        let (scope, key) = cursor.split_once('.')?;
        let scope = TagScope::ALL.into_iter().find(|own| own.name() == scope)?;
        Some(Self { scope, key: key.into() })
    }
}

/// Keeps the first names behind a cursor, and no more of them than memory allows.
#[derive(Debug)]
pub struct FirstNames<T> {
    after: Option<T>,
    limit: usize,
    max_bytes: usize,
    bytes: usize,
    found: BTreeSet<T>,
    is_cut: bool,
}

impl<T: Named> FirstNames<T> {
    /// None yet.
    pub fn new(query: &NamesQuery) -> Result<Self> {
        let after = query.after.as_deref().map(|cursor| {
            T::of_cursor(cursor).ok_or_else(|| {
                Error::invalid(format!(
                    "{cursor:?} is no cursor: pass a page's `next` as it stands"
                ))
            })
        });
        Ok(Self {
            after: after.transpose()?,
            limit: query.limit,
            max_bytes: query.spans.bounds.half_bytes(),
            bytes: 0,
            found: BTreeSet::new(),
            is_cut: false,
        })
    }

    /// Keeps a name, unless as many come before it.
    pub fn offer(&mut self, name: T) -> Result<()> {
        if self.after.as_ref().is_some_and(|after| name <= *after) {
            return Ok(());
        }
        if self.found.len() >= self.limit && self.found.last().is_none_or(|last| name > *last) {
            self.is_cut = true;
            return Ok(());
        }
        let bytes = weight(&name);
        if !self.found.insert(name) {
            return Ok(());
        }
        self.bytes += bytes;
        while self.found.len() > self.limit || self.bytes > self.max_bytes {
            if self.found.len() <= self.limit {
                // What comes behind this one is for the next page from now on.
                self.limit = self.found.len() - 1;
            }
            if self.limit == 0 {
                return Err(too_much(self.max_bytes));
            }
            self.is_cut = true;
            let Some(last) = self.found.pop_last() else { break };
            self.bytes = self.bytes.saturating_sub(weight(&last));
        }
        Ok(())
    }

    /// The names that were kept.
    pub fn into_page(self) -> NamesPage<T> {
        let next = self.found.last().filter(|_| self.is_cut).map(Named::to_cursor);
        NamesPage { names: self.found.into_iter().collect(), next }
    }
}

fn weight<T: Named>(name: &T) -> usize {
    2 * size_of::<T>() + name.text_bytes() + 2 * size_of::<usize>()
}

/// The error of a list that must not be cut, or of a name that is too large for any.
pub fn too_much(max_bytes: usize) -> Error {
    let what = format!(
        "names take more than {max_bytes} bytes, half of the query's memory: list them a page at a \
         time with NamesQuery, or raise Query::memory_bytes"
    );
    Error::Limit { what }
}
