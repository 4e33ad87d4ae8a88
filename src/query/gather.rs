//! One trace, looked at as a whole: its spans in short, its root, its figures.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, OnceLock};

use crate::base::error::Result;
use crate::base::ids::SpanId;
use crate::base::model::{ResourceContext, TraceSpan};
use crate::base::text::Str;
use crate::base::time::{Timestamp, saturating_nanos};
use crate::base::view::StrRef;
use crate::query::ast::Field;
use crate::query::bounds::Bounds;
use crate::query::eval::bits::Bits;
use crate::query::eval::family::{Family, ParentValues, collected};
use crate::query::eval::fields::each;
use crate::query::eval::relation::Relation;
use crate::query::leaves::{Leaves, Verdicts};
use crate::query::places::{Place, visit_places};
use crate::query::predicate::{TraceFacts, matches, may_hold};
use crate::query::settle::{Content, SpanKey};
use crate::query::source::{Fragment, Row, Sketcher};
use crate::query::view::Piece;
use crate::query::weigh::Weigh;

/// Spans that room is made for before they are read: a row count could be a lie.
const MOST_RESERVED: usize = 1 << 10;

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
    /// Which of the query's filters it fulfils.
    pub verdicts: Verdicts,
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
    relation: OnceLock<Relation>,
    parents: ParentValues,
    /// What the query must not exceed.
    bounds: Bounds,
}

impl Gathered {
    /// Looks at all spans of a trace and tests each against the filters of a query.
    pub fn read(pieces: &[Piece], leaves: &Leaves) -> Result<Self> {
        let mut gathered = Self { bounds: leaves.bounds.clone(), ..Self::default() };
        let mut services = Services::default();
        let mut names = Names::default();
        let rows: usize = pieces.iter().map(|piece| piece.fragment.rows.len()).sum();
        gathered.spans.reserve(rows.min(MOST_RESERVED));
        for (number, piece) in pieces.iter().enumerate() {
            piece.source.shorts(&piece.fragment, leaves, &mut |short| {
                gathered.bounds.interrupt.tick()?;
                gathered.bounds.check_trace(gathered.spans.len() * size_of::<Brief>())?;
                gathered.spans.push(Brief {
                    key: (short.start, short.span_id),
                    end: short.end,
                    parent: short.parent,
                    name: names.share(short.name),
                    service: services.of(short.resource),
                    is_error: short.is_error,
                    verdicts: short.verdicts,
                    place: (number, short.row),
                });
                Ok(())
            })?;
        }
        gathered.services = services.names;
        gathered.spans.sort_unstable_by_key(|span| (span.key, span.place));
        gathered.drop_identical(pieces)?;
        gathered.decide(pieces, leaves)?;
        Ok(gathered)
    }

    /// A trace in one piece as far as a sketch tells of it: its spans in the order of rows, with
    /// verdicts and relation. `None` where a sketch does not suffice.
    pub fn sketched(
        sketcher: &mut dyn Sketcher,
        fragment: &Fragment,
        bounds: &Bounds,
    ) -> Result<Option<Self>> {
        let mut gathered = Self { bounds: bounds.clone(), ..Self::default() };
        gathered.spans.reserve(fragment.rows.len().min(MOST_RESERVED));
        let start = fragment.first_start;
        let is_told = sketcher.sketch(fragment, &mut |sketched| {
            gathered.bounds.check_trace(gathered.spans.len() * size_of::<Brief>())?;
            gathered.spans.push(Brief {
                key: (start, sketched.id),
                end: start,
                parent: sketched.parent,
                name: Str::default(),
                service: None,
                is_error: false,
                verdicts: sketched.verdicts,
                place: (0, sketched.row),
            });
            Ok(())
        })?;
        Ok(is_told.then_some(gathered))
    }

    /// Spans of a trace in one piece that are told by the order of its rows, as a sketch has them;
    /// `None` if not every row is a span of its own.
    pub fn of_rows(&self, fragment: &Fragment, rows: &Bits) -> Option<Bits> {
        let row = |span: usize| self.spans.get(span)?.place.1.checked_sub(fragment.rows.start);
        let wanted = |span: usize| row(span).is_some_and(|row| rows.has(row as usize));
        let spans = self.spans.len();
        (spans == fragment.rows.len()).then(|| Bits::of(spans, wanted))
    }

    /// Spans of one key are compared by content: identical ones become one, others get an order.
    fn drop_identical(&mut self, pieces: &[Piece]) -> Result<()> {
        let equal = |pair: &&[Brief]| matches!(pair, [a, b] if a.key == b.key);
        let doubtful: HashSet<Place> =
            self.spans.windows(2).filter(equal).flatten().map(|span| span.place).collect();
        if doubtful.is_empty() {
            return Ok(());
        }
        let doubtful: Vec<Place> = doubtful.into_iter().collect();
        let mut contents = HashMap::new();
        let places = numbered(&doubtful);
        visit_places(pieces, &places, &self.bounds.interrupt, &mut |number, row, _| {
            let content = Content::of(&row.span, row.resource, row.scope)?;
            contents.extend(doubtful.get(number).map(|place| (*place, content)));
            Ok(())
        })?;
        let content = |span: &Brief| contents.get(&span.place);
        self.spans.sort_by(|a, b| (a.key, content(a)).cmp(&(b.key, content(b))));
        self.spans.dedup_by(|a, b| a.key == b.key && content(a) == content(b));
        Ok(())
    }

