//! The typed query: which traces, how many, from where on.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::limits::DEFAULT_LIMIT;
use crate::base::model::{SpanKind, StatusCode, Value};
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::time::{TimeRange, saturating_nanos};
use crate::query::ast::{Check, Compare, Expr, Field, Scope, Test, anchored};
use crate::query::bounds::Bounds;
use crate::query::eval::program::Program;
use crate::query::lang::parse;
use crate::query::lang::spans::Spans;
use crate::query::lang::tree::{Pipeline, SpansetExpr, Stage};
use crate::query::lower::lower;

/// Which traces to search for: those in which one span fulfils every condition.
///
/// Conditions are added one by one, or parsed from TraceQL's filters; both can be combined.
/// A missing attribute makes every comparison false; a repeated key, or an array, matches if any
/// of its values does, but `!=` and `!~` of an array only if no element is equal, or matches;
/// 1 equals 1.0. Setters never fail: what cannot be asked is reported by the
/// search as [`Error::InvalidInput`].
///
/// ```
/// use std::time::Duration;
/// use tracekeep::{Query, StatusCode};
///
/// let typed = Query::spans()
///     .service("cart")
///     .status(StatusCode::ERROR)
///     .tag("http.response.status_code", 500)
///     .min_duration(Duration::from_millis(20))
///     .limit(5);
/// let text = r#"{ resource.service.name = "cart" && status = error
///     && .http.response.status_code = 500 && duration >= 20ms }"#;
/// let parsed = Query::parse(text)?.limit(5);
/// # let _ = (typed, parsed);
/// # Ok::<(), tracekeep::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Query {
    /// What spans must fulfil, of those that the pipeline leaves if there is one.
    pub(crate) filter: Expr,
    pub(crate) pipeline: Option<Arc<Pipeline>>,
    pub(crate) anywhere: bool,
    pub(crate) range: TimeRange,
    pub(crate) limit: usize,
    pub(crate) spans_per_set: usize,
    pub(crate) after: Option<String>,
    pub(crate) loose: bool,
    pub(crate) bounds: Bounds,
    problem: Option<String>,
}

impl Query {
    /// Every trace; the conditions added to it restrict it.
    pub fn spans() -> Self {
        Self::filtered(Expr::always())
    }

    /// TraceQL: filters such as `{ .http.status_code >= 500 && kind = server }`, joined by `&&`,
    /// `||` and structural operators, and piped through further stages:
    /// `{ status = error } << { name = "GET /" } | by(resource.service.name) | count() > 2`.
    ///
    /// `&&` binds tighter than `||`. Fails with [`Error::Query`], which says where, and what
    /// would have been accepted.
    pub fn parse(text: &str) -> Result<Self> {
        let pipeline = parse::parse(text)?;
        let filters: Option<Vec<Expr>> = pipeline.stages.iter().map(as_filter).collect();
        let query = match filters {
            // Filters of filters are one.
            Some(mut filters) if filters.len() == 1 => Self::filtered(filters.remove(0)),
            Some(filters) => Self::filtered(Expr::And(filters)),
            None => Self { pipeline: Some(Arc::new(pipeline)), ..Self::spans() },
        };
        match Program::new(&query) {
            Ok(_) => Ok(query),
            Err(Error::InvalidInput { message, .. }) => {
                Err(Error::Query { position: text.len(), expected: message })
            }
            Err(other) => Err(other),
        }
    }

    /// What was built by calls rather than written: see [`traceql`](crate::traceql).
    ///
    /// It must obey the rules of text, such as that types fit; if it does not, the search tells.
    pub fn of(spans: Spans) -> Self {
        let built = match spans.0.problem {
            Some(problem) => Err(Error::invalid(problem)),
            None => Self::parse(&spans.0.tree.to_string()),
        };
        built.unwrap_or_else(|error| Self { problem: Some(error.to_string()), ..Self::spans() })
    }

    fn filtered(filter: Expr) -> Self {
        Self {
            filter,
            pipeline: None,
            anywhere: false,
            range: TimeRange::ALL,
            limit: DEFAULT_LIMIT,
            spans_per_set: 3,
            after: None,
            loose: false,
            bounds: Bounds::default(),
            problem: None,
        }
    }

    fn and(mut self, field: Field, check: Check) -> Self {
        self.filter = self.filter.and(Expr::Test(Test { field, check }));
        self
    }

    /// Spans of this service: its resource's `service.name`.
    pub fn service(self, service: impl Into<Str>) -> Self {
        let field = Field::Attribute(Scope::Resource, Str::from("service.name"));
        self.and(field, Check::Text(Compare::Equal, service.into()))
    }

    /// Spans of this name.
    pub fn name(self, name: impl Into<Str>) -> Self {
        self.and(Field::Name, Check::Text(Compare::Equal, name.into()))
    }

    /// Spans of this kind.
    pub fn kind(self, kind: SpanKind) -> Self {
        self.and(Field::Kind, Check::Code(Compare::Equal, kind.0))
    }

    /// Spans of this status.
    pub fn status(self, status: StatusCode) -> Self {
        self.and(Field::Status, Check::Code(Compare::Equal, status.0))
    }

