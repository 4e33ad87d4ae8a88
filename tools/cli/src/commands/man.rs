//! `man`: the manual page, in roff.

use clap::CommandFactory;
use clap_mangen::Man;
use serde_json::json;

use crate::args::Arguments;
use crate::failure::{Exit, Result};
use crate::output::Output;

pub fn run(output: &mut Output) -> Result {
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    // The commands' own pages follow: one file is easier to install and to search.
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        Man::new(sub.clone().display_name(format!("tracekeep {}", sub.get_name())))
            .render(&mut page)?;
    }
    if output.json {
        output.value(&json!({ "man": String::from_utf8_lossy(&page) }))?;
    } else {
        output.raw(&page)?;
    }
    Ok(Exit::Done)
}
