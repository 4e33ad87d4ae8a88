//! Where the pairs of a key need not be stored, since those of other keys imply them.
//!
//! Texts such as `GET product:9XJ1` are as many as there are products in traces, and each trace
//! with one has the product's id under a key of its own: its *home*. A pair of text and trace is
//! *covered* if a word of the text ([`crate::index::words`]) has that trace in a home. A lookup of
//! the text asks the homes for its words, beside the pairs that are stored.

use crate::index::bits;
use crate::index::term::{TagScope, hash_text};
use crate::index::words::words;

/// Homes of a key at most: each costs a lookup a probe for every word.
pub const MAX_HOMES: usize = 4;

/// Pairs looked at to choose homes.
const SAMPLE: usize = 96;

/// A home covers at least one pair in so many of the sample.
const LEAST_COVERED: usize = 16;

/// A home has at least one pair for so many of the key's: fewer will not cover much.
const LEAST_PAIRS: usize = 64;

/// Pairs that a key must have for homes to be worth their bytes and their probes.
const WORTH: usize = 128;

/// Bits of a home's filter for each of its pairs.
const FILTER_BITS: usize = 8;

/// A value in more traces than this covers nothing: as candidates they would be far too many.
pub fn widest(traces: u32) -> usize {
    (traces as usize / 64).max(8)
}

/// Texts of one key with the traces that have them, by number.
#[derive(Debug)]
pub struct Texts {
    pub scope: TagScope,
    pub key: String,
    /// The hashes of the words of all texts; the first of each is that of the text.
    words: Vec<u64>,
    /// Where the words of each text end.
    ends: Vec<u32>,
    /// Text and trace, ascending.
    pairs: Vec<(u32, u32)>,
}

impl Texts {
    /// `pairs` are of a text's number and a trace's ordinal, in any order.
    pub fn new<'a>(
        scope: TagScope,
        key: &str,
        texts: impl Iterator<Item = &'a str>,
        mut pairs: Vec<(u32, u32)>,
    ) -> Self {
        let (mut all, mut ends) = (Vec::new(), Vec::new());
        for text in texts {
            all.extend(words(text).map(hash_text));
            ends.push(all.len() as u32);
        }
        pairs.sort_unstable();
        pairs.dedup();
        Self { scope, key: key.to_owned(), words: all, ends, pairs }
    }

    fn words(&self, text: u32) -> &[u64] {
        let end = |text: Option<u32>| text.and_then(|text| self.ends.get(text as usize).copied());
        let (from, to) = (end(text.checked_sub(1)).unwrap_or(0), end(Some(text)).unwrap_or(0));
        self.words.get(from as usize..to as usize).unwrap_or_default()
    }

    /// Hash and trace of these pairs.
    fn hashed(&self, pairs: impl Iterator<Item = (u32, u32)>) -> Vec<(u64, u32)> {
        pairs.filter_map(|(text, ordinal)| Some((*self.words(text).first()?, ordinal))).collect()
    }
}

/// The values of a key with the traces that have them.
#[derive(Debug)]
pub struct Home {
    pub scope: TagScope,
    pub key: String,
    /// Hash of a value and trace, ascending, but for values of more than [`widest`] traces.
    pairs: Vec<(u64, u32)>,
    /// A bit for every value, by the upper bits of its hash: most words of texts are no values.
    filter: Vec<u64>,
    /// What is left of a hash behind that is the place of its bit.
    shift: u32,
}

impl Home {
    /// Of pairs in any order.
    pub fn new(scope: TagScope, key: &str, mut pairs: Vec<(u64, u32)>, traces: u32) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let groups = pairs.chunk_by(|a, b| a.0 == b.0);
        let pairs = groups.filter(|group| group.len() <= widest(traces)).flatten().copied();
        let pairs: Vec<(u64, u32)> = pairs.collect();
        let bits = (pairs.len() * FILTER_BITS).next_power_of_two().max(64);
        let (mut filter, shift) = (vec![0; bits / 64], u64::BITS - bits.trailing_zeros());
        bits::set(&mut filter, pairs.iter().map(|(hash, _)| (hash >> shift) as u32));
        Self { scope, key: key.to_owned(), pairs, filter, shift }
    }

    fn may_have(&self, word: u64) -> bool {
        let at = word >> self.shift;
        self.filter.get((at / 64) as usize).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
    }

    fn covers(&self, words: &[u64], ordinal: u32) -> bool {
        self.covering(words, ordinal).is_some()
    }

    /// The word by which this home covers a pair; the last, since texts begin alike.
    fn covering(&self, words: &[u64], ordinal: u32) -> Option<usize> {
        let has = |word| self.pairs.binary_search(&(word, ordinal)).is_ok();
        words.iter().rposition(|&word| self.may_have(word) && has(word))
    }
}

