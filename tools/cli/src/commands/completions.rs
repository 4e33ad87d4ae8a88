//! `completions`: a script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::args::Arguments;
use crate::failure::{Exit, Result};
use crate::output::Output;

pub fn run(shell: Shell, output: &mut Output) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tracekeep", &mut script);
    if output.json {
        let script = String::from_utf8_lossy(&script);
        output.value(&json!({ "shell": shell.to_string(), "script": script }))?;
    } else {
        output.raw(&script)?;
    }
    Ok(Exit::Done)
}
