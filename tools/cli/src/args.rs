//! The command line's grammar.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracekeep::{Query, TimeRange, TraceId};

use crate::sizes::parse_bytes;
use crate::times::{Moment, parse_duration, parse_moment};

/// An embedded storage engine for distributed traces: look into its stores and files.
#[derive(Debug, Parser)]
#[command(name = "tracekeep", version, propagate_version = true)]
pub struct Arguments {
    /// The store: a directory or, for reading, a single .seg file
    #[arg(long, global = true, env = "TRACEKEEP_STORE", value_name = "PATH")]
    pub store: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Colour the output
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    #[command(subcommand)]
    pub command: Command,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Generate traces, store them, and show what the store can do
    Demo(DemoArgs),
    /// Store traces from files: OTLP JSON lines or protobuf, Jaeger JSON, Zipkin v2 JSON
    Import(ImportArgs),
    /// Show a trace as a waterfall
    Trace(TraceArgs),
    /// Find traces that match a TraceQL query, newest first
    Search(SearchArgs),
    /// Count or measure spans over time: '{ status = error } | rate() by (name)'
    Metrics(MetricsArgs),
    /// List services
    Services(ListArgs),
    /// List the operations of a service
    Operations(OperationsArgs),
    /// List attribute keys
    Tags(ListArgs),
    /// List the values of an attribute
    Values(ValuesArgs),
    /// Group traces by structure, the rarest first
    Shapes(ShapesArgs),
    /// Tell what two sets of spans differ in: values whose share in one is not that in the other
    Compare(CompareArgs),
    /// Count spans, traces and bytes
    Stats,
    /// Look into a segment, manifest or log file
    Inspect(InspectArgs),
    /// Print spans as OTLP JSON, one a line; importing them gives the same store
    Dump(DumpArgs),
    /// Check every checksum and invariant of a store or one of its files; changes nothing
    Verify,
    /// Merge the segments of each partition
    Merge(MergeArgs),
    /// Drop partitions that have expired
    Retain(RetainArgs),
    /// Copy the store to another directory, also while it is written to
    Backup(BackupArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// How many spans to make
    #[arg(long, default_value_t = 200_000, value_name = "N")]
    pub spans: u64,
}

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Files to import, .gz and .zst included; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Skip what cannot be read and go on
    #[arg(long)]
    pub keep_going: bool,
}

/// Arguments of `trace`.
#[derive(Args, Debug)]
pub struct TraceArgs {
    /// The trace's id: hex, or a traceparent header
    pub id: TraceId,
}

/// A stretch of time.
#[derive(Args, Clone, Copy, Debug)]
pub struct RangeArgs {
    /// Only spans that start at or after this: RFC 3339, a date, `2h` (ago) or Unix nanoseconds
    #[arg(long, value_parser = parse_moment, value_name = "TIME")]
    pub since: Option<Moment>,
    /// Only spans that start before this
    #[arg(long, value_parser = parse_moment, value_name = "TIME")]
    pub until: Option<Moment>,
}

impl RangeArgs {
    /// The range they tell.
    pub fn range(&self) -> TimeRange {
        match (self.since.map(Moment::time), self.until.map(Moment::time)) {
            (None, None) => TimeRange::ALL,
            (Some(since), None) => TimeRange::from(since..),
            (None, Some(until)) => TimeRange::from(..until),
            (Some(since), Some(until)) => TimeRange::from(since..until),
        }
    }
}

/// Arguments of `search`.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// A TraceQL query, such as '{ resource.service.name = "cart" } >> { duration > 1s } | count() > 2'
    #[arg(default_value = "{}")]
    pub query: String,
    #[command(flatten)]
    pub range: RangeArgs,
    /// How many traces to show
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    /// Go on after the page that ended with this cursor
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// Give up after this long: `500ms`, `2s`, `1m`
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    pub timeout: Option<Duration>,
    /// Tell what was read and what could be left out
    #[arg(long)]
    pub explain: bool,
}

/// Arguments of `metrics`.
#[derive(Args, Debug)]
pub struct MetricsArgs {
    /// A TraceQL metrics query, such as '{ status = error } | rate() by (resource.service.name)'
    pub query: String,
    #[command(flatten)]
    pub range: RangeArgs,
    /// How wide a step is: `10s`, `1m`, `1h`
    #[arg(long, default_value = "1m", value_parser = parse_duration, value_name = "TIME")]
    pub step: Duration,
    /// Give up after this long: `500ms`, `2s`, `1m`
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    pub timeout: Option<Duration>,
    /// Tell what was looked at: statistics, columns or spans
    #[arg(long)]
    pub explain: bool,
}

