//! Deterministic trace generator for demo, tests and benches.
