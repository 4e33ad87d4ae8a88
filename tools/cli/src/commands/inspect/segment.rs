//! A segment on a page: map of the file, sections, columns, tag index, statistics, blocks.

use tracekeep::inspect::{SegmentInfo, StatisticsInfo};

use crate::commands::inspect::{figures, layout, part};
use crate::failure::Result;
use crate::output::{Column, Output};

pub fn show(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    let rows = [
        ("file", info.path.clone()),
        ("bytes", info.bytes.to_string()),
        ("spans", info.spans.to_string()),
        ("bytes a span", format!("{:.2}", info.bytes as f64 / (info.spans.max(1)) as f64)),
        ("traces", info.traces.to_string()),
        ("first start", info.first_start.clone()),
        ("last start", info.last_start.clone()),
        ("resources", info.resources.to_string()),
        ("scopes", info.scopes.to_string()),
        ("templates", info.templates.len().to_string()),
        ("blocks", info.blocks.len().to_string()),
        ("rows of a block", info.block_rows.to_string()),
        ("written", if info.thorough { "thoroughly" } else { "quickly" }.to_owned()),
    ];
    figures("segment", &rows, output)?;
    layout::map(info, output)?;
    layout::columns(info, output)?;
    layout::largest(info, output)?;
    layout::templates(info, output)?;
    layout::keys(info, output)?;
    if let Some(statistics) = &info.statistics {
        operations(statistics, output)?;
        calls(statistics, output)?;
    }
    blocks(info, output)
}

/// What the spans add up to, over all minutes; JSON has them one by one.
fn operations(info: &StatisticsInfo, output: &mut Output) -> Result<()> {
    part("statistics", output)?;
    let rows = [
        ("operations", info.operations.len().to_string()),
        ("minutes", info.minutes.to_string()),
        ("cells", info.cells.len().to_string()),
        ("spans with a parent elsewhere", info.unresolved.len().to_string()),
    ];
    figures("statistics", &rows, output)?;
    part("operations", output)?;
    let columns = [
        Column::text("service"),
        Column::text("operation"),
        Column::number("kind"),
        Column::number("spans"),
        Column::number("errors"),
        Column::number("p50, about, ns"),
        Column::number("p99, about, ns"),
    ];
    let rows = info.operations.iter().map(|operation| {
        vec![
            operation.service.clone().unwrap_or_default(),
            operation.name.clone(),
            operation.kind.to_string(),
            operation.spans.to_string(),
            operation.errors.to_string(),
            operation.durations.estimated_p50_nanos.clone(),
            operation.durations.estimated_p99_nanos.clone(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

/// The graph of services, as far as this segment knows it.
fn calls(info: &StatisticsInfo, output: &mut Output) -> Result<()> {
    part("calls", output)?;
    let columns = [
        Column::text("from service"),
        Column::text("to service"),
        Column::number("calls"),
        Column::number("errors"),
        Column::number("p50, about, ns"),
        Column::number("p99, about, ns"),
    ];
    let rows = info.calls.iter().map(|calls| {
        vec![
            calls.parent.clone().unwrap_or_default(),
            calls.child.clone().unwrap_or_default(),
            calls.calls.to_string(),
            calls.errors.to_string(),
            calls.durations.estimated_p50_nanos.clone(),
            calls.durations.estimated_p99_nanos.clone(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}

/// The zone map, and where the blocks lie.
fn blocks(info: &SegmentInfo, output: &mut Output) -> Result<()> {
    part("blocks", output)?;
    let columns = [
        Column::number("block"),
        Column::number("offset"),
        Column::number("bytes"),
        Column::number("first row"),
        Column::number("rows"),
        Column::whole("first start"),
        Column::whole("last start"),
        Column::number("longest, ns"),
        Column::number("errors"),
    ];
    let rows = info.blocks.iter().enumerate().map(|(number, block)| {
        vec![
            number.to_string(),
            block.offset.to_string(),
            block.bytes.to_string(),
            block.first_row.to_string(),
            block.rows.to_string(),
            block.first_start.clone(),
            block.last_start.clone(),
            block.max_duration_nanos.clone(),
            block.errors.to_string(),
        ]
    });
    Ok(output.table(&columns, rows)?)
}
