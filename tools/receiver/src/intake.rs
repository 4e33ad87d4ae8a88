//! Where both protocols hand over requests.

use tracekeep::{Appended, Error, Store};

use crate::answer::Refused;

/// The largest request that is read, unpacked: the store's own limit is far above what exporters
/// send, and a request is held whole.
pub const MAX_REQUEST_BYTES: usize = 64 << 20;

/// How the bytes of a request are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// An `ExportTraceServiceRequest` in protobuf.
    Protobuf,
    /// The same as OTLP/JSON.
    Json,
}

/// Stores requests. Open its store with [`OnFull::Reject`](tracekeep::OnFull::Reject): clients
/// wait better than servers do.
#[derive(Clone, Debug)]
pub struct Intake {
    store: Store,
}

impl Intake {
    /// Stores into `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Stores a request and answers once it is durable.
    ///
    /// Checking the bytes takes processor time, and the store may hold a caller up for some
    /// milliseconds while it is nearly full: so that happens beside the threads that serve
    /// connections. The commit itself is awaited, and takes none.
    pub async fn store(&self, request: Vec<u8>, encoding: Encoding) -> Result<Appended, Refused> {
        let store = self.store.clone();
        let submitted = tokio::task::spawn_blocking(move || match encoding {
            Encoding::Protobuf => store.submit_otlp(request),
            Encoding::Json => store.submit_otlp_json(&request),
        });
        // The task ends early only if it panics or the runtime goes.
        let commit = submitted.await.map_err(|_| Error::Cancelled)??;
        Ok(commit.await?)
    }
}
