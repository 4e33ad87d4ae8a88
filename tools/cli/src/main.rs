//! The command `tracekeep`: stores of traces, from the shell.
//!
//! Data goes to stdout, all else to stderr. Off a terminal, output is tab-separated and uncut.

mod args;
mod commands;
mod failure;
mod import;
mod inputs;
mod measure;
mod output;
mod progress;
mod sizes;
mod text;
mod times;
mod waterfall;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Arguments;
use crate::failure::{Exit, Failure};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return unparsed(&error).into(),
    };
    let json = arguments.json;
    match commands::run(arguments) {
        Ok(exit) => exit.into(),
        // Whoever reads has seen enough.
        Err(failure) if failure.is_closed_pipe() => Exit::Done.into(),
        Err(failure) => {
            failure.report(json);
            failure.exit().into()
        }
    }
}

/// Help and version are answers; everything else that clap stops at is wrong usage.
fn unparsed(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        return match printed.map_err(Failure::from) {
            Err(failure) if !failure.is_closed_pipe() => failure.exit(),
            _ => Exit::Done,
        };
    }
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let text = text.trim_end().strip_prefix("error: ").unwrap_or(text.trim_end());
        Failure::Usage(text.to_owned()).report(true);
    } else {
        // Nobody is left to tell if stderr is gone.
        let _ = error.print();
    }
    Exit::Usage
}
