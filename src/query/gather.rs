//! One trace, looked at as a whole: its spans in short, its root, its figures.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::SpanId;
use crate::base::model::{ResourceContext, TraceSpan};
use crate::base::text::Str;
use crate::base::time::{Timestamp, saturating_nanos};
use crate::base::view::StrRef;
use crate::query::ast::Expr;
use crate::query::bounds::Bounds;
use crate::query::places::{Place, visit_places};
use crate::query::predicate::{TraceFacts, matches};
use crate::query::settle::{Content, SpanKey};
use crate::query::source::Row;
use crate::query::typed::Query;
use crate::query::view::Piece;
use crate::query::weigh::Weigh;

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
    /// What the query must not exceed.
    bounds: Bounds,
}

impl Gathered {
    /// Looks at all spans of a trace and tests each against the query.
    pub fn read(pieces: &[Piece], query: &Query) -> Result<Self> {
        let mut gathered = Self { bounds: query.bounds.clone(), ..Self::default() };
        let mut services = Services::default();
        let mut names = Names::default();
        for (number, piece) in pieces.iter().enumerate() {
            piece.source.shorts(&piece.fragment, query, &mut |short| {
                gathered.bounds.interrupt.tick()?;
                gathered.bounds.check_trace(gathered.spans.len() * size_of::<Brief>())?;
                gathered.spans.push(Brief {
                    key: (short.start, short.span_id),
                    end: short.end,
                    parent: short.parent,
                    name: names.share(short.name),
                    service: services.of(short.resource),
                    is_error: short.is_error,
                    matched: short.matched,
                    place: (number, short.row),
                });
                Ok(())
            })?;
        }
        gathered.services = services.names;
        gathered.spans.sort_unstable_by_key(|span| (span.key, span.place));
        gathered.drop_identical(pieces)?;
        Ok(gathered)
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
        visit_places(pieces, &doubtful, &self.bounds.interrupt, &mut |place, row, _| {
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
        visit_places(pieces, &open, &self.bounds.interrupt, &mut |place, row, _| {
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
    pub fn matching(&self, pieces: &[Piece], count: usize) -> Result<Vec<TraceSpan>> {
        self.matching_from(pieces, 0, count)
    }

    /// The first `count` matching spans among those from the `from`th span on, owned.
    pub fn matching_from(
        &self,
        pieces: &[Piece],
        from: usize,
        count: usize,
    ) -> Result<Vec<TraceSpan>> {
        let rest = self.spans.iter().skip(from);
        let wanted = rest.filter(|span| span.matched == Some(true)).take(count);
        let wanted: Vec<Place> = wanted.map(|span| span.place).collect();
        let places: HashSet<Place> = wanted.iter().copied().collect();
        let (mut owned, mut bytes) = (HashMap::with_capacity(wanted.len()), 0);
        visit_places(pieces, &places, &self.bounds.interrupt, &mut |place, row, piece| {
            let span = row.into_owned(piece.source.as_ref())?;
            bytes += span.weigh();
            self.bounds.check_trace(bytes)?;
            owned.insert(place, span);
            Ok(())
        })?;
        Ok(wanted.iter().filter_map(|place| owned.remove(place)).collect())
    }

    /// Hands over the matching spans, in no order.
    pub fn visit_matching(
        &self,
        pieces: &[Piece],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let matching = self.spans.iter().filter(|span| span.matched == Some(true));
        let places: HashSet<Place> = matching.map(|span| span.place).collect();
        visit_places(pieces, &places, &self.bounds.interrupt, &mut |_, row, _| visit(&row))
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

/// Names that were not shared yet: spans of live groups repeat few.
#[derive(Default)]
struct Names(HashSet<Str>);

impl Names {
    fn share(&mut self, name: StrRef<'_>) -> Str {
        let StrRef::Plain(text) = name else { return name.into_str() };
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new = Str::from(text);
        self.0.insert(new.clone());
        new
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