/// Arguments of `operations`.
#[derive(Args, Debug)]
pub struct OperationsArgs {
    /// The service
    pub service: String,
    #[command(flatten)]
    pub list: ListArgs,
}

/// What to list, a page at a time.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only what is on spans that match this TraceQL filter
    #[arg(long)]
    pub query: Option<String>,
    #[command(flatten)]
    pub range: RangeArgs,
    /// How many to show
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub limit: usize,
    /// Go on after the page that ended with this cursor
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    pub after: Option<String>,
    /// Give up after this long: `500ms`, `2s`, `1m`
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    pub timeout: Option<Duration>,
}

impl ListArgs {
    /// The spans to look at.
    pub fn spans(&self) -> tracekeep::Result<Query> {
        let spans = self.query.as_deref().map_or_else(|| Ok(Query::spans()), Query::parse)?;
        let spans = spans.between(self.range.range());
        Ok(self.timeout.into_iter().fold(spans, Query::timeout))
    }
}

/// Arguments of `values`.
#[derive(Args, Debug)]
pub struct ValuesArgs {
    /// The attribute, as in a query: span.http.method, resource.region, .user, name
    pub tag: String,
    /// Only texts that begin so
    #[arg(long, value_name = "TEXT")]
    pub prefix: Option<String>,
    /// Only values of this type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub kind: Option<ValueType>,
    /// Tell in how many traces each value is
    #[arg(long)]
    pub count: bool,
    #[command(flatten)]
    pub list: ListArgs,
}

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ValueType {
    /// Text
    String,
    /// Integers
    Int,
    /// Floating-point numbers
    Float,
    /// Truth values
    Bool,
}

/// Arguments of `shapes`.
#[derive(Args, Debug)]
pub struct ShapesArgs {
    /// Only traces that this TraceQL query finds
    #[arg(default_value = "{}")]
    pub query: String,
    #[command(flatten)]
    pub range: RangeArgs,
    /// How many shapes to show
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
}

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// A TraceQL query for the one set of spans, such as '{ name = "pay" && duration > 1s }'
    pub a: String,
    /// A TraceQL query for the other, such as '{ name = "pay" }'
    pub b: String,
    #[command(flatten)]
    pub range: RangeArgs,
    /// How many values to show
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    /// Give up after this long: `500ms`, `2s`, `1m`
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    pub timeout: Option<Duration>,
}

/// Arguments of `inspect`.
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// A .seg file, a MANIFEST, a .log or an .ids file
    pub file: PathBuf,
    /// Show the spans of this block of a segment
    #[arg(long, value_name = "N")]
    pub block: Option<u32>,
    /// Show the bytes at this offset, and what they belong to
    #[arg(long, value_name = "OFFSET")]
    pub hex: Option<u64>,
}

/// Arguments of `dump`.
#[derive(Args, Debug)]
pub struct DumpArgs {
    /// Only spans that match this TraceQL filter
    #[arg(long)]
    pub query: Option<String>,
    #[command(flatten)]
    pub range: RangeArgs,
    /// Write them into a new segment file instead, which --store reads
    #[arg(long, value_name = "FILE.seg")]
    pub to: Option<PathBuf>,
    /// Get what can be got out of a damaged segment file, even one without its end
    #[arg(long, conflicts_with_all = ["query", "to"])]
    pub salvage: bool,
}

/// Arguments of `merge`.
#[derive(Args, Debug)]
pub struct MergeArgs {
    /// Merge each partition into as few segments as possible, not only those that are due
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `retain`.
#[derive(Args, Debug)]
pub struct RetainArgs {
    #[command(flatten)]
    pub rule: RuleArgs,
    /// Only tell what would go, and why; also beside a store that is in use
    #[arg(long)]
    pub dry_run: bool,
}

/// What to keep; each limit drops the oldest partitions.
#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = true)]
pub struct RuleArgs {
    /// Drop partitions in which every span started longer ago than this: `12h`, `7d`, `4w`
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    pub max_age: Option<Duration>,
    /// Drop the oldest partitions while the store takes more than this: `50GiB`
    #[arg(long, value_parser = parse_bytes, value_name = "SIZE")]
    pub max_bytes: Option<u64>,
    /// Drop the oldest partitions while there are more than this
    #[arg(long, value_name = "N")]
    pub max_partitions: Option<usize>,
}

/// Arguments of `backup`.
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// Where to: a directory that is empty, or not there; what is deleted later stays in it
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}
