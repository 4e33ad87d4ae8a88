//! What is left after power loss.

use crate::disk::memory::content::{Content, Patch, Written, overwrite};
use crate::disk::memory::state::State;

/// Disks write sectors whole or not at all, and those of one write in any order.
const SECTOR_BYTES: usize = 512;

/// What survives a crash of all that was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Survivors {
    /// Nothing.
    None,
    /// Everything, as if only the program had been killed, except what a failed sync has lost.
    All,
    /// What this seed says: everything up to some moment; or each change by its own luck; or all
    /// names and no contents, so that files are empty or full of old bytes. Writes may be torn,
    /// at any byte or by sectors, and a lost one may leave its length behind, filled with zeros.
    Chosen(u64),
}

enum Fate {
    None,
    All,
    /// All before this change, part of it, nothing after.
    Until(u64),
    Mixed,
    NamesOnly,
}

impl State {
    /// The disk after power loss.
    pub fn crash(&self, survivors: Survivors) -> Self {
        let seed = if let Survivors::Chosen(seed) = survivors { seed } else { 0 };
        let mut chance = Chance(seed);
        let fate = match survivors {
            Survivors::None => Fate::None,
            Survivors::All => Fate::All,
            Survivors::Chosen(_) => self.choose_fate(&mut chance),
        };
        let mut names = Chance(chance.next());
        let tree = self.tree.on_medium(
            |sequence| fate.keeps_name(sequence, &mut names),
            |content| fate.contents(content, &mut chance),
        );
        Self::with_tree(tree, self.capacity)
    }

    fn choose_fate(&self, chance: &mut Chance) -> Fate {
        match chance.below(5) {
            0 | 1 => {
                let unsynced = self.tree.unsynced();
                let cut = unsynced.get(chance.below(unsynced.len() + 1));
                cut.map_or(Fate::All, |sequence| Fate::Until(*sequence))
            }
            2 | 3 => Fate::Mixed,
            _ => Fate::NamesOnly,
        }
    }
}

impl Fate {
    fn keeps_name(&self, sequence: u64, chance: &mut Chance) -> bool {
        match self {
            Self::None => false,
            Self::All | Self::NamesOnly => true,
            Self::Until(cut) => sequence < *cut || (sequence == *cut && chance.coin()),
            Self::Mixed => chance.coin(),
        }
    }

    fn contents(&self, content: &Content, chance: &mut Chance) -> Vec<u8> {
        let mut file = content.synced().to_vec();
        for Patch { sequence, what } in content.patches() {
            match self {
                Self::None | Self::NamesOnly => {}
                Self::All => what.apply(&mut file),
                Self::Until(cut) if sequence < cut => what.apply(&mut file),
                Self::Until(cut) if sequence > cut => {}
                Self::Until(_) => tear(what, &mut file, chance),
                Self::Mixed => match chance.below(4) {
                    0 => what.apply(&mut file),
                    1 => grow(what, &mut file, chance),
                    _ => tear(what, &mut file, chance),
                },
            }
        }
        file
    }
}

/// Applies part of a write: its first bytes, or any of its sectors.
fn tear(what: &Written, file: &mut Vec<u8>, chance: &mut Chance) {
    let Written::Bytes { offset, bytes } = what else {
        if chance.coin() {
            what.apply(file);
        }
        return;
    };
    grow(what, file, chance);
    if chance.coin() {
        let kept = bytes.get(..chance.below(bytes.len() + 1)).unwrap_or_default();
        overwrite(file, *offset, kept);
        return;
    }
    let mut at = *offset;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let in_sector = SECTOR_BYTES - at % SECTOR_BYTES;
        let (sector, after) = rest.split_at_checked(in_sector).unwrap_or((rest, &[]));
        if chance.coin() {
            overwrite(file, at, sector);
        }
        at += sector.len();
        rest = after;
    }
}

/// The length of a write may survive its bytes.
fn grow(what: &Written, file: &mut Vec<u8>, chance: &mut Chance) {
    let extent = what.extent();
    if extent > file.len() && chance.coin() {
        file.resize(extent, 0);
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same crash on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        // The modulus prefers small numbers by less than bound / 2^64.
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}
