//! One trace, looked at as a whole: its spans in short, its root, its figures.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::SpanId;
use crate::base::model::{ResourceContext, StatusCode, TraceSpan};
use crate::base::text::Str;
use crate::base::time::{Timestamp, saturating_nanos};
use crate::query::ast::Expr;
use crate::query::places::{Place, visit_places};
use crate::query::predicate::{TraceFacts, matches};
use crate::query::settle::{Content, SpanKey};
use crate::query::source::Row;
use crate::query::typed::Query;
use crate::query::view::Piece;

/// What hits and trace-level conditions need of a span: a million of them stay affordable.
#[derive(Clone, Debug)]
pub struct Brief {
    /// Its start and id.
    pub key: SpanKey,
    /// Its end.
    pub end: Timestamp,
    /// Its parent's id.
    pub parent: Option<SpanId>,
    /// Its name.
    pub name: Str,
    /// Which of the trace's services it belongs to.
    pub service: Option<u32>,
    /// Whether its status is an error.
    pub is_error: bool,
    /// Whether it fulfils the query; `None` while that depends on the trace.
    pub matched: Option<bool>,
    /// Which piece holds it, and in which row.
    place: Place,
}

/// The spans of a trace: each once, by start, id and content.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The spans.
    pub spans: Vec<Brief>,
    /// The services, in order of appearance.
    pub services: Vec<Str>,
    /// Matching spans that were made owned on the way: the earliest, as many as hits show.
    owned: BTreeMap<(SpanKey, Place), TraceSpan>,
}

