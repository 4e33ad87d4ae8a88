//! The directory of the area, and one section of it as the index room reads it.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_REQUEST_BYTES;
use crate::block::pages::{decompress, stated_size};
use crate::disk::bytes::ByteView;
use crate::index::source::Source;
use crate::segment::area::{Area, ENTRY_BYTES};
use crate::segment::kind;

/// One section.
#[derive(Clone, Debug)]
pub struct Section {
    area: Arc<Area>,
    /// Its kind.
    pub kind: u32,
    /// Its kind's name.
    pub name: &'static str,
    /// Where it lies in the area.
    pub offset: usize,
    /// Its bytes.
    pub len: usize,
}

impl Source for Section {
    fn len(&self) -> usize {
        self.len
    }

    fn bytes(&self, offset: usize, len: usize) -> Result<ByteView> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => {
                self.area.bytes(self.offset + offset..self.offset + end, self.name)
            }
            _ => Err(self.corrupt(offset, "a range beyond the section")),
        }
    }

    fn corrupt(&self, offset: usize, detail: &str) -> Error {
        self.area.corrupt(self.offset.saturating_add(offset), self.name, detail)
    }
}

impl Section {
    /// All of its bytes.
    pub fn all(&self) -> Result<ByteView> {
        self.bytes(0, self.len)
    }

    /// All of its bytes, decompressed; `vocabulary` is the frame's dictionary.
    pub fn unpacked(&self, vocabulary: &[u8]) -> Result<Vec<u8>> {
        let stored = self.all()?;
        let len = stated_size(&stored).filter(|&len| len <= MAX_REQUEST_BYTES);
        let len = len.ok_or_else(|| self.corrupt(0, "no size, or one beyond all limits"))?;
        let unpacked = decompress(vocabulary, &stored, len);
        unpacked.ok_or_else(|| self.corrupt(0, "compression"))
    }

    /// Its content, decompressed, as a section whose errors say where it stands in the file.
    pub fn unpacked_source(&self, vocabulary: &[u8]) -> Result<Arc<dyn Source>> {
        let content = self.unpacked(vocabulary)?.into();
        Ok(Arc::new(Unpacked { content, section: self.clone() }))
    }
}

/// The content of a section that is stored compressed.
#[derive(Debug)]
struct Unpacked {
    content: ByteView,
    section: Section,
}

impl Source for Unpacked {
    fn len(&self) -> usize {
        self.content.len()
    }

    fn bytes(&self, offset: usize, len: usize) -> Result<ByteView> {
        let range = offset..offset.saturating_add(len);
        self.content.slice(range).ok_or_else(|| self.corrupt(offset, "missing bytes"))
    }

    fn corrupt(&self, offset: usize, detail: &str) -> Error {
        self.section.corrupt(0, &format!("{detail}, at byte {offset} of its content"))
    }
}

/// Where all sections lie.
#[derive(Debug)]
pub struct Directory {
    sections: Vec<(u32, Section)>,
}

impl Directory {
    /// Reads the last `bytes` bytes of the area.
    pub fn read(area: &Arc<Area>, bytes: usize) -> Result<Self> {
        let start = area.len().saturating_sub(bytes);
        let stored = area.bytes(start..area.len(), "directory")?;
        let (entries, rest) = stored.as_chunks::<ENTRY_BYTES>();
        let mut sections = Vec::with_capacity(entries.len());
        for entry in entries {
            let (number, place) = entry.split_at(4);
            let (offset, len) = place.split_at(8);
            let section = u64_of(offset).zip(u64_of(len)).and_then(|(offset, len)| {
                let end = offset.checked_add(len)?;
                let inside = end <= start as u64;
                inside.then_some((offset as usize, len as usize))
            });
            let number = number.try_into().map_or(0, u32::from_le_bytes);
            let (offset, len) = section
                .ok_or_else(|| area.corrupt(start, "directory", "a section beyond the area"))?;
            let name = kind::name(number);
            if sections.iter().any(|(known, _)| *known == number) {
                return Err(area.corrupt(start, "directory", "a kind of section twice"));
            }
            sections.push((
                number,
                Section { area: Arc::clone(area), kind: number, name, offset, len },
            ));
        }
        if !rest.is_empty() {
            return Err(area.corrupt(start, "directory", "half an entry"));
        }
        let mut places: Vec<_> =
            sections.iter().map(|(_, s): &(u32, Section)| (s.offset, s.offset + s.len)).collect();
        places.sort_unstable();
        if places.windows(2).any(|pair| matches!(pair, [(_, end), (begin, _)] if end > begin)) {
            return Err(area.corrupt(start, "directory", "sections that share bytes"));
        }
        Ok(Self { sections })
    }

    /// The section of a kind.
    pub fn get(&self, number: u32) -> Result<&Section> {
        let found = self.sections.iter().find(|(known, _)| *known == number);
        found.map(|(_, section)| section).ok_or_else(|| {
            let first = self.sections.first().map(|(_, section)| section);
            let detail = format!("no section of {}", kind::name(number));
            match first {
                Some(section) => section.area.corrupt(section.area.len(), "directory", &detail),
                None => Error::invalid(detail),
            }
        })
    }

    /// All sections, in order.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().map(|(_, section)| section)
    }
}

fn u64_of(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use crate::segment::kind;

    /// These numbers are on disk.
    #[test]
    fn kinds_are_pinned() {
        let kinds = [
            kind::MODELS,
            kind::CONTEXTS,
            kind::PAGES,
            kind::BLOCKS,
            kind::TRACES,
            kind::IDS,
            kind::BLOOM,
            kind::TERMS,
            kind::OPERATIONS,
            kind::ZONES,
            kind::PEAKS,
            kind::STATISTICS,
            kind::SKETCHES,
            kind::DICTIONARIES,
        ];
        assert!(kinds.into_iter().eq(1..=14));
        assert!(kinds.into_iter().all(|number| kind::name(number) != kind::name(0)));
    }
}
