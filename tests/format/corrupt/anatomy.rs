//! A segment taken apart, and put together again with checksums that hold.

use crate::recipe::one as golden;

pub const HEADER: usize = 64;
pub const FOOTER: usize = 128;

/// Kinds of sections.
pub const MODELS: u32 = 1;
pub const CONTEXTS: u32 = 2;
pub const PAGES: u32 = 3;
pub const BLOCKS: u32 = 4;
pub const TRACES: u32 = 5;
pub const IDS: u32 = 6;
pub const BLOOM: u32 = 7;
pub const TERMS: u32 = 8;
pub const OPERATIONS: u32 = 9;
pub const ZONES: u32 = 10;
pub const PEAKS: u32 = 11;
pub const STATISTICS: u32 = 12;
pub const SKETCHES: u32 = 13;
pub const DICTIONARIES: u32 = 14;

/// Those that are zstd frames.
const FRAMES: [u32; 7] = [MODELS, PAGES, BLOCKS, OPERATIONS, PEAKS, STATISTICS, SKETCHES];

/// A segment's parts.
#[derive(Clone)]
pub struct Parts {
    pub header: Vec<u8>,
    pub blocks: Vec<u8>,
    pub pages: Vec<u8>,
    /// Kind and stored bytes of each section.
    pub sections: Vec<(u32, Vec<u8>)>,
    pub block_rows: u32,
    pub summary: [u64; 8],
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Puts the crc32 of all but the last four bytes there.
pub fn seal(bytes: &mut [u8]) {
    let (checked, crc) = bytes.split_at_mut(bytes.len() - 4);
    crc.copy_from_slice(&crc32fast::hash(checked).to_le_bytes());
}

impl Parts {
    /// The parts of the golden segment of that name.
    pub fn of(name: &str) -> Self {
        let bytes = golden(name);
        let footer = &bytes[bytes.len() - FOOTER..];
        let [pages, area, area_bytes] = [16, 24, 32].map(|at| u64_at(footer, at) as usize);
        let directory = area + area_bytes - u32_at(footer, 12) as usize;
        let entries = bytes[directory..area + area_bytes].chunks(20);
        let section = |entry: &[u8]| {
            let [at, len] = [4, 12].map(|at| u64_at(entry, at) as usize);
            (u32_at(entry, 0), bytes[area + at..area + at + len].to_vec())
        };
        let parts = Self {
            header: bytes[..HEADER].to_vec(),
            blocks: bytes[HEADER..pages].to_vec(),
            pages: bytes[pages..area - FOOTER].to_vec(),
            sections: entries.map(section).collect(),
            block_rows: u32_at(footer, 40),
            summary: std::array::from_fn(|number| u64_at(footer, 48 + 8 * number)),
        };
        assert!(parts.seal() == bytes, "{name} is put together otherwise");
        parts
    }

    pub fn section(&mut self, kind: u32) -> &mut Vec<u8> {
        &mut self.sections.iter_mut().find(|(own, _)| *own == kind).unwrap().1
    }

    /// A section's content, of one that is stored as a zstd frame.
    pub fn unpacked(&mut self, kind: u32) -> Vec<u8> {
        let vocabulary = self.vocabulary();
        let mut decoder = zstd::bulk::Decompressor::with_dictionary(&vocabulary).unwrap();
        decoder.decompress(self.section(kind), 1 << 24).unwrap()
    }

    /// With other dictionaries, to which no frame refers.
    pub fn with_dictionaries(&self, stored: Vec<u8>) -> Self {
        let mut parts = self.clone();
        for kind in FRAMES {
            let content = parts.unpacked(kind);
            parts = parts.with_packed(kind, &content);
        }
        parts.with(DICTIONARIES, stored)
    }

