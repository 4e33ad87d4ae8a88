//! Which keys are too scarce for an entry each in the tag index.

use std::collections::BTreeMap;

use crate::base::text::Str;
use crate::block::whim;
use crate::index::scarce::ScarceKey;
use crate::index::term::TagScope;
use crate::segment::tagging::intrinsic;

/// Scarce keys of a segment before they lose their entries: so many entries are listed and probed
/// without looking at rows, and take some ten kilobytes.
const MANY: usize = 1024;

/// A key is scarce if so few values in the segment bear it. An entry takes the bytes of some eight
/// pairs in the table of scarce keys.
pub(super) const FEW: usize = 4;

type Key = (TagScope, Str);

/// Collects the traces of each key as long as they are few.
#[derive(Debug, Default)]
pub(super) struct Scarcity {
    /// `None` for keys that many values bear.
    keys: BTreeMap<Key, Option<Vec<u32>>>,
}

impl Scarcity {
    /// Notes values of a key by the ordinals of their traces.
    pub fn note<'a>(&mut self, key: &Key, lists: impl Iterator<Item = &'a [u32]>) {
        // What every span has is asked for by value, and is never scarce.
        if key.0 == TagScope::Intrinsic {
            return;
        }
        let known = self.keys.entry(key.clone()).or_insert_with(|| Some(Vec::new()));
        for list in lists {
            let Some(ordinals) = known else { return };
            match ordinals.len() + list.len() > FEW {
                true => *known = None,
                false => ordinals.extend_from_slice(list),
            }
        }
    }

    /// The scarce keys, ascending; none if they are few enough for entries.
    pub fn finish(self) -> Vec<ScarceKey> {
        let scarce = |((scope, key), ordinals): (Key, Option<Vec<u32>>)| {
            ordinals.map(|ordinals| ScarceKey { scope, key, ordinals })
        };
        let keys: Vec<ScarceKey> = self.keys.into_iter().filter_map(scarce).collect();
        if whim::take(keys.len() >= MANY) { keys } else { Vec::new() }
    }
}

/// What is not to be told of scarce keys: themselves, and that they hold arrays.
#[derive(Clone, Copy)]
pub(super) struct Untold<'a> {
    /// Ascending by scope and key.
    pub keys: &'a [ScarceKey],
}

impl Untold<'_> {
    /// Whether entries under this name are left out.
    pub fn contains(self, (scope, name): &Key) -> bool {
        match intrinsic::array_key(name).filter(|_| *scope == TagScope::Intrinsic) {
            Some((scope, key)) => self.has(scope, key),
            None => self.has(*scope, name),
        }
    }

    fn has(self, scope: TagScope, key: &str) -> bool {
        let place = |scarce: &ScarceKey| (scarce.scope, scarce.key.as_str()).cmp(&(scope, key));
        self.keys.binary_search_by(place).is_ok()
    }
}
