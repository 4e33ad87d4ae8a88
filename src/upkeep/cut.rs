//! Cut: spans from anywhere in a store, as one segment file of their own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::model::{ResourceContext, ScopeContext, TraceSpan};
use crate::base::time::Timestamp;
use crate::base::wire::{encode_resource_context, encode_scope_context};
use crate::disk::{Disk, names};
use crate::segment::{SegmentBuilder, SegmentOptions};
use crate::upkeep::gathered::Gathered;
use crate::upkeep::sink::write_file;

/// What may be gathered for one file: some million spans. The segment takes as much again while
/// it is built.
const MAX_GATHERED_BYTES: usize = 1 << 30;

/// Collects spans in any order.
#[derive(Debug)]
pub struct Cut {
    builder: SegmentBuilder,
    traces: HashMap<TraceId, (Timestamp, Gathered)>,
    /// Codes by the context's address, which the context itself keeps from being reused.
    resources: HashMap<usize, (Arc<ResourceContext>, u32)>,
    scopes: HashMap<usize, (Arc<ScopeContext>, u32)>,
    spans: u64,
    bytes: usize,
}

impl Cut {
    /// Of nothing yet.
    pub fn new(options: SegmentOptions) -> Self {
        Self {
            builder: SegmentBuilder::new(options),
            traces: HashMap::new(),
            resources: HashMap::new(),
            scopes: HashMap::new(),
            spans: 0,
            bytes: 0,
        }
    }

    /// Adds a span.
    ///
    /// # Errors
    /// `Limit` if that is more than fits one file.
    pub fn add(&mut self, span: &TraceSpan) -> Result<()> {
        let resource = self.resource(&span.resource)?;
        let scope = self.scope(&span.scope)?;
        let view = span.span.view()?;
        let fresh = || (view.start, Gathered::default());
        let (start, gathered) = self.traces.entry(view.trace_id).or_insert_with(fresh);
        *start = view.start.min(*start);
        let before = gathered.memory_bytes();
        gathered.add(resource, scope, &view);
        self.bytes += gathered.memory_bytes() - before;
        self.spans += 1;
        if self.bytes > MAX_GATHERED_BYTES {
            let what = "a single segment file of so many spans; restrict the query or its time";
            return Err(Error::Limit { what: what.into() });
        }
        Ok(())
    }

    fn resource(&mut self, context: &Arc<ResourceContext>) -> Result<u32> {
        let address = Arc::as_ptr(context) as usize;
        if let Some((_, code)) = self.resources.get(&address) {
            return Ok(*code);
        }
        let mut bytes = Vec::new();
        encode_resource_context(context, &mut bytes)?;
        let code = self.builder.resource(&bytes)?;
        self.resources.insert(address, (Arc::clone(context), code));
        Ok(code)
    }

    fn scope(&mut self, context: &Arc<ScopeContext>) -> Result<u32> {
        let address = Arc::as_ptr(context) as usize;
        if let Some((_, code)) = self.scopes.get(&address) {
            return Ok(*code);
        }
        let mut bytes = Vec::new();
        encode_scope_context(context, &mut bytes)?;
        let code = self.builder.scope(&bytes)?;
        self.scopes.insert(address, (Arc::clone(context), code));
        Ok(code)
    }

    /// Writes the file, which appears whole or not at all, and says how many spans are in it.
    ///
    /// # Errors
    /// `InvalidInput` if there is such a file, or nothing to put into it.
    pub fn write(mut self, disk: &dyn Disk, path: &Path) -> Result<u64> {
        if disk.exists(path)? {
            let message = format!("{} exists already: nothing was written", path.display());
            return Err(Error::invalid(message));
        }
        if self.spans == 0 {
            return Err(Error::invalid("no span to write: a segment file holds at least one"));
        }
        let mut traces: Vec<_> = self.traces.into_iter().collect();
        traces.sort_unstable_by_key(|(id, (start, _))| (*start, *id));
        for (id, (_, gathered)) in traces {
            gathered.emit(id, &mut self.builder)?;
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("cut");
        write_file(disk, self.builder, &folder(path).join(names::tmp(name)), path)?;
        Ok(self.spans)
    }
}

fn folder(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_path_buf()
}
