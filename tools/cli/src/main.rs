//! The command line of Tracekeep.
fn main() {}
