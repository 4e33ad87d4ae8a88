//! Writes a workload to a file or to stdout, for `tracekeep import` and for other programs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use tracekeep_workload::{Config, Workload, write_json, write_protobuf};

const USAGE: &str = "\
Usage: tracekeep-workload [OPTION]... [FILE]

Writes spans of a web shop to FILE, or to stdout: one request after the other, each a protobuf
message behind its length in 4 big-endian bytes.

  --spans N       how many spans (200000)
  --hours H       the time they stretch over (3)
  --rate R        instead: spans a second
  --seed S        another workload (1)
  --batch N       spans of a request (2000)
  --late SHARE    share of spans that arrive late, 0 to 1 (0)
  --late-by H     by at most these hours (6)
  --json          lines of OTLP JSON instead of protobuf
  --hostile       spans that no one expects
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Usage(problem)) => {
            eprint!("tracekeep-workload: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Err(Failed::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failed::Io(error)) => {
            eprintln!("tracekeep-workload: {error}");
            ExitCode::FAILURE
        }
    }
}

enum Failed {
    Usage(String),
    Io(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn run(mut args: impl Iterator<Item = String>) -> Result<(), Failed> {
    let mut config = Config::default();
    let (mut json, mut rate, mut file) = (false, None, None);
    let mut late_by = Duration::from_secs(6 * 3600);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => {
                io::stdout().write_all(USAGE.as_bytes())?;
                return Ok(());
            }
            "--spans" => config.spans = number(&arg, args.next())?,
            "--hours" => config.length = hours(number(&arg, args.next())?)?,
            "--rate" => rate = Some(number::<f64>(&arg, args.next())?),
            "--seed" => config.seed = number(&arg, args.next())?,
            "--batch" => config = config.batch_spans(number(&arg, args.next())?),
            "--late" => config.late = number(&arg, args.next())?,
            "--late-by" => late_by = hours(number(&arg, args.next())?)?,
            "--json" => json = true,
            "--hostile" => config.hostile = true,
            name if name.starts_with("--") => {
                return Err(Failed::Usage(format!("there is no option {name}")));
            }
            _ => file = Some(arg),
        }
    }
    config.late_by_at_most = late_by;
    if let Some(rate) = rate {
        config = config.at_rate(rate);
    }
    let mut out: BufWriter<Box<dyn Write>> = BufWriter::with_capacity(
        1 << 20,
        match &file {
            Some(path) => Box::new(File::create(path)?),
            None => Box::new(io::stdout()),
        },
    );
    let workload = Workload::new(&config);
    let written =
        if json { write_json(workload, &mut out)? } else { write_protobuf(workload, &mut out)? };
    out.flush()?;
    eprintln!("{} spans in {} batches, {} bytes", written.spans, written.batches, written.bytes);
    Ok(())
}

fn number<T: std::str::FromStr>(option: &str, text: Option<String>) -> Result<T, Failed> {
    let text = text.unwrap_or_default();
    text.parse().map_err(|_| Failed::Usage(format!("{option} needs a number, not {text:?}")))
}

fn hours(hours: f64) -> Result<Duration, Failed> {
    let length = Duration::try_from_secs_f64(hours * 3600.0);
    length.map_err(|_| Failed::Usage(format!("{hours} hours are no time")))
}
