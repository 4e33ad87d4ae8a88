//! Keys that so few spans have that an entry for each would outgrow what it finds, and texts as
//! scarce.
//!
//! ```text
//! | shift: u8 | tokens: u8 | table of hashes: token -> group of 2^shift traces |
//! ```
//! Values of scarce keys are not told: what the table finds are traces to look at. A hash takes its
//! few bits whatever the key's length, and groups save more: a reader who looks at one trace of a page
//! has decoded its neighbours anyway. Where keys, names and values of a span all bear its own number,
//! say, that token leads to the span for all of them ([`crate::index::tokens`]).

use crate::base::error::Result;
use crate::base::text::Str;
use crate::index::hashes::{HashTable, write_table};
use crate::index::source::{Cursor, Source};
use crate::index::term::TagScope;
use crate::index::tokens::{KINDS, Tokens};

/// What is not there meets a group once in four times: each further bit costs an eighth of a
/// byte for every scarce key.
const SPARE_BITS: u32 = 2;

/// Where several names share a token, there is room for more.
const SPARE_BITS_SHARED: u32 = 4;

/// Groups that a name may lead to, on average, beyond those that it is in.
const FURTHER_GROUPS: u64 = 2;

/// Rows of a group, at most, on average.
const GROUP_ROWS: u64 = 64;

/// Groups have at most 2^this traces.
const MAX_SHIFT: u32 = 6;

/// The intrinsic key under which the table stands; it is in the traces that have some scarce key.
pub(super) const SCARCE: &str = "scarce";

/// A scarce key, and the traces that have it.
#[derive(Debug)]
pub struct ScarceKey {
    /// Where the attribute stands.
    pub scope: TagScope,
    /// Its key.
    pub key: Str,
    /// Ordinals of the traces, in any order.
    pub ordinals: Vec<u32>,
}

/// How many traces, as a power of two, a group may have in a segment of so many traces and rows.
pub fn shift_of(traces: u32, rows: u64) -> u32 {
    let fits = |shift: &u32| rows << shift <= GROUP_ROWS * u64::from(traces);
    (0..=MAX_SHIFT).take_while(fits).last().unwrap_or(0)
}

/// Collects scarce keys and texts.
#[derive(Debug)]
pub(super) struct ScarceBuilder {
    shift: u32,
    /// Of each key and text the hash by each kind of tokens.
    names: Vec<[u64; KINDS]>,
    /// Key or text, and group.
    pairs: Vec<(u32, u32)>,
}

