//! Which values of a tag to list, and the answer.

use crate::base::limits::DEFAULT_VALUES;
use crate::base::model::Value;
use crate::query::listed::Plain;
use crate::query::typed::Query;

/// Which values of a tag to list: [`TraceReader::values`](crate::TraceReader::values).
///
/// Text, numbers and truth values, also as elements of arrays: exactly what a condition on the
/// tag can equal. Sorted: truth values, then numbers, then texts by their bytes.
///
/// ```
/// use tracekeep::{Options, Query, Store, TraceReader, ValuesQuery};
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("traces"), Options::default())?;
/// let routes = ValuesQuery::of("span.http.route")
///     .spans(Query::spans().service("cart"))
///     .prefix("/api/")
///     .counted();
/// for found in store.values(&routes)?.values {
///     println!("{:?} in {:?} traces", found.value, found.traces);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ValuesQuery {
    pub(crate) tag: String,
    pub(crate) spans: Query,
    pub(crate) prefix: Option<String>,
    pub(crate) kind: Option<ValueKind>,
    pub(crate) limit: usize,
    pub(crate) after: Option<String>,
    pub(crate) counted: bool,
}

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueKind {
    /// Truth values.
    Bool,
    /// Integers.
    Int,
    /// Floating-point numbers.
    Double,
    /// Text.
    String,
}

/// A page of values, sorted.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ValuesPage {
    /// The values.
    pub values: Vec<TagValue>,
    /// What [`ValuesQuery::after`] takes to go on; `None` if these are the last.
    pub next: Option<String>,
}

/// A value of a tag.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TagValue {
    /// The value.
    pub value: Value,
    /// How many traces have a span with it that fulfils the query, exactly; if they were
    /// [counted](ValuesQuery::counted).
    pub traces: Option<u64>,
}

impl ValuesQuery {
    /// All values of a tag, named as in [`Query::tag`], or one of `name`, `kind`, `status` and
    /// `statusMessage`.
    pub fn of(tag: impl Into<String>) -> Self {
        Self {
            tag: tag.into(),
            spans: Query::spans(),
            prefix: None,
            kind: None,
            limit: DEFAULT_VALUES,
            after: None,
            counted: false,
        }
    }

    /// Only values on spans that fulfil this query and start inside its range. Its deadline, its
    /// token and its memory are those of the call; its limit and its cursor do not count.
    pub fn spans(mut self, query: Query) -> Self {
        self.spans = query;
        self
    }

    /// Only texts that begin so.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Only values of this type.
    pub const fn kind(mut self, kind: ValueKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// At most this many values, 1,000 unless set. A page ends earlier, with its `next`, where its
    /// values would take half of the query's memory.
    pub const fn limit(mut self, values: usize) -> Self {
        self.limit = values;
        self
    }

    /// Go on behind the page whose `next` this is. As a value, it is valid whatever happens to the
    /// store.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.after = Some(cursor.into());
        self
    }

    /// Tell of each value how many traces it is in. Cost: the id of every trace in the range is
    /// read, to count those once that lie in several segments.
    pub const fn counted(mut self) -> Self {
        self.counted = true;
        self
    }
}

impl ValueKind {
    /// The type of a value.
    pub(crate) const fn of(value: Plain<'_>) -> Self {
        use crate::base::number::Number;
        match value {
            Plain::Bool(_) => Self::Bool,
            Plain::Number(Number::Int(_)) => Self::Int,
            Plain::Number(Number::Double(_)) => Self::Double,
            Plain::Text(_) => Self::String,
        }
    }
}