    /// Spans with an attribute of this value: text, a number or a truth value.
    ///
    /// A key that begins with `span.`, `resource.`, `event.`, `link.` or `instrumentation.` is
    /// looked for there; any other on the span or, where it lacks the key, on its resource.
    pub fn tag(mut self, key: &str, value: impl Into<Value>) -> Self {
        let check = match value.into() {
            Value::String(text) => Check::Text(Compare::Equal, text),
            Value::Int(number) => Check::Number(Compare::Equal, Number::Int(number)),
            Value::Double(number) => Check::Number(Compare::Equal, Number::Double(number)),
            Value::Bool(truth) => Check::Bool(Compare::Equal, truth),
            _ => {
                self.problem = Some(format!(
                    "cannot search {key:?} for a value that is no text, number or truth value"
                ));
                return self;
            }
        };
        self.and(attribute(key), check)
    }

    /// Spans that have an attribute, whatever its value; keys as in [`Query::tag`].
    pub fn has_tag(self, key: &str) -> Self {
        self.and(attribute(key), Check::Exists)
    }

    /// Spans with an attribute of which all of the text matches a regular expression; keys as in
    /// [`Query::tag`].
    pub fn tag_matches(mut self, key: &str, pattern: &str) -> Self {
        match anchored(pattern) {
            Ok(regex) => self.and(attribute(key), Check::Pattern { regex, negated: false }),
            Err(why) => {
                self.problem = Some(format!("{pattern:?} is no regular expression: {why}"));
                self
            }
        }
    }

    /// Spans that took at least this long.
    pub fn min_duration(self, duration: Duration) -> Self {
        self.and(Field::Duration, nanos(Compare::GreaterEqual, duration))
    }

    /// Spans that took at most this long.
    pub fn max_duration(self, duration: Duration) -> Self {
        self.and(Field::Duration, nanos(Compare::LessEqual, duration))
    }

    /// Spans that start in this range, its end excluded. All of time unless set.
    ///
    /// The figures of a hit still describe its whole trace.
    pub fn between(mut self, range: impl Into<TimeRange>) -> Self {
        self.range = range.into();
        self
    }

    /// At most this many traces, 20 unless set.
    pub const fn limit(mut self, traces: usize) -> Self {
        self.limit = traces;
        self
    }

    /// How many of a trace's matching spans a hit shows, the earliest; 3 unless set.
    pub const fn spans_per_set(mut self, spans: usize) -> Self {
        self.spans_per_set = spans;
        self
    }

    /// Go on behind the page whose `next` this is: with traces that start earlier than its last,
    /// or as early, with a greater id.
    ///
    /// The cursor tells a place in time, nothing of the store: it stays valid across flushes, merges
    /// and reopening, for readers and snapshots, and for other queries. Within one
    /// [`Snapshot`](crate::Snapshot) pages concatenate to the whole answer. Across live calls
    /// a trace of which an earlier span arrives meanwhile starts earlier from then on: it may come
    /// again on a later page; and what arrives before the cursor's place is missed.
    ///
    /// Cost: a page looks again at the candidates of those before it, some microseconds each.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.after = Some(cursor.into());
        self
    }

    /// Whether text also equals a number or truth value that prints the same, for callers whose
    /// tags are all text. Off unless set.
    pub const fn loose(mut self, loose: bool) -> Self {
        self.loose = loose;
        self
    }

    /// Whether each condition may hold on another span of the trace, as Zipkin has it, rather than
    /// all on one: each that was added, and each that `&&` joins in a filter if that is all that
    /// was parsed. Off unless set.
    ///
    /// ```
    /// use tracekeep::{Query, StatusCode};
    /// let query = Query::spans().service("cart").status(StatusCode::ERROR).anywhere(true);
    /// # let _ = query;
    /// ```
    pub const fn anywhere(mut self, anywhere: bool) -> Self {
        self.anywhere = anywhere;
        self
    }

    /// Whether its filter is all there is to it, so that each span tells by itself whether it is
    /// found, but for what the filter asks of the trace.
    pub(crate) const fn is_filter(&self) -> bool {
        self.pipeline.is_none() && !self.anywhere
    }

    /// Whether each span tells by itself, without its trace, whether it is found.
    pub(crate) fn asks_of_spans(&self) -> bool {
        self.is_filter() && !self.filter.needs_trace()
    }

    /// Fails where a setter was given what cannot be asked.
    pub(crate) fn check(&self) -> Result<()> {
        self.problem.as_ref().map_or(Ok(()), |message| Err(Error::invalid(message.clone())))
    }
}

impl Default for Query {
    fn default() -> Self {
        Self::spans()
    }
}

/// The condition of a stage that is nothing else.
fn as_filter(stage: &Stage) -> Option<Expr> {
    let filter = |spans: &SpansetExpr| match spans {
        SpansetExpr::Filter(condition) => Some(lower(condition)),
        _ => None,
    };
    match stage {
        Stage::Spans(SpansetExpr::Or(parts)) => {
            parts.iter().map(filter).collect::<Option<_>>().map(Expr::Or)
        }
        Stage::Spans(spans) => filter(spans),
        _ => None,
    }
}

fn attribute(name: &str) -> Field {
    let (scope, key) = Scope::split(name);
    Field::Attribute(scope, Str::from(key))
}

fn nanos(compare: Compare, duration: Duration) -> Check {
    let nanos = saturating_nanos(duration);
    match i64::try_from(nanos) {
        Ok(nanos) => Check::Number(compare, Number::Int(nanos)),
        Err(_) => Check::Nanos(compare, nanos),
    }
}