impl ScarceBuilder {
    /// For groups of 2^`shift` traces.
    pub fn new(shift: u32) -> Self {
        Self { shift, names: Vec::new(), pairs: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn add_key(&mut self, key: &ScarceKey) {
        let name = self.add(Tokens::all_of_key(key.scope, &key.key));
        self.pairs.extend(key.ordinals.iter().map(|ordinal| (name, ordinal >> self.shift)));
    }

    /// Adds a text; the number by which [`Self::add_pair`] knows it.
    pub fn add_text(&mut self, text: &str) -> u32 {
        self.add(Tokens::all_of_text(text))
    }

    fn add(&mut self, hashes: [u64; KINDS]) -> u32 {
        self.names.push(hashes);
        self.names.len() as u32 - 1
    }

    pub fn add_pair(&mut self, text: u32, ordinal: u32) {
        self.pairs.push((text, ordinal >> self.shift));
    }

    /// Appends the table.
    pub fn write(mut self, out: &mut Vec<u8>) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        let mut best: Option<(Tokens, Told)> = None;
        for tokens in Tokens::all().into_iter().filter(|&tokens| self.has(tokens)) {
            let told = self.told(tokens);
            let is_better = best.as_ref().is_none_or(|(_, least)| {
                told.pairs.len() < least.pairs.len()
                    && told.met <= least.met + FURTHER_GROUPS * self.pairs.len() as u64
            });
            if is_better {
                best = Some((tokens, told));
            }
        }
        let Some((tokens, told)) = best else { return };
        let is_shared = told.pairs.len() * 2 <= self.pairs.len();
        out.extend([self.shift as u8, tokens.code()]);
        let spare_bits = if is_shared { SPARE_BITS_SHARED } else { SPARE_BITS };
        write_table(&told.pairs, spare_bits, out);
    }

    /// Whether there are enough tokens of a kind to be worth a try.
    fn has(&self, tokens: Tokens) -> bool {
        let has_own = |all: &&[u64; KINDS]| tokens.hash(all) != Tokens::Whole.hash(all);
        tokens == Tokens::Whole || self.names.iter().filter(has_own).count() * 4 > self.names.len()
    }

    /// What is to be told by tokens of one kind.
    fn told(&self, tokens: Tokens) -> Told {
        let hash = |name: u32| self.names.get(name as usize).map_or(0, |all| tokens.hash(all));
        let mut pairs: Vec<(u64, u32)> =
            self.pairs.iter().map(|&(name, group)| (hash(name), group)).collect();
        pairs.sort_unstable();
        let mut met = 0;
        for token in pairs.chunk_by(|a, b| a.0 == b.0) {
            let groups = token.chunk_by(|a, b| a == b).count() as u64;
            met += groups * token.len() as u64;
        }
        pairs.dedup();
        Told { pairs, met }
    }
}

/// Pairs of hash and group, and how many groups all lookups of what leads there meet together.
struct Told {
    pairs: Vec<(u64, u32)>,
    met: u64,
}

/// Finds the traces that may have a scarce key or text.
#[derive(Clone, Debug)]
pub(crate) struct Scarce {
    shift: u32,
    tokens: Tokens,
    table: HashTable,
}

impl Scarce {
    /// Opens the table that fills the rest of the cursor.
    pub fn open(cursor: &mut Cursor<'_>) -> Result<Self> {
        let shift = u32::from(cursor.byte()?);
        let tokens = Tokens::of_code(cursor.byte()?);
        let tokens = tokens.ok_or_else(|| cursor.corrupt("tokens of an unknown kind"))?;
        let table = HashTable::open(cursor)?;
        if shift > MAX_SHIFT || cursor.remaining() > 0 {
            return Err(cursor.corrupt("a bad table of scarce keys"));
        }
        Ok(Self { shift, tokens, table })
    }

    /// How many pairs of token and group there are.
    pub fn len(&self) -> u64 {
        self.table.len()
    }

    /// The traces, of so many, that may have a key: all that do, if it is scarce.
    pub fn find_key(
        &self,
        source: &dyn Source,
        traces: u32,
        scope: TagScope,
        key: &str,
    ) -> Result<Vec<u32>> {
        self.find(source, traces, self.tokens.of_key(scope, key))
    }

    /// The traces that may have a text, wherever it stands.
    pub fn find_text(&self, source: &dyn Source, traces: u32, text: &str) -> Result<Vec<u32>> {
        self.find(source, traces, self.tokens.of_text(text))
    }

    fn find(&self, source: &dyn Source, traces: u32, hash: u64) -> Result<Vec<u32>> {
        let mut groups = Vec::new();
        self.table.find(source, hash, &mut groups)?;
        let mut ordinals = Vec::new();
        for group in groups {
            if group >= self.groups(traces) {
                return Err(source.corrupt(0, "a scarce key of a trace that is not there"));
            }
            let (begin, end) = (u64::from(group) << self.shift, u64::from(group + 1) << self.shift);
            ordinals.extend((begin..end.min(traces.into())).map(|ordinal| ordinal as u32));
        }
        Ok(ordinals)
    }

    /// How many groups so many traces make.
    fn groups(&self, traces: u32) -> u32 {
        traces.div_ceil(1 << self.shift)
    }

    /// Checks the whole table.
    pub fn verify(&self, source: &dyn Source, traces: u32) -> Result<()> {
        self.table.verify(source, self.groups(traces))
    }
}
