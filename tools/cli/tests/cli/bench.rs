//! A folder to work in, and the command to work with.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A temporary folder with a store in it.
pub struct Bench {
    dir: TempDir,
}

/// How a run of the command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// It ended well; what it wrote.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// It ended with this code; what it said.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.err
    }

    /// What it wrote, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Bench {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The command, on the folder's own store.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tracekeep"));
        command.current_dir(self.dir.path()).env("TRACEKEEP_STORE", self.path("store"));
        for variable in ["NO_COLOR", "COLUMNS"] {
            command.env_remove(variable);
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, b"")
    }

    pub fn run_with(&self, args: &[&str], stdin: &[u8]) -> Ran {
        let mut command = self.command();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read may be gone already.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Imports one file that must be sound.
    #[track_caller]
    pub fn import(&self, path: &Path) -> Value {
        let ran = self.run(&["import", "--json", path.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.json()
    }

    /// All spans of the store, sorted.
    #[track_caller]
    pub fn dump(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.run(&["dump"]).ok().lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    }

    /// The spans themselves.
    #[track_caller]
    pub fn spans(&self) -> Vec<Value> {
        let span = |line: &String| {
            let line: Value = serde_json::from_str(line).unwrap();
            line.pointer("/resourceSpans/0/scopeSpans/0/spans/0").unwrap().clone()
        };
        self.dump().iter().map(span).collect()
    }
}

/// The segment in a partition's folder.
pub fn segment_in(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "seg")).unwrap()
}

/// A request of one span of service `shop`, on a line.
pub fn request(trace: u32, span: u32, name: &str) -> String {
    let start = 1_763_800_000_000_000_000 + u64::from(trace) * 1_000_000_000 + u64::from(span);
    let span = json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{span:016x}"),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + 1_500_000).to_string(),
        "attributes": [{ "key": "n", "value": { "intValue": span.to_string() } }],
    });
    let service = json!({ "key": "service.name", "value": { "stringValue": "shop" } });
    json!({ "resourceSpans": [{
        "resource": { "attributes": [service] },
        "scopeSpans": [{ "spans": [span] }],
    }] })
    .to_string()
}

/// Several of these, one a line.
pub fn requests(traces: u32) -> String {
    (1..=traces).map(|n| request(n, n, "get") + "\n").collect()
}

/// A message behind its length.
pub fn frame(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}