impl Gathered {
    /// Reads a trace and tests each span against the query; `keep` matching spans, the earliest,
    /// are made owned.
    pub fn read(pieces: &[Piece], query: &Query, keep: usize) -> Result<Self> {
        let mut gathered = Self::default();
        let mut services = Services::default();
        for (number, piece) in pieces.iter().enumerate() {
            piece.source.rows(&piece.fragment, &mut |row| {
                let service = services.of(row.resource);
                gathered.take(row, service, number, piece, query, keep)?;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        gathered.services = services.names;
        gathered.spans.sort_unstable_by_key(|span| (span.key, span.place));
        gathered.drop_identical(pieces)?;
        Ok(gathered)
    }

    fn take(
        &mut self,
        row: Row<'_>,
        service: Option<u32>,
        number: usize,
        piece: &Piece,
        query: &Query,
        keep: usize,
    ) -> Result<()> {
        let span = &row.span;
        let matched = match query.range.contains(span.start) {
            true => matches(&query.filter, row.subject(), None, query.loose),
            false => Some(false),
        };
        let key = (span.start, span.span_id);
        let place = (number, row.row);
        self.spans.push(Brief {
            key,
            end: span.end,
            parent: span.parent_span_id,
            name: span.name.clone().into_str(),
            service,
            is_error: span.status_code() == StatusCode::ERROR,
            matched,
            place,
        });
        if matched == Some(true) {
            let last = self.owned.last_key_value().map(|(last, _)| *last);
            if self.owned.len() < keep || last.is_some_and(|last| (key, place) < last) {
                self.owned.insert((key, place), row.into_owned(piece.source.as_ref())?);
                if self.owned.len() > keep {
                    self.owned.pop_last();
                }
            }
        }
        Ok(())
    }

    /// Spans of one key are compared by content: identical ones become one, others get an order.
    fn drop_identical(&mut self, pieces: &[Piece]) -> Result<()> {
        let equal = |pair: &&[Brief]| matches!(pair, [a, b] if a.key == b.key);
        let doubtful: HashSet<Place> =
            self.spans.windows(2).filter(equal).flatten().map(|span| span.place).collect();
        if doubtful.is_empty() {
            return Ok(());
        }
        let mut contents = HashMap::new();
        visit_places(pieces, &doubtful, &mut |place, row, _| {
            let content = Content::of(&row.span, row.resource, row.scope)?;
            contents.insert(place, content);
            Ok(())
        })?;
        let content = |span: &Brief| contents.get(&span.place);
        self.spans.sort_by(|a, b| (a.key, content(a)).cmp(&(b.key, content(b))));
        self.spans.dedup_by(|a, b| a.key == b.key && content(a) == content(b));
        Ok(())
    }

    /// Decides the conditions that depend on the trace as a whole.
    pub fn decide(&mut self, pieces: &[Piece], filter: &Expr, loose: bool) -> Result<()> {
        let open = self.spans.iter().filter(|span| span.matched.is_none());
        let open: HashSet<Place> = open.map(|span| span.place).collect();
        if open.is_empty() {
            return Ok(());
        }
        let mut fulfilled = HashSet::new();
        let root = self.root();
        let facts = TraceFacts {
            root_name: root.map_or("", |root| &root.name),
            root_service: root.and_then(|root| self.service_of(root)).map(Str::as_str),
            duration_nanos: saturating_nanos(self.end().since(self.start())),
        };
        visit_places(pieces, &open, &mut |place, row, _| {
            if matches(filter, row.subject(), Some(facts), loose) == Some(true) {
                fulfilled.insert(place);
            }
            Ok(())
        })?;
        for span in &mut self.spans {
            span.matched.get_or_insert_with(|| fulfilled.contains(&span.place));
        }
        Ok(())
    }

    /// The first `count` matching spans, owned.
    pub fn matching(&mut self, pieces: &[Piece], count: usize) -> Result<Vec<TraceSpan>> {
        self.matching_from(pieces, 0, count)
    }

    /// The first `count` matching spans among those from the `from`th span on, owned.
    pub fn matching_from(
        &mut self,
        pieces: &[Piece],
        from: usize,
        count: usize,
    ) -> Result<Vec<TraceSpan>> {
        let rest = self.spans.iter().skip(from);
        let wanted = rest.filter(|span| span.matched == Some(true)).take(count);
        let wanted: Vec<_> = wanted.map(|span| (span.key, span.place)).collect();
        let owned = &mut self.owned;
        let missing = wanted.iter().filter(|key| !owned.contains_key(key));
        let missing: HashSet<Place> = missing.map(|(_, place)| *place).collect();
        visit_places(pieces, &missing, &mut |place, row, piece| {
            let key = (row.span.start, row.span.span_id);
            owned.insert((key, place), row.into_owned(piece.source.as_ref())?);
            Ok(())
        })?;
        Ok(wanted.iter().filter_map(|key| owned.remove(key)).collect())
    }

    /// The root: the earliest span without a parent id; if there is none, the earliest whose
    /// parent is not in the trace; if there is none either, the earliest of all. Ties go by id,
    /// then content.
    ///
    /// So an orphan counts as root only while no span claims to be one: a skewed clock on a
    /// child whose parent was lost does not rename its trace.
    pub fn root(&self) -> Option<&Brief> {
        let parentless = self.spans.iter().find(|span| span.parent.is_none());
        parentless.or_else(|| self.first_orphan()).or_else(|| self.spans.first())
    }

    fn first_orphan(&self) -> Option<&Brief> {
        // A parent is another span: one that names itself is an orphan, unless its id repeats.
        let mut bearers: HashMap<SpanId, usize> = HashMap::with_capacity(self.spans.len());
        for span in &self.spans {
            *bearers.entry(span.key.1).or_default() += 1;
        }
        self.spans.iter().find(|span| {
            let parent = span.parent.unwrap_or_default();
            let others = bearers.get(&parent).copied().unwrap_or(0);
            others == usize::from(parent == span.key.1)
        })
    }

    /// A span's service.
    pub fn service_of(&self, span: &Brief) -> Option<&Str> {
        self.services.get(span.service? as usize)
    }

    /// When the trace's first span starts.
    pub fn start(&self) -> Timestamp {
        self.spans.first().map_or(Timestamp::ZERO, |span| span.key.0)
    }

    /// When the last of its spans ends.
    pub fn end(&self) -> Timestamp {
        self.spans.iter().map(|span| span.end).max().unwrap_or_default()
    }
}

/// The services of a trace, numbered as they appear.
#[derive(Default)]
struct Services {
    names: Vec<Str>,
    numbers: HashMap<Str, u32>,
    /// Neighbours mostly share their resource.
    last: Option<(Arc<ResourceContext>, Option<u32>)>,
}

impl Services {
    fn of(&mut self, resource: &Arc<ResourceContext>) -> Option<u32> {
        if let Some((last, number)) = &self.last
            && Arc::ptr_eq(last, resource)
        {
            return *number;
        }
        let number = resource.service().map(|name| {
            *self.numbers.entry(name.clone()).or_insert_with(|| {
                self.names.push(name.clone());
                self.names.len() as u32 - 1
            })
        });
        self.last = Some((Arc::clone(resource), number));
        number
    }
}
