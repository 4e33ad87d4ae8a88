//! Writes the file from its beginning: header, blocks, pages, and what follows.

use std::io;

use crate::base::error::Result;
use crate::block::apart::Kind;
use crate::block::pages::{PageDirectory, PagePlan, PageWriter};
use crate::block::slots::{PoolUse, Pools};
use crate::disk::executor::Executor;
use crate::segment::blocks::Source;
use crate::segment::finish::io_error;
use crate::segment::footer::HEADER_BYTES;

/// The file being written, and its pages, which wait in memory until the blocks are out.
pub(super) struct Writer<'a> {
    out: &'a mut dyn io::Write,
    /// Bytes written so far.
    pub len: u64,
    pages: PageWriter,
    stored: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// `vocabulary` is what pages may repeat.
    pub fn new(out: &'a mut dyn io::Write, vocabulary: &[u8], plan: PagePlan) -> Result<Self> {
        let pages = PageWriter::after(vocabulary, plan).map_err(io_error)?;
        Ok(Self { out, len: 0, pages, stored: Vec::new() })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.len += bytes.len() as u64;
        self.out.write_all(bytes).map_err(io_error)
    }

    /// Puts the values that rows share into pages.
    pub fn share_records(&mut self, mut uses: Vec<PoolUse>, pools: &Pools) -> Result<Vec<PoolUse>> {
        for (pool_use, (_, pool)) in uses.iter_mut().zip(pools.iter()) {
            if let PoolUse::Shared(first) = pool_use {
                *first = self.pages.records();
                for number in 0..pool.len() {
                    self.pages
                        .push(Kind::Other, pool.get(number), &mut self.stored)
                        .map_err(io_error)?;
                }
            }
        }
        Ok(uses)
    }

    /// Writes the blocks, and puts into pages what belongs there; where each block ends.
    pub fn blocks(&mut self, source: Source<'_>, executor: &dyn Executor) -> Result<Vec<u64>> {
        let mut ends = Vec::new();
        for encoded in source.encode(self.pages.records(), executor)? {
            let begin = self.len - HEADER_BYTES as u64;
            ends.extend(encoded.ends.iter().map(|&end| begin + end as u64));
            self.write(&encoded.bytes)?;
        }
        let (pages, stored) = (&mut self.pages, &mut self.stored);
        source.records(&mut |kind, bytes| {
            pages.push(kind, bytes, stored).map(drop).map_err(io_error)
        })?;
        Ok(ends)
    }

    /// Writes the pages.
    pub fn pages(&mut self) -> Result<PageDirectory> {
        let directory = self.pages.finish(&mut self.stored).map_err(io_error)?;
        let stored = std::mem::take(&mut self.stored);
        self.write(&stored)?;
        Ok(directory)
    }
}
