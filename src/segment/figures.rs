//! The statistics of a segment, for people.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::error::Result;
use crate::base::text::Str;
use crate::index::sketch::{Sketch, begin};
use crate::index::statistics::Caller;
use crate::segment::reader::Segment;
use crate::segment::statistics::Calls;

/// What the spans of a segment add up to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatisticsInfo {
    /// Minutes in which spans start.
    pub minutes: usize,
    /// The operations.
    pub operations: Vec<OperationInfo>,
    /// The calls between services and within them.
    pub calls: Vec<CallsInfo>,
    /// The rows whose parent is stated and is none of the segment's.
    pub unresolved: Vec<u32>,
    /// All of it by the minute.
    pub cells: Vec<CellInfo>,
}

/// An operation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationInfo {
    /// The service, if it has a name.
    pub service: Option<String>,
    /// The spans' name.
    pub name: String,
    /// The spans' kind, as its number.
    pub kind: i32,
    /// How many spans.
    pub spans: u64,
    /// How many with an error status.
    pub errors: u64,
    /// How long they last.
    #[serde(flatten)]
    pub durations: DurationsInfo,
}

/// The calls of one service by another.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallsInfo {
    /// The service of the parents.
    pub parent: Option<String>,
    /// The service of the spans.
    pub child: Option<String>,
    /// How many spans.
    pub calls: u64,
    /// How many with an error status.
    pub errors: u64,
    /// How long they last.
    #[serde(flatten)]
    pub durations: DurationsInfo,
}

/// Durations, to within 4.4 %.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DurationsInfo {
    /// That of the middle span, in nanoseconds.
    pub estimated_p50_nanos: String,
    /// That which one of a hundred exceeds.
    pub estimated_p99_nanos: String,
}

/// The spans of one operation, caller and minute.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CellInfo {
    /// The place of the operation among the operations.
    pub operation: u32,
    /// Whose span the parent is: `none`, `elsewhere` or `service`.
    pub called_by: &'static str,
    /// The calling service, if it has a name.
    pub caller: Option<String>,
    /// When the minute begins.
    pub minute: String,
    /// How many spans.
    pub spans: u64,
    /// How many with an error status.
    pub errors: u64,
    /// The trace with the longest of them.
    pub exemplar: String,
    /// How long they last.
    pub durations: Vec<BucketInfo>,
}

/// The spans in a bucket of durations.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketInfo {
    /// Its number.
    pub bucket: u16,
    /// Its shortest duration, in nanoseconds.
    pub from_nanos: String,
    /// How many spans.
    pub spans: u64,
}

impl Segment {
    /// Describes the statistics; `None` where there are too many operations.
    pub(super) fn describe_statistics(&self) -> Result<Option<StatisticsInfo>> {
        let Some(statistics) = self.statistics()? else { return Ok(None) };
        let text = |text: &Str| text.to_string();
        let mut cells = Vec::with_capacity(statistics.len());
        let mut minutes = BTreeSet::new();
        let mut durations: BTreeMap<u32, Sketch> = BTreeMap::new();
        statistics.scan(&mut |cell| {
            minutes.insert(cell.minute);
            durations.entry(cell.operation).or_default().merge(&cell.durations);
            let bucket = |&(bucket, spans): &(u16, u64)| BucketInfo {
                bucket,
                from_nanos: begin(bucket).to_string(),
                spans,
            };
            cells.push(CellInfo {
                operation: cell.operation,
                called_by: match cell.caller {
                    Caller::None => "none",
                    Caller::Elsewhere => "elsewhere",
                    Caller::Service(_) => "service",
                },
                caller: statistics.calling(cell.caller).flatten().map(text),
                minute: cell.minute.to_string(),
                spans: cell.spans,
                errors: cell.errors,
                exemplar: self.entry(cell.exemplar)?.id.to_string(),
                durations: cell.durations.buckets().iter().map(bucket).collect(),
            });
            Ok(())
        })?;
        let operations =
            statistics.operations().iter().zip(0..).map(|(operation, number)| OperationInfo {
                service: operation.service.as_ref().map(text),
                name: text(&operation.name),
                kind: operation.kind.0,
                spans: operation.totals.spans,
                errors: operation.totals.errors,
                durations: DurationsInfo::of(durations.get(&number)),
            });
        let operations = operations.collect();
        let mut calls: BTreeMap<(Option<Str>, Option<Str>), Calls> = BTreeMap::new();
        for (edge, own) in statistics.edges()? {
            let all = calls.entry((edge.parent, edge.child)).or_default();
            all.add(own.calls, own.errors, &own.durations);
        }
        let calls = calls.iter().map(|((parent, child), own)| CallsInfo {
            parent: parent.as_ref().map(text),
            child: child.as_ref().map(text),
            calls: own.calls,
            errors: own.errors,
            durations: DurationsInfo::of(Some(&own.durations)),
        });
        Ok(Some(StatisticsInfo {
            minutes: minutes.len(),
            operations,
            calls: calls.collect(),
            unresolved: statistics.unresolved().to_vec(),
            cells,
        }))
    }
}

impl DurationsInfo {
    fn of(durations: Option<&Sketch>) -> Self {
        let quantile = |of_thousand| {
            let nanos = durations.and_then(|durations| durations.quantile(of_thousand));
            nanos.unwrap_or_default().to_string()
        };
        Self { estimated_p50_nanos: quantile(500), estimated_p99_nanos: quantile(990) }
    }
}