/// What is stored of a key's texts.
#[derive(Debug)]
pub struct Stored {
    pub scope: TagScope,
    pub key: String,
    /// Scopes and keys of the homes, with a bit for each word that is to be looked for in them, the
    /// lowest for the text itself.
    pub homes: Vec<(TagScope, String, u64)>,
    /// Hash and trace of the pairs that no home covers.
    pub pairs: Vec<(u64, u32)>,
}

/// Chooses homes for all texts. A key that is home to another has none itself, so that a lookup
/// never goes further than one step.
pub fn settle(mut texts: Vec<Texts>, mut homes: Vec<Home>, traces: u32) -> Vec<Stored> {
    texts.sort_by(|a, b| {
        b.pairs.len().cmp(&a.pairs.len()).then((a.scope, &a.key).cmp(&(b.scope, &b.key)))
    });
    let own = |t: &Texts| Home::new(t.scope, &t.key, t.hashed(t.pairs.iter().copied()), traces);
    homes.extend(texts.iter().filter(|t| t.pairs.len() >= WORTH).map(own));
    let mut is_home = vec![false; homes.len()];
    let mut stored: Vec<Stored> = Vec::with_capacity(texts.len());
    for texts in &texts {
        let me = (texts.scope, &texts.key);
        let named = |home: &Home| (home.scope, &home.key) == me;
        let taken = homes.iter().zip(&is_home).any(|(home, &is_home)| is_home && named(home));
        let has_homes = |home: &Home| {
            stored
                .iter()
                .any(|s| !s.homes.is_empty() && (s.scope, &s.key) == (home.scope, &home.key))
        };
        let mut chosen = Vec::new();
        if !taken && texts.pairs.len() >= WORTH {
            let fits = |(_, home): &(usize, &Home)| {
                !named(home)
                    && home.pairs.len() >= texts.pairs.len() / LEAST_PAIRS
                    && !has_homes(home)
            };
            chosen = choose(texts, homes.iter().enumerate().filter(fits).collect());
        }
        let covers: Vec<&Home> = chosen.iter().filter_map(|&home| homes.get(home)).collect();
        let mut used = vec![0u64; covers.len()];
        let rest = texts.pairs.iter().copied().filter(|&(text, ordinal)| {
            let words = texts.words(text);
            let mut all = covers.iter().zip(&mut used);
            let by = all.find_map(|(home, used)| home.covering(words, ordinal).zip(Some(used)));
            if let Some((word, used)) = by {
                *used |= 1 << word;
                return false;
            }
            true
        });
        let pairs = texts.hashed(rest);
        let homes =
            covers.iter().zip(used).map(|(home, used)| (home.scope, home.key.clone(), used));
        let homes = homes.filter(|&(_, _, used)| used > 0).collect();
        stored.push(Stored { scope: texts.scope, key: texts.key.clone(), pairs, homes });
        for &home in &chosen {
            if let Some(is_home) = is_home.get_mut(home) {
                *is_home = true;
            }
        }
    }
    stored
}

/// The homes that cover most of a sample, the best first.
fn choose(texts: &Texts, mut homes: Vec<(usize, &Home)>) -> Vec<usize> {
    let step = texts.pairs.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<(u32, u32)> = texts.pairs.iter().step_by(step).copied().collect();
    let least = sample.len() / LEAST_COVERED;
    let mut chosen = Vec::new();
    while chosen.len() < MAX_HOMES {
        let covers =
            |home: &Home, &(text, ordinal): &(u32, u32)| home.covers(texts.words(text), ordinal);
        // Of several that cover as much, the first.
        let mut best: Option<(usize, (usize, &Home))> = None;
        homes.retain(|&(number, home)| {
            let covered = sample.iter().filter(|pair| covers(home, pair)).count();
            if covered > least && best.is_none_or(|(most, _)| most < covered) {
                best = Some((covered, (number, home)));
            }
            covered > least
        });
        let Some((_, (number, home))) = best else { break };
        sample.retain(|pair| !covers(home, pair));
        chosen.push(number);
    }
    chosen
}