    /// The raw bytes of the first page of section 14.
    fn vocabulary(&mut self) -> Vec<u8> {
        let mut rest = self.section(DICTIONARIES).as_slice();
        let mut number = || {
            let end = rest.iter().position(|byte| byte & 0x80 == 0).unwrap();
            let (varint, behind) = rest.split_at(end + 1);
            rest = behind;
            varint.iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f))
        };
        let pages: Vec<(usize, usize)> = (0..number()).map(|_| (number(), number())).collect();
        match pages.first() {
            None => Vec::new(),
            Some(&(raw, stored)) if raw == stored => rest[..stored].to_vec(),
            Some(&(_, stored)) => zstd::decode_all(&rest[..stored]).unwrap(),
        }
    }

    /// With other stored bytes for a section.
    pub fn with(&self, kind: u32, stored: Vec<u8>) -> Self {
        let mut parts = self.clone();
        *parts.section(kind) = stored;
        parts
    }

    /// With other content for a section that is a zstd frame.
    pub fn with_packed(&self, kind: u32, content: &[u8]) -> Self {
        self.with(kind, frame(content))
    }

    /// With the content of a section changed.
    pub fn changed(&self, kind: u32, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut parts = self.clone();
        change(parts.section(kind));
        parts
    }

    /// The same for one that is a zstd frame.
    pub fn changed_packed(&self, kind: u32, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut parts = self.clone();
        let mut content = parts.unpacked(kind);
        change(&mut content);
        parts.with_packed(kind, &content)
    }

    /// The file.
    pub fn seal(&self) -> Vec<u8> {
        self.seal_with(|_| {}, |_| {})
    }

    /// The file, after a change to the directory and one to the footer: all checksums hold.
    pub fn seal_with(
        &self,
        directory: impl FnOnce(&mut Vec<u8>),
        footer: impl FnOnce(&mut [u8]),
    ) -> Vec<u8> {
        let mut area = Vec::new();
        let mut entries = Vec::new();
        for (kind, bytes) in &self.sections {
            entries.extend(kind.to_le_bytes());
            entries.extend((area.len() as u64).to_le_bytes());
            entries.extend((bytes.len() as u64).to_le_bytes());
            area.extend(bytes);
        }
        directory(&mut entries);
        area.extend(&entries);
        let guards = guards(&area);

        let mut file = [self.header.as_slice(), &self.blocks, &self.pages].concat();
        let pages = HEADER + self.blocks.len();
        let len = file.len() + 3 * FOOTER + area.len() + guards.len();
        let mut foot = b"TKEEPEND".to_vec();
        foot.extend(&self.header[8..12]);
        foot.extend((entries.len() as u32).to_le_bytes());
        foot.extend((pages as u64).to_le_bytes());
        foot.extend(((file.len() + FOOTER) as u64).to_le_bytes());
        foot.extend((area.len() as u64).to_le_bytes());
        foot.extend(self.block_rows.to_le_bytes());
        foot.extend(crc32fast::hash(&area).to_le_bytes());
        foot.extend(self.summary[..7].iter().flat_map(|number| number.to_le_bytes()));
        foot.extend((len as u64).to_le_bytes());
        foot.resize(FOOTER, 0);
        footer(&mut foot);
        seal(&mut foot);
        file.extend(&foot);
        file.extend(&area);
        file.extend(&guards);
        file.extend(foot.repeat(2));
        file
    }
}

/// Bytes of a granule of an area of this length.
pub fn granule(len: usize) -> usize {
    *[512, 1024, 2048].iter().find(|&&g| len <= g * g / 4).unwrap_or(&4096)
}

/// Parity and both crc tables of an area.
fn guards(area: &[u8]) -> Vec<u8> {
    let granule = granule(area.len());
    let mut parity = vec![0u8; area.len().min(granule)];
    let mut table = Vec::new();
    for granule in area.chunks(granule) {
        table.extend(crc32fast::hash(granule).to_le_bytes());
        parity.iter_mut().zip(granule).for_each(|(byte, other)| *byte ^= other);
    }
    table.extend(crc32fast::hash(&parity).to_le_bytes());
    table.extend(crc32fast::hash(&table).to_le_bytes());
    [parity, table.clone(), table].concat()
}

/// A zstd frame that states its size.
pub fn frame(content: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(content, 3).unwrap()
}

/// A zstd frame without content that states any size (RFC 8878, 3.1.1: a single segment, eight
/// bytes of size, one empty raw block).
pub fn lying_frame(states: u64) -> Vec<u8> {
    [&[0x28, 0xb5, 0x2f, 0xfd, 0b1110_0000], &states.to_le_bytes()[..], &[1, 0, 0]].concat()
}
