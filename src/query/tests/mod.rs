//! Searches, lookups and names against a naive scan over a list of spans.

mod against_oracle;
mod bounds;
mod contrast;
mod differences;
mod fake;
mod figures;
mod filters;
mod generate;
mod metrics;
mod names;
mod oracle;
mod plan;
mod red;
mod shapes;
mod stores;
mod traceql;
mod values;
