//! OTLP requests, protobuf: validated, made canonical, indexed span by span.
//!
//! ```text
//! request --gather--> all canonical and accepted? --yes--> payload = the bytes as they came
//!                                                \--no---> payload = written anew
//! ```
//!
//! What exporters send is canonical already, or nearly so, and one pass over it checks all that a
//! protobuf decoder would, finds each span's place, id and times, and builds nothing else.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_REQUEST_BYTES;
use crate::ingest::batch::{Batch, Payload, SpanKey};
use crate::ingest::contexts::Contexts;
use crate::ingest::gather::Gather;

/// What became of the spans of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// Spans that were stored.
    pub accepted: u64,
    /// Spans that are invalid, or outside the window under `Reject`.
    pub rejected: u64,
    /// Spans outside the window under `Quarantine`: durable, but apart.
    pub quarantined: u64,
    /// Spans that sampling at the door left out.
    pub sampled_out: u64,
    /// Why the first rejected span was.
    pub first_rejection: Option<String>,
}

/// Whether a valid span is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is stored.
    Accept,
    /// It is refused, for this reason.
    Reject(&'static str),
    /// It is not stored here, and that is nobody's fault.
    LeaveOut,
}

/// A request ready to be logged.
#[derive(Debug)]
pub struct Prepared {
    /// What to answer once the batch is logged.
    pub appended: Appended,
    /// The accepted spans; nothing is to be logged if there are none.
    pub batch: Batch,
}

/// Validates a request and makes it canonical.
///
/// Bytes that are no protobuf of an `ExportTraceServiceRequest` fail as a whole, with the position
/// of what is wrong. A span with an id of a wrong length is rejected alone, as is one that
/// `admit`, asked once about each valid span, does not accept.
pub fn prepare(
    request: &[u8],
    contexts: &Contexts,
    admit: &dyn Fn(&SpanKey) -> Admission,
) -> Result<Prepared> {
    prepare_kept(request, &|| Arc::new(request.to_vec()), contexts, admit)
}

/// The same; a request that is kept as it came is kept without a copy.
pub fn prepare_shared(
    request: &Payload,
    contexts: &Contexts,
    admit: &dyn Fn(&SpanKey) -> Admission,
) -> Result<Prepared> {
    prepare_kept(request, &|| Arc::clone(request), contexts, admit)
}

fn prepare_kept(
    request: &[u8],
    keep: &dyn Fn() -> Payload,
    contexts: &Contexts,
    admit: &dyn Fn(&SpanKey) -> Admission,
) -> Result<Prepared> {
    check_size(request.len())?;
    let gathered = Gather::new(contexts, admit).request(request)?;
    let (appended, batch) = gathered.finish(request, keep)?;
    check_size(batch.payload().len())?;
    Ok(Prepared { appended, batch })
}

/// The batch of a payload that [`prepare`] made, the same as it was then.
pub fn replay(payload: &[u8], contexts: &Contexts) -> Result<Batch> {
    let gathered = Gather::new(contexts, &|_| Admission::Accept).request(payload)?;
    let (appended, batch) = gathered.finish(payload, || Arc::new(payload.to_vec()))?;
    match appended.first_rejection {
        Some(why) => Err(Error::invalid(format!("a logged span that was never accepted: {why}"))),
        None => Ok(batch),
    }
}

/// Refuses what is too large to be looked at.
pub fn check_size(len: usize) -> Result<()> {
    if len > MAX_REQUEST_BYTES {
        let what = format!("a request of {len} bytes, at most {MAX_REQUEST_BYTES} are accepted");
        return Err(Error::Limit { what });
    }
    Ok(())
}
