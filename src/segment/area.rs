//! The area: all sections that blocks and queries share, guarded so that a single damaged
//! granule costs nothing.
//!
//! ```text
//! | sections | directory | parity | crc table | crc table, copy |
//! directory = { kind u32, offset u64, length u64 } for each section
//! crc table = crc32 of each granule, crc32 of the parity, crc32 of the table so far
//! ```
//!
//! A granule is 512 to 4096 bytes of sections and directory ([`granule_bytes`]), the last one shorter;
//! the parity is the XOR of all granules, as long as the longest. Whoever reads a granule for the first time checks it;
//! one that fails is rebuilt from all others and the parity, and kept in memory.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::base::checksum::crc32;
use crate::base::error::{Error, Result};
use crate::disk::ReadFile;
use crate::disk::bytes::ByteView;

/// Bytes of a granule of an area of `len` bytes: what a random read has to check at least, and as
/// long as the parity. The smallest power of two, from a disk's sector on, that makes parity and
/// tables cost less than twice as much would: eight bytes of tables a granule.
pub fn granule_bytes(len: usize) -> usize {
    let suits = |granule: &usize| len <= granule * granule / 4;
    [512, 1024, 2048].into_iter().find(suits).unwrap_or(4096)
}

/// Bytes of an entry of the directory.
pub const ENTRY_BYTES: usize = 20;

/// Collects the sections of a segment.
#[derive(Debug, Default)]
pub struct AreaBuilder {
    bytes: Vec<u8>,
    directory: Vec<u8>,
}

