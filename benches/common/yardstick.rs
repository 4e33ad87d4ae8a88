//! What the figures are measured against: the `zstd` command on the raw file.
//!
//! Where the command is not installed, or the system does not tell what a child used, the bench runs
//! itself as a child that compresses with the zstd crate and reports its own time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::raw::Raw;
use crate::common::{Outcome, cpu};

/// What compressing took.
pub struct Compressed {
    /// CPU time, user and system.
    pub cpu: Duration,
    /// Size of the outcome.
    pub bytes: u64,
    /// Who compressed.
    pub by: String,
}

/// Must be the first call of a bench's `main`: in a child, does the child's work and ends it.
pub fn be_child_if_asked() -> Outcome {
    let args: Vec<String> = std::env::args().collect();
    let [_, flag, level, path] = args.as_slice() else { return Ok(()) };
    if flag != "--compress" {
        return Ok(());
    }
    let (bytes, cpu) = cpu::of(|| compress(Path::new(path), level.parse()?));
    println!("{} {}", cpu.as_nanos(), bytes?);
    std::process::exit(0)
}

/// `zstd -1` of the raw file.
pub fn zstd_1(raw: &Raw) -> Outcome<Compressed> {
    let out = raw.path.with_extension("zst1");
    let before = cpu::used_by_children();
    let ran = run_zstd(&["-1", "--single-thread"], &raw.path, &out);
    let result = match (ran, before, cpu::used_by_children()) {
        (true, Some(before), Some(after)) => Compressed {
            cpu: after.saturating_sub(before),
            bytes: fs::metadata(&out)?.len(),
            by: "zstd -1".into(),
        },
        _ => in_child(&raw.path, 1)?,
    };
    let _ = fs::remove_file(out);
    Ok(result)
}

/// The size that `zstd -19 --long=27` leaves of the raw file; computed once for each work.
pub fn zstd_19_bytes(raw: &Raw) -> Outcome<u64> {
    let cached = raw.path.with_extension("zst19-bytes");
    if let Ok(text) = fs::read_to_string(&cached) {
        return Ok(text.parse()?);
    }
    eprintln!("zstd -19 --long=27 of {} bytes: takes minutes, once", raw.bytes);
    let out = raw.path.with_extension("zst19");
    let bytes = if run_zstd(&["-19", "--long=27"], &raw.path, &out) {
        fs::metadata(&out)?.len()
    } else {
        in_child(&raw.path, 19)?.bytes
    };
    let _ = fs::remove_file(out);
    fs::write(cached, bytes.to_string())?;
    Ok(bytes)
}

/// Whether the command is there and succeeded.
fn run_zstd(options: &[&str], from: &Path, to: &Path) -> bool {
    let mut command = Command::new("zstd");
    command.args(options).args(["-q", "-f", "-o"]).arg(to).arg(from);
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn in_child(path: &Path, level: i32) -> Outcome<Compressed> {
    let mut child = Command::new(std::env::current_exe()?);
    let output = child.arg("--compress").arg(level.to_string()).arg(path).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (nanos, bytes) = text.trim().split_once(' ').ok_or("the compressing child failed")?;
    let cpu = Duration::from_nanos(nanos.parse()?);
    Ok(Compressed { cpu, bytes: bytes.parse()?, by: format!("zstd crate, level {level}") })
}

fn compress(path: &Path, level: i32) -> Outcome<u64> {
    /// Counts what is written.
    struct Counter(u64);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut encoder = zstd::Encoder::new(Counter(0), level)?;
    if level > 9 {
        encoder.window_log(27)?;
        encoder.long_distance_matching(true)?;
    }
    io::copy(&mut File::open(path)?, &mut encoder)?;
    Ok(encoder.finish()?.0)
}