    /// Decides the filters that depend on whole spans, or on the trace.
    fn decide(&mut self, pieces: &[Piece], leaves: &Leaves) -> Result<()> {
        self.parents = self.parent_values(pieces, leaves)?;
        self.leave_out_by_place(leaves);
        let open = Bits::of(self.spans.len(), |span| {
            self.spans.get(span).is_some_and(|span| span.verdicts.are_open())
        });
        let mut decided = Vec::new();
        self.visit(pieces, &open, &mut |span, row, facts| {
            let Some(brief) = self.spans.get(span) else { return Ok(()) };
            let holds = |leaf: &_| matches(leaf, row.subject(), Some(facts), leaves.loose);
            decided.push((span, brief.verdicts.decided(&leaves.filters, holds)));
            Ok(())
        })?;
        for (span, verdicts) in decided {
            if let Some(brief) = self.spans.get_mut(span) {
                brief.verdicts = verdicts;
            }
        }
        Ok(())
    }

    /// Decides the filters that ask for a root, or for none, of the spans that are not.
    fn leave_out_by_place(&mut self, leaves: &Leaves) {
        let is_root = |span: usize, brief: &Brief| {
            brief.parent.is_none() || self.relation().parents(span).next().is_none()
        };
        let mut decided = Vec::new();
        for (number, brief) in self.spans.iter().enumerate().filter(|(_, b)| b.verdicts.are_open())
        {
            let may_hold = |leaf: &_| may_hold(leaf, leaves.loose, &|| is_root(number, brief));
            decided.push((number, brief.verdicts.limited(&leaves.filters, may_hold)));
        }
        for (span, verdicts) in decided {
            if let Some(brief) = self.spans.get_mut(span) {
                brief.verdicts = verdicts;
            }
        }
    }

    /// What the trace's spans have in the fields that filters ask of parents.
    fn parent_values(&self, pieces: &[Piece], leaves: &Leaves) -> Result<ParentValues> {
        let mut values: ParentValues = Vec::new();
        for (scope, key) in &leaves.parents {
            values.push(((*scope, key.clone()), vec![Vec::new(); self.spans.len()]));
        }
        if values.is_empty() {
            return Ok(values);
        }
        let is_parent = |span| self.relation().children(span) > 0;
        self.visit(pieces, &Bits::of(self.spans.len(), is_parent), &mut |span, row, _| {
            for ((scope, key), all) in &mut values {
                let field = Field::Attribute(*scope, key.clone());
                if let Some(own) = all.get_mut(span) {
                    *own = collected(|take| {
                        // An attribute takes no facts.
                        let _known = each(&field, row.subject(), None, take);
                    });
                }
            }
            Ok(())
        })?;
        Ok(values)
    }

    /// Reads spans again, in any order, each with its number and what there is to say of it.
    pub fn visit(
        &self,
        pieces: &[Piece],
        spans: &Bits,
        visit: &mut dyn FnMut(usize, &Row<'_>, TraceFacts<'_>) -> Result<()>,
    ) -> Result<()> {
        if spans.is_empty() {
            return Ok(());
        }
        let numbers = spans.iter().filter_map(|span| Some((self.spans.get(span)?.place, span)));
        let root = self.root();
        let facts = TraceFacts {
            root_name: root.map_or("", |root| &root.name),
            root_service: root.and_then(|root| self.service_of(root)).map(Str::as_str),
            duration_nanos: saturating_nanos(self.end().since(self.start())),
            family: None,
        };
        let numbers = numbers.collect();
        visit_places(pieces, &numbers, &self.bounds.interrupt, &mut |span, row, _| {
            let family = Some(Family::of(self, &self.parents, span));
            visit(span, &row, TraceFacts { family, ..facts })
        })
    }

    /// The spans with these numbers, owned.
    pub fn owned(&self, pieces: &[Piece], spans: &[usize]) -> Result<Vec<TraceSpan>> {
        let places = spans.iter().filter_map(|span| self.spans.get(*span));
        let wanted: Vec<Place> = places.map(|span| span.place).collect();
        let places = numbered(&wanted);
        let (mut owned, mut bytes) = (HashMap::with_capacity(wanted.len()), 0);
        visit_places(pieces, &places, &self.bounds.interrupt, &mut |number, row, piece| {
            let span = row.into_owned(piece.source.as_ref())?;
            bytes += span.weigh();
            self.bounds.check_trace(bytes)?;
            owned.insert(number, span);
            Ok(())
        })?;
        Ok((0..wanted.len()).filter_map(|number| owned.remove(&number)).collect())
    }

    /// Who is whose parent.
    pub fn relation(&self) -> &Relation {
        self.relation
            .get_or_init(|| Relation::new(self.spans.iter().map(|span| (span.key.1, span.parent))))
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

fn numbered(places: &[Place]) -> HashMap<Place, usize> {
    places.iter().copied().zip(0..).collect()
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

/// Resources of a trace that are told at a glance.
const KNOWN_RESOURCES: usize = 16;

/// The services of a trace, numbered as they appear.
#[derive(Default)]
struct Services {
    names: Vec<Str>,
    numbers: HashMap<Str, u32>,
    /// Resources met before, the latest last: a trace has few.
    known: VecDeque<(Arc<ResourceContext>, Option<u32>)>,
}

impl Services {
    fn of(&mut self, resource: &Arc<ResourceContext>) -> Option<u32> {
        let mut known = self.known.iter().rev();
        if let Some((_, number)) = known.find(|(known, _)| Arc::ptr_eq(known, resource)) {
            return *number;
        }
        let number = resource.service().map(|name| {
            *self.numbers.entry(name.clone()).or_insert_with(|| {
                self.names.push(name.clone());
                self.names.len() as u32 - 1
            })
        });
        if self.known.len() >= KNOWN_RESOURCES {
            self.known.pop_front();
        }
        self.known.push_back((Arc::clone(resource), number));
        number
    }
}
