//! What of a span a query can look at, and how that is written.

use std::fmt;

use crate::base::text::Str;
use crate::query::lang::lexer::is_name_char;

/// What an expression looks at.
///
/// ```
/// use tracekeep::traceql::{Field, Scope};
/// assert_eq!(Field::Attribute(Scope::Span, "http.route".into()).to_string(), "span.http.route");
/// assert_eq!(Field::ChildCount.to_string(), "span:childCount");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// An attribute.
    Attribute(Scope, Str),
    /// An attribute of the span's parents: on the span, its resource, or with [`Scope::Any`] on
    /// the one or else the other. Roots have none.
    Parent(Scope, Str),
    /// The span's name.
    Name,
    /// The span's kind.
    Kind,
    /// The span's status code.
    Status,
    /// The text that goes with the status.
    StatusMessage,
    /// The span's duration in nanoseconds.
    Duration,
    /// The span's id, as sixteen hex digits.
    SpanId,
    /// The id of the span's parent; nothing on a span that names none.
    ParentId,
    /// Of how many spans of its trace the span is a parent.
    ChildCount,
    /// -1 of spans whose parent is not in the trace, 1 of all others.
    NestedSetParent,
    /// The trace's id, as 32 hex digits.
    TraceId,
    /// The name of the trace's root span.
    RootName,
    /// The service of the trace's root span.
    RootService,
    /// The trace's duration in nanoseconds.
    TraceDuration,
    /// The names of the span's events.
    EventName,
    /// How long after the span's start its events came, in nanoseconds.
    EventTimeSinceStart,
    /// The ids of the traces that the span links to.
    LinkTraceId,
    /// The ids of the spans that it links to.
    LinkSpanId,
    /// The name of the instrumentation scope.
    InstrumentationName,
    /// Its version.
    InstrumentationVersion,
}

/// Where an attribute is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// On the span or, if it lacks the key, on its resource.
    Any,
    /// On the span.
    Span,
    /// On the resource.
    Resource,
    /// On any event of the span.
    Event,
    /// On any link of the span.
    Link,
    /// On the instrumentation scope.
    Instrumentation,
}

/// The types that values have in the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// An attribute's: known only when it is seen.
    Open,
    /// `nil`.
    Nil,
    /// Text.
    Text,
    /// A number or a duration.
    Number,
    /// A truth value.
    Bool,
    /// A span's kind.
    Kind,
    /// A span's status.
    Status,
}

/// The intrinsic fields by name; the name that is printed comes first.
pub const INTRINSICS: [(&str, Field); 28] = [
    ("name", Field::Name),
    ("span:name", Field::Name),
    ("kind", Field::Kind),
    ("span:kind", Field::Kind),
    ("status", Field::Status),
    ("span:status", Field::Status),
    ("statusMessage", Field::StatusMessage),
    ("span:statusMessage", Field::StatusMessage),
    ("duration", Field::Duration),
    ("span:duration", Field::Duration),
    ("span:id", Field::SpanId),
    ("span:parentID", Field::ParentId),
    ("span:childCount", Field::ChildCount),
    ("childCount", Field::ChildCount),
    ("nestedSetParent", Field::NestedSetParent),
    ("trace:id", Field::TraceId),
    ("rootName", Field::RootName),
    ("trace:rootName", Field::RootName),
    ("rootServiceName", Field::RootService),
    ("trace:rootService", Field::RootService),
    ("traceDuration", Field::TraceDuration),
    ("trace:duration", Field::TraceDuration),
    ("event:name", Field::EventName),
    ("event:timeSinceStart", Field::EventTimeSinceStart),
    ("link:traceID", Field::LinkTraceId),
    ("link:spanID", Field::LinkSpanId),
    ("instrumentation:name", Field::InstrumentationName),
    ("instrumentation:version", Field::InstrumentationVersion),
];

impl Field {
    /// An attribute of the span or, where it lacks the key, of its resource.
    pub fn any(key: impl Into<Str>) -> Self {
        Self::Attribute(Scope::Any, key.into())
    }

    /// An attribute of the span.
    pub fn span(key: impl Into<Str>) -> Self {
        Self::Attribute(Scope::Span, key.into())
    }

    /// An attribute of the resource.
    pub fn resource(key: impl Into<Str>) -> Self {
        Self::Attribute(Scope::Resource, key.into())
    }

    /// The type of its values.
    pub(crate) const fn of_type(&self) -> Type {
        match self {
            Self::Attribute(..) | Self::Parent(..) => Type::Open,
            Self::Kind => Type::Kind,
            Self::Status => Type::Status,
            Self::Duration
            | Self::TraceDuration
            | Self::EventTimeSinceStart
            | Self::ChildCount
            | Self::NestedSetParent => Type::Number,
            Self::Name
            | Self::StatusMessage
            | Self::SpanId
            | Self::ParentId
            | Self::TraceId
            | Self::RootName
            | Self::RootService
            | Self::EventName
            | Self::LinkTraceId
            | Self::LinkSpanId
            | Self::InstrumentationName
            | Self::InstrumentationVersion => Type::Text,
        }
    }

    /// Whether it takes a look at more of the trace than the span.
    pub(crate) const fn needs_trace(&self) -> bool {
        matches!(
            self,
            Self::RootName
                | Self::RootService
                | Self::TraceDuration
                | Self::ChildCount
                | Self::NestedSetParent
                | Self::Parent(..)
        )
    }
}

impl Scope {
    const PREFIXES: [(&str, Self); 6] = [
        ("span.", Self::Span),
        ("resource.", Self::Resource),
        ("event.", Self::Event),
        ("link.", Self::Link),
        ("instrumentation.", Self::Instrumentation),
        (".", Self::Any),
    ];

    /// Splits what `span.`, `resource.`, `event.`, `link.`, `instrumentation.` or a bare `.`
    /// says from the key behind it; a name with no such prefix is unscoped as it stands.
    pub(crate) fn split(name: &str) -> (Self, &str) {
        let found = Self::PREFIXES
            .iter()
            .find_map(|(prefix, scope)| name.strip_prefix(prefix).map(|key| (*scope, key)));
        found.unwrap_or((Self::Any, name))
    }

    /// What stands before a key of this scope.
    fn prefix(self) -> &'static str {
        Self::PREFIXES.iter().find(|(_, own)| *own == self).map_or(".", |(prefix, _)| prefix)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self {
            Self::Attribute(scope, key) => {
                f.write_str(scope.prefix())?;
                key
            }
            Self::Parent(scope, key) => {
                f.write_str("parent.")?;
                f.write_str(scope.prefix().trim_start_matches('.'))?;
                key
            }
            field => {
                let found = INTRINSICS.iter().find(|(_, own)| own == field);
                return f.write_str(found.map_or("", |(name, _)| name));
            }
        };
        // After `parent.` a key could be taken for a scope.
        let is_plain = !key.is_empty()
            && key.chars().all(|c| c != '"' && is_name_char(c))
            && !(matches!(self, Self::Parent(Scope::Any, _)) && Scope::split(key).0 != Scope::Any);
        if is_plain { f.write_str(key) } else { write_quoted(f, key) }
    }
}

/// Text in quotes, as the lexer reads it.
pub(super) fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_split_from_keys() {
        assert_eq!(Scope::split("span.http.method"), (Scope::Span, "http.method"));
        assert_eq!(Scope::split(".x"), (Scope::Any, "x"));
        assert_eq!(Scope::split("http.method"), (Scope::Any, "http.method"));
    }
}
