//! Who is whose parent in a trace.
//!
//! The parent of a span is every *other* span that bears the parent id which it names. Ids may
//! repeat and parents may form cycles, so spans of one id are a group, and all questions are
//! asked of groups: how many of a group's members, and of its callers (the spans that name it as
//! parent), are in a set. A span that names its own id counts as caller of its group, but never as
//! its own parent; one such at a time is taken off the counts. Each question costs a walk over
//! spans and groups, and none recurses.

use crate::base::ids::SpanId;
use crate::query::eval::bits::Bits;
use crate::query::lang::tree::Relation as Kind;

/// No group: of spans whose parent is not in the trace.
const NONE: u32 = u32::MAX;

/// The parents and children of a trace's spans.
#[derive(Debug)]
pub struct Relation {
    /// Each span's own group.
    own: Vec<u32>,
    /// The group that it names as its parent.
    parent: Vec<u32>,
    members: Lists,
    callers: Lists,
}

/// For each group some spans, ascending.
#[derive(Debug)]
struct Lists {
    starts: Vec<u32>,
    spans: Vec<u32>,
}

impl Lists {
    /// Sorts spans by their group.
    fn by(groups: &[u32], count: usize) -> Self {
        let mut starts = vec![0u32; count + 1];
        let slot = |group: &u32| *group as usize;
        for group in groups.iter().filter(|group| **group != NONE) {
            if let Some(start) = starts.get_mut(slot(group) + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut spans = vec![0u32; sum as usize];
        for (span, group) in (0..).zip(groups) {
            if let Some(at) = next.get_mut(slot(group)).filter(|_| *group != NONE) {
                if let Some(place) = spans.get_mut(*at as usize) {
                    *place = span;
                }
                *at += 1;
            }
        }
        Self { starts, spans }
    }

    fn of(&self, group: u32) -> &[u32] {
        let start = |group: u32| self.starts.get(group as usize).map(|start| *start as usize);
        let range = start(group).zip(group.checked_add(1).and_then(start));
        range.and_then(|(start, end)| self.spans.get(start..end)).unwrap_or_default()
    }
}

impl Relation {
    /// The relation of spans that bear these ids and name these parents.
    pub fn new(spans: impl ExactSizeIterator<Item = (SpanId, Option<SpanId>)>) -> Self {
        let spans: Vec<(SpanId, Option<SpanId>)> = spans.collect();
        let mut order: Vec<(SpanId, usize)> =
            spans.iter().enumerate().map(|(span, (id, _))| (*id, span)).collect();
        order.sort_unstable();
        let (mut ids, mut own) = (Vec::with_capacity(spans.len()), vec![NONE; spans.len()]);
        for (id, span) in order {
            if ids.last() != Some(&id) {
                ids.push(id);
            }
            if let Some(own) = own.get_mut(span) {
                *own = ids.len() as u32 - 1;
            }
        }
        // Siblings stand together, mostly.
        let mut last = (None, NONE);
        let mut group = |parent: Option<SpanId>| {
            if parent != last.0 {
                let found = parent.map(|id| ids.binary_search(&id));
                last = (parent, found.and_then(|found| found.ok()).map_or(NONE, |at| at as u32));
            }
            last.1
        };
        let parent: Vec<u32> = spans.iter().map(|(_, id)| group(*id)).collect();
        let members = Lists::by(&own, ids.len());
        let callers = Lists::by(&parent, ids.len());
        Self { own, parent, members, callers }
    }

    fn spans(&self) -> usize {
        self.own.len()
    }

    fn groups(&self) -> usize {
        self.members.starts.len().saturating_sub(1)
    }

    fn own(&self, span: usize) -> u32 {
        self.own.get(span).copied().unwrap_or(NONE)
    }

    fn parent(&self, span: usize) -> u32 {
        self.parent.get(span).copied().unwrap_or(NONE)
    }

    /// Whether a span names its own id as its parent's.
    fn names_itself(&self, span: usize) -> bool {
        self.own(span) == self.parent(span)
    }

    /// The spans that are parents of one.
    pub fn parents(&self, span: usize) -> impl Iterator<Item = usize> + '_ {
        let members = self.members.of(self.parent(span)).iter().map(|member| *member as usize);
        members.filter(move |member| *member != span)
    }

    /// How many spans a span is a parent of.
    pub fn children(&self, span: usize) -> u32 {
        self.callers.of(self.own(span)).len() as u32 - u32::from(self.names_itself(span))
    }

    /// How many spans of a set fall to each group.
    fn count(&self, set: &Bits, group: impl Fn(usize) -> u32) -> Vec<u32> {
        let mut counts = vec![0; self.groups()];
        for span in set.iter() {
            if let Some(count) = counts.get_mut(group(span) as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// All spans that are so related to a span of the set.
    pub fn related(&self, kind: Kind, set: &Bits) -> Bits {
        match kind {
            Kind::Child => self.children_of(set),
            Kind::Parent => self.parents_of(set),
            Kind::Sibling => self.siblings_of(set),
            Kind::Descendant => self.spread(set, Direction::Down),
            Kind::Ancestor => self.spread(set, Direction::Up),
        }
    }

    fn children_of(&self, set: &Bits) -> Bits {
        let members = self.count(set, |span| self.own(span));
        Bits::of(self.spans(), |span| {
            let own = u32::from(self.names_itself(span) && set.has(span));
            members.get(self.parent(span) as usize).is_some_and(|count| *count > own)
        })
    }

    fn parents_of(&self, set: &Bits) -> Bits {
        let callers = self.count(set, |span| self.parent(span));
        Bits::of(self.spans(), |span| {
            let own = u32::from(self.names_itself(span) && set.has(span));
            callers.get(self.own(span) as usize).is_some_and(|count| *count > own)
        })
    }

    fn siblings_of(&self, set: &Bits) -> Bits {
        let callers = self.count(set, |span| self.parent(span));
        Bits::of(self.spans(), |span| {
            let group = self.parent(span);
            let count = callers.get(group as usize).copied().unwrap_or(0);
            let members = self.members.of(group);
            // Two spans and a parent of both are three: with more members one is always left.
            if count == 0 || members.len() > 2 {
                return count > u32::from(set.has(span));
            }
            let shared = |other: usize| {
                let is_parent =
                    |member: &&u32| **member as usize != span && **member as usize != other;
                other != span && members.iter().any(|member| is_parent(&member))
            };
            // Callers that are members themselves leave fewer parents to share.
            let mut inside = 0;
            for member in members.iter().map(|member| *member as usize) {
                if set.has(member) && self.names_itself(member) {
                    inside += 1;
                    if shared(member) {
                        return true;
                    }
                }
            }
            let is_outside = set.has(span) && !self.names_itself(span);
            let outside = count - inside - u32::from(is_outside);
            outside > 0 && members.iter().any(|member| *member as usize != span)
        })
    }

    /// All that lie behind the spans of a set in one direction, through any number of others. A
    /// group is looked at when its first span is reached, and again at its second: from then on
    /// also those that are not their own parents have one.
    fn spread(&self, set: &Bits, direction: Direction) -> Bits {
        let (from, to, lists) = match direction {
            Direction::Down => (&self.own, &self.parent, &self.callers),
            Direction::Up => (&self.parent, &self.own, &self.members),
        };
        let mut reached = Bits::none(self.spans());
        let mut active = set.clone();
        let mut counts = vec![0u32; self.groups()];
        let mut open = Vec::new();
        let enter = |span: usize, open: &mut Vec<u32>, counts: &mut Vec<u32>| {
            let group = from.get(span).copied().unwrap_or(NONE);
            if let Some(count) = counts.get_mut(group as usize) {
                *count += 1;
                if *count <= 2 {
                    open.push(group);
                }
            }
        };
        set.iter().for_each(|span| enter(span, &mut open, &mut counts));
        while let Some(group) = open.pop() {
            for span in lists.of(group).iter().map(|span| *span as usize) {
                let count = counts.get(group as usize).copied().unwrap_or(0);
                let is_own = active.has(span) && from.get(span) == to.get(span);
                if reached.has(span) || count <= u32::from(is_own) {
                    continue;
                }
                reached.insert(span);
                if !active.has(span) {
                    active.insert(span);
                    enter(span, &mut open, &mut counts);
                }
            }
        }
        reached
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Down,
    Up,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By the definition, pair by pair.
    fn naive(spans: &[(u64, Option<u64>)], kind: Kind, set: &Bits) -> Vec<usize> {
        let all = 0..spans.len();
        let is_parent = |a: usize, b: usize| {
            a != b && spans.get(b).map(|s| s.1) == spans.get(a).map(|s| Some(s.0))
        };
        let mut below: Vec<Vec<bool>> =
            all.clone().map(|a| all.clone().map(|b| is_parent(a, b)).collect()).collect();
        for _ in 0..spans.len() {
            let last = below.clone();
            for (a, row) in below.iter_mut().enumerate() {
                for (b, cell) in row.iter_mut().enumerate() {
                    *cell |= all.clone().any(|c| {
                        is_parent(a, c) && last.get(c).and_then(|r| r.get(b)) == Some(&true)
                    });
                }
            }
        }
        let is_below = |a: usize, b: usize| below.get(a).and_then(|r| r.get(b)) == Some(&true);
        let relates = |a: usize, b: usize| match kind {
            Kind::Child => is_parent(a, b),
            Kind::Parent => is_parent(b, a),
            Kind::Descendant => is_below(a, b),
            Kind::Ancestor => is_below(b, a),
            Kind::Sibling => a != b && all.clone().any(|p| is_parent(p, a) && is_parent(p, b)),
        };
        all.clone().filter(|b| set.iter().any(|a| relates(a, *b))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn relations_are_those_of_the_definition(
            spans in prop::collection::vec((0u64..6, prop::option::of(0u64..7)), 0..9),
            set: u16,
        ) {
            let set = Bits::of(spans.len(), |span| set >> span & 1 == 1);
            let ids = spans.iter().map(|(id, parent)| (SpanId::from(*id), parent.map(SpanId::from)));
            let relation = Relation::new(ids);
            for kind in
                [Kind::Child, Kind::Parent, Kind::Descendant, Kind::Ancestor, Kind::Sibling]
            {
                let found: Vec<usize> = relation.related(kind, &set).iter().collect();
                prop_assert_eq!(found, naive(&spans, kind, &set), "{:?}", kind);
            }
            for span in 0..spans.len() {
                let one = Bits::of(spans.len(), |other| other == span);
                let children = naive(&spans, Kind::Child, &one).len();
                prop_assert_eq!(relation.children(span) as usize, children);
                let parents: Vec<usize> = relation.parents(span).collect();
                prop_assert_eq!(parents, naive(&spans, Kind::Parent, &one));
            }
        }
    }
}