impl AreaBuilder {
    /// Appends a section.
    pub fn add(&mut self, kind: u32, section: &[u8]) {
        self.directory.extend_from_slice(&kind.to_le_bytes());
        self.directory.extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
        self.directory.extend_from_slice(&(section.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(section);
    }

    /// All of the area, the length of its sections with the directory, and of the directory.
    pub fn finish(mut self) -> (Vec<u8>, usize, usize) {
        self.bytes.extend_from_slice(&self.directory);
        let len = self.bytes.len();
        let size = granule_bytes(len);
        let mut parity = vec![0; len.min(size)];
        let mut table = Vec::new();
        for granule in self.bytes.chunks(size) {
            table.extend_from_slice(&crc32(granule).to_le_bytes());
            xor(&mut parity, granule);
        }
        table.extend_from_slice(&crc32(&parity).to_le_bytes());
        table.extend_from_slice(&crc32(&table).to_le_bytes());
        let mut out = self.bytes;
        out.extend_from_slice(&parity);
        out.extend_from_slice(&table);
        out.extend_from_slice(&table);
        (out, len, self.directory.len())
    }
}

fn xor(into: &mut [u8], granule: &[u8]) {
    for (byte, other) in into.iter_mut().zip(granule) {
        *byte ^= other;
    }
}

/// Reads the sections of a segment, checking what it touches.
#[derive(Debug)]
pub struct Area {
    file: Arc<dyn ReadFile>,
    offset: u64,
    len: usize,
    /// Bytes of every granule but the last.
    granule: usize,
    /// Checksums of the granules, then of the parity.
    crcs: OnceLock<Vec<u32>>,
    /// A bit for every granule that was found sound.
    checked: Box<[AtomicU64]>,
    repaired: OnceLock<(usize, ByteView)>,
}

impl Area {
    /// The area of `len` bytes at `offset`, which lie inside the file.
    pub fn new(file: Arc<dyn ReadFile>, offset: u64, len: usize) -> Self {
        let granule = granule_bytes(len);
        let words = len.div_ceil(granule).div_ceil(64);
        let checked = (0..words).map(|_| AtomicU64::new(0)).collect();
        Self {
            file,
            offset,
            len,
            granule,
            crcs: OnceLock::new(),
            checked,
            repaired: OnceLock::new(),
        }
    }

    /// The same, if all of it has the checksum `crc`: for a file that has lost the area's own
    /// checksums. `None` if it has another.
    pub fn vouched(
        file: Arc<dyn ReadFile>,
        offset: u64,
        len: usize,
        crc: u32,
    ) -> Result<Option<Self>> {
        let is_sound = crc32(&file.read_at(offset, len)?) == crc;
        let area = Self::new(file, offset, len);
        area.checked.iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
        Ok(is_sound.then_some(area))
    }

    /// Bytes of sections and directory.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many granules it has.
    pub fn granules(&self) -> usize {
        self.len.div_ceil(self.granule)
    }

    /// Where a granule begins.
    pub fn offset_of(&self, granule: usize) -> usize {
        granule * self.granule
    }

    /// The file's bytes behind the area: parity and both tables.
    pub fn guard_bytes(len: usize) -> u64 {
        let granule = granule_bytes(len);
        let tables = (len.div_ceil(granule) + 2) * 4 * 2;
        (len.min(granule) + tables) as u64
    }

    /// Bytes of the parity and of one table.
    pub fn guards(&self) -> [u64; 2] {
        [self.parity_bytes() as u64, (self.granules() as u64 + 2) * 4]
    }

    fn parity_bytes(&self) -> usize {
        self.len.min(self.granule)
    }

    /// A `Corrupt` error at `offset` of the area.
    pub fn corrupt(&self, offset: usize, section: &'static str, detail: &str) -> Error {
        let offset = self.offset.saturating_add(offset as u64);
        Error::corrupt(self.file.path(), offset, section, detail)
    }

    /// The bytes in `range`, checked, and repaired where that was needed and possible.
    pub fn bytes(&self, range: Range<usize>, section: &'static str) -> Result<ByteView> {
        if range.start > range.end || range.end > self.len {
            return Err(self.corrupt(range.start, section, "a range beyond the area"));
        }
        let granules = range.start / self.granule..range.end.div_ceil(self.granule);
        for granule in granules.clone() {
            if !self.is_checked(granule) {
                self.check(granule, section)?;
            }
        }
        match self.repaired.get() {
            Some((granule, _)) if granules.contains(granule) => self.assemble(range),
            _ => self.file.read_at(self.offset + range.start as u64, range.len()),
        }
    }

    /// Puts together bytes of which some had to be rebuilt.
    fn assemble(&self, range: Range<usize>) -> Result<ByteView> {
        let mut out = Vec::with_capacity(range.len());
        let mut at = range.start;
        while at < range.end {
            let granule = at / self.granule;
            let end = range.end.min((granule + 1) * self.granule);
            let within = at - granule * self.granule..end - granule * self.granule;
            out.extend_from_slice(&self.granule(granule)?.slice(within).unwrap_or_default());
            at = end;
        }
        Ok(out.into())
    }

    fn is_checked(&self, granule: usize) -> bool {
        let word = self.checked.get(granule / 64);
        word.is_some_and(|word| word.load(Ordering::Relaxed) >> (granule % 64) & 1 == 1)
    }

    fn place(&self, granule: usize) -> Range<usize> {
        let start = granule * self.granule;
        start..self.len.min(start + self.granule)
    }

    /// A granule as it is to be read: rebuilt, or as it is stored.
    fn granule(&self, granule: usize) -> Result<ByteView> {
        match self.repaired.get() {
            Some((known, bytes)) if *known == granule => Ok(bytes.clone()),
            _ => self.stored(granule),
        }
    }

    fn stored(&self, granule: usize) -> Result<ByteView> {
        let place = self.place(granule);
        self.file.read_at(self.offset + place.start as u64, place.len())
    }

    fn check(&self, granule: usize, section: &'static str) -> Result<()> {
        if !self.is_sound(granule)? {
            self.repair(granule, section)?;
        }
        if let Some(word) = self.checked.get(granule / 64) {
            word.fetch_or(1 << (granule % 64), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether a granule is stored as it was written.
    pub fn is_sound(&self, granule: usize) -> Result<bool> {
        Ok(self.crcs()?.get(granule) == Some(&crc32(&self.stored(granule)?)))
    }

    /// Whether the parity is stored as it was written.
    pub fn is_parity_sound(&self) -> Result<bool> {
        Ok(self.crcs()?.last() == Some(&crc32(&self.parity()?)))
    }

    fn parity(&self) -> Result<ByteView> {
        self.file.read_at(self.offset + self.len as u64, self.parity_bytes())
    }

    fn repair(&self, granule: usize, section: &'static str) -> Result<()> {
        let failed = |at: usize, detail: &str| self.corrupt(at * self.granule, section, detail);
        let lost = || failed(granule, "checksum, and no parity to rebuild it from");
        if self.repaired.get().is_some_and(|(known, _)| *known == granule) {
            return Ok(());
        }
        if self.repaired.get().is_some() || !self.is_parity_sound()? {
            return Err(lost());
        }
        let mut rebuilt = self.parity()?.to_vec();
        for other in (0..self.granules()).filter(|&other| other != granule) {
            let stored = self.stored(other)?;
            if self.crcs()?.get(other) != Some(&crc32(&stored)) {
                return Err(lost());
            }
            xor(&mut rebuilt, &stored);
        }
        rebuilt.truncate(self.place(granule).len());
        if self.crcs()?.get(granule) != Some(&crc32(&rebuilt)) {
            return Err(lost());
        }
        let (known, _) = self.repaired.get_or_init(|| (granule, rebuilt.into()));
        if *known == granule { Ok(()) } else { Err(lost()) }
    }

    /// Where the first table begins in the file, and the bytes of each.
    fn tables(&self) -> (u64, usize) {
        (self.offset + (self.len + self.parity_bytes()) as u64, (self.granules() + 2) * 4)
    }

    /// Which copies of the table are whole.
    pub fn sound_tables(&self) -> Result<[bool; 2]> {
        let (offset, len) = self.tables();
        let mut sound = [false; 2];
        for (copy, sound) in (0..).zip(&mut sound) {
            let table = self.file.read_at(offset + copy * len as u64, len)?;
            *sound = read_table(&table).is_some();
        }
        Ok(sound)
    }

    fn crcs(&self) -> Result<&[u32]> {
        if let Some(crcs) = self.crcs.get() {
            return Ok(crcs);
        }
        let (offset, len) = self.tables();
        for copy in 0..2 {
            let table = self.file.read_at(offset + copy * len as u64, len)?;
            if let Some(crcs) = read_table(&table) {
                return Ok(self.crcs.get_or_init(|| crcs));
            }
        }
        Err(Error::corrupt(self.file.path(), offset, "crc table", "neither copy is whole"))
    }
}

fn read_table(table: &[u8]) -> Option<Vec<u32>> {
    let (crcs, own) = table.split_last_chunk::<4>()?;
    if crc32(crcs) != u32::from_le_bytes(*own) {
        return None;
    }
    let (crcs, _) = crcs.as_chunks::<4>();
    Some(crcs.iter().map(|crc| u32::from_le_bytes(*crc)).collect())
}
