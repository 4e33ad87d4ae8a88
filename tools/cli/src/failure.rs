//! How a command ends when it does not simply succeed.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use tracekeep::{Error, TraceId};

/// The command's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, also when a search found nothing.
    Done,
    /// Failed, or found damage.
    Failed,
    /// Called wrongly.
    Usage,
    /// Done in part.
    Partly,
    /// There is no such trace.
    NoTrace,
    /// The store is locked or busy: try again.
    Busy,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partly => 3,
            Exit::NoTrace => 4,
            Exit::Busy => 75,
        })
    }
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The engine's error.
    Store(Error),
    /// Reading an input or writing an output failed.
    Io(String, io::Error),
    /// A file to import is malformed.
    Input(BadInput),
    /// There is no such trace.
    NoTrace(TraceId),
    /// There is no store at this path.
    NoStore(PathBuf),
    /// The arguments do not make sense together, or to the query parser.
    Usage(String),
}

/// What is malformed in an input, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInput {
    /// The file; `-` is stdin.
    pub file: PathBuf,
    /// The line, from 1, where the file consists of lines.
    pub line: Option<u64>,
    /// The byte, in the decompressed file, from 0.
    pub offset: u64,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "byte {}: {}", self.offset, self.message)
    }
}

impl Failure {
    /// That of a question: what cannot be asked is a wrong call.
    pub fn of_question(error: Error) -> Self {
        match error {
            Error::InvalidInput { message, .. } => Self::Usage(message),
            other => other.into(),
        }
    }

    /// The exit code that tells this kind.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Store(Error::Locked { .. } | Error::Busy) => Exit::Busy,
            Self::Store(Error::Query { .. }) | Self::Usage(_) => Exit::Usage,
            Self::NoTrace(_) => Exit::NoTrace,
            Self::Store(_) | Self::NoStore(_) | Self::Io(..) | Self::Input(_) => Exit::Failed,
        }
    }

    /// Whether output failed only because nobody reads it any more.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Says on stderr what went wrong.
    pub fn report(&self, json: bool) {
        let text = if json {
            let (file, offset) = self.place();
            let file = file.map(|file| file.to_string_lossy());
            let error = json!({
                "kind": self.kind(),
                "message": self.to_string(),
                "file": file,
                "offset": offset,
            });
            json!({ "error": error }).to_string()
        } else {
            format!("tracekeep: {}", crate::text::shown(&self.to_string()))
        };
        note(&text);
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::Io(..) => "Io",
            Self::Input(_) => "InvalidInput",
            Self::NoTrace(_) => "NoTrace",
            Self::NoStore(_) => "NotFound",
            Self::Usage(_) => "Usage",
        }
    }

    fn place(&self) -> (Option<&PathBuf>, Option<u64>) {
        match self {
            Self::Store(Error::Corrupt { file, offset, .. }) => (Some(file), Some(*offset)),
            Self::Store(Error::Version { file: path, .. } | Error::NotFound { path })
            | Self::Store(Error::NoSpace { path } | Error::Io { path, .. }) => (Some(path), None),
            Self::Input(bad) => (Some(&bad.file), Some(bad.offset)),
            Self::NoStore(path) => (Some(path), None),
            _ => (None, None),
        }
    }
}

/// A line on stderr. Nobody is left to tell if that is gone.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => fmt::Display::fmt(error, f),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Input(bad) => fmt::Display::fmt(bad, f),
            Self::NoTrace(id) => write!(f, "there is no trace {id}"),
            Self::NoStore(path) => write!(
                f,
                "there is no store at {}: `tracekeep import` or `tracekeep demo` makes one",
                path.display()
            ),
            Self::Usage(text) => f.write_str(text),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// A failure of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io("cannot write the output".into(), error)
    }
}

/// What a command returns.
pub type Result<T = Exit> = std::result::Result<T, Failure>;
