//! The one error type: what went wrong, where, and what the caller can do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an operation failed, and what to do next.
///
/// Cheap to clone, since one failed group commit answers many callers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// Flushing or merging has fallen behind and the store was told not to wait. Try again later.
    Busy,
    /// The file system has less than `Options::min_free_bytes` left. Nothing was written; free
    /// space and try again: the store resumes by itself.
    NoSpace {
        /// Where space is short.
        path: PathBuf,
    },
    /// The caller's bytes or arguments are malformed. Nothing was written.
    InvalidInput {
        /// What is wrong, and what would be right.
        message: String,
        /// Byte offset in the input, where one is known.
        position: Option<u64>,
    },
    /// A query text that does not parse.
    Query {
        /// Byte offset in the query text.
        position: usize,
        /// What would have been accepted there.
        expected: String,
    },
    /// Stored bytes are damaged. Other data stays readable; `tracekeep verify` lists all damage.
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where in the file.
        offset: u64,
        /// Which part of the file.
        section: &'static str,
        /// What does not hold.
        detail: String,
    },
    /// A file of a format version that this build does not read. Use a matching release.
    Version {
        /// The file.
        file: PathBuf,
        /// The version it states.
        found: u32,
        /// The newest version this build reads.
        reads: u32,
    },
    /// Another process has the store open for writing. Use a `Reader`, or wait.
    Locked {
        /// Who holds the lock, as far as known.
        by: String,
    },
    /// There is nothing at this path.
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// A documented limit would be exceeded.
    Limit {
        /// Which limit, and its value.
        what: String,
    },
    /// The deadline passed first.
    Timeout,
    /// The caller cancelled the operation.
    Cancelled,
    /// The store was opened for reading only.
    ReadOnly,
    /// The store has been closed.
    Closed,
    /// An earlier write could not be made durable, so later writes are refused. Reads go on;
    /// reopening the store recovers what was acknowledged.
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// The operating system refused.
    Io {
        /// What was attempted.
        operation: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },
}

/// A result whose error is [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidInput { message: message.into(), position: None }
    }

    pub(crate) fn invalid_at(position: u64, message: impl Into<String>) -> Self {
        Self::InvalidInput { message: message.into(), position: Some(position) }
    }

    pub(crate) fn corrupt(
        file: &Path,
        offset: u64,
        section: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self::Corrupt { file: file.to_path_buf(), offset, section, detail: detail.into() }
    }

    /// Wraps a system error; a full disk becomes `NoSpace`, a missing file `NotFound`.
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { path: path.to_path_buf() }
            }
            io::ErrorKind::NotFound => Self::NotFound { path: path.to_path_buf() },
            _ => Self::Io { operation, path: path.to_path_buf(), source: Arc::new(source) },
        }
    }

    /// Whether the same call may succeed later without any change by the caller.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy | Self::NoSpace { .. } | Self::Locked { .. } | Self::Timeout)
    }

    /// The variant's name, as it appears in machine-readable output.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Busy => "Busy",
            Self::NoSpace { .. } => "NoSpace",
            Self::InvalidInput { .. } => "InvalidInput",
            Self::Query { .. } => "Query",
            Self::Corrupt { .. } => "Corrupt",
            Self::Version { .. } => "Version",
            Self::Locked { .. } => "Locked",
            Self::NotFound { .. } => "NotFound",
            Self::Limit { .. } => "Limit",
            Self::Timeout => "Timeout",
            Self::Cancelled => "Cancelled",
            Self::ReadOnly => "ReadOnly",
            Self::Closed => "Closed",
            Self::Poisoned { .. } => "Poisoned",
            Self::Io { .. } => "Io",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the store is behind with flushing; try again later"),
            Self::NoSpace { path } => {
                write!(f, "no space left at {}; free some and try again", path.display())
            }
            Self::InvalidInput { message, position: None } => f.write_str(message),
            Self::InvalidInput { message, position: Some(at) } => {
                write!(f, "at byte {at}: {message}")
            }
            Self::Query { position, expected } => {
                write!(f, "query, at byte {position}: expected {expected}")
            }
            Self::Corrupt { file, offset, section, detail } => {
                write!(f, "{}: damaged at byte {offset}, in {section}: {detail}", file.display())
            }
            Self::Version { file, found, reads } => write!(
                f,
                "{}: format version {found}, but this build reads up to {reads}",
                file.display()
            ),
            Self::Locked { by } => write!(
                f,
                "the store is open for writing elsewhere ({by}); read it with a Reader, or wait"
            ),
            Self::NotFound { path } => write!(f, "there is nothing at {}", path.display()),
            Self::Limit { what } => write!(f, "limit exceeded: {what}"),
            Self::Timeout => {
                f.write_str("the time that was given has passed; allow more, or ask for less")
            }
            Self::Cancelled => f.write_str("cancelled"),
            Self::ReadOnly => f.write_str("the store is open for reading only"),
            Self::Closed => f.write_str("the store has been closed"),
            Self::Poisoned { cause } => write!(
                f,
                "an earlier write failed ({cause}); reads go on, reopen the store to write again"
            ),
            Self::Io { operation, path, source } => {
                write!(f, "cannot {operation} {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}
