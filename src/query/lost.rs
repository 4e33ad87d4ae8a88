//! Segments that cannot be opened: what the manifest and the id filter know of them still answers
//! for everything that lies elsewhere (P6).

use std::path::PathBuf;

use crate::base::error::{Error, Result};
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::index::bloom::HashedId;
use crate::index::known_values::Dictionary;
use crate::query::ast::Scope;
use crate::query::source::{Candidates, Fragment, ServiceOperation, Source, Visitor};
use crate::query::tag::Tag;
use crate::query::typed::Query;
use crate::segment::{IdFilter, Summary};

/// A published segment whose file is damaged, missing or of another version.
///
/// Whatever may depend on its spans fails with the error that opening it gave; a trace that its
/// id filter excludes, and a range of time in which none of its spans starts, do not.
#[derive(Debug)]
pub struct Lost {
    path: PathBuf,
    error: Error,
    summary: Summary,
    ids: Option<IdFilter>,
}

impl Lost {
    /// The segment at `path`, of which the manifest says `summary`, and which cannot be opened
    /// because of `error`. Without `ids`, it may hold any trace.
    pub fn new(path: PathBuf, error: Error, summary: Summary, ids: Option<IdFilter>) -> Self {
        Self { path, error, summary, ids }
    }

    /// Why it cannot be opened.
    pub fn error(&self) -> Error {
        self.error.clone()
    }
}

impl Source for Lost {
    fn is_segment(&self) -> bool {
        true
    }

    fn starts(&self) -> Option<(Timestamp, Timestamp)> {
        (self.summary.rows > 0).then_some((self.summary.first_start, self.summary.last_start))
    }

    fn find(&self, id: &HashedId, _: &mut Vec<Fragment>) -> Result<()> {
        match &self.ids {
            Some(ids) if !ids.may_contain(id) => Ok(()),
            _ => Err(self.error()),
        }
    }

    fn candidates<'a>(&'a self, _: &'a Query) -> Result<Candidates<'a>> {
        Err(self.error())
    }

    fn fragments(&self, _: &mut dyn FnMut(Fragment)) -> Result<()> {
        Err(self.error())
    }

    fn rows(&self, _: &Fragment, _: &mut Visitor<'_>) -> Result<()> {
        Err(self.error())
    }

    fn scan(&self, _: &mut Visitor<'_>) -> Result<()> {
        Err(self.error())
    }

    fn operations(&self) -> Result<Option<Vec<ServiceOperation>>> {
        Err(self.error())
    }

    fn keys(&self) -> Result<Option<Vec<(Scope, Str)>>> {
        Err(self.error())
    }

    fn dictionaries(&self, _: &Tag) -> Result<Option<Vec<Dictionary>>> {
        Err(self.error())
    }

    fn damaged(&self, detail: &str) -> Error {
        Error::corrupt(&self.path, 0, "rows", detail)
    }
}
