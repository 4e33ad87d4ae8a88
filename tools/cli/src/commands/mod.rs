//! The commands, one short file each.

mod backup;
mod compare;
mod completions;
mod demo;
mod dump;
mod import;
mod inspect;
mod man;
mod merge;
mod metrics;
mod names;
mod retain;
mod search;
mod shapes;
mod stats;
mod trace;
mod verify;

use std::path::{Path, PathBuf};

use tracekeep::{Error, Options, Reader, Store};

use crate::args::{Arguments, Command};
use crate::failure::{Failure, Result};
use crate::output::Output;

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> Result {
    let mut output = Output::new(&arguments);
    let place = Place(arguments.store);
    let done = command(arguments.command, &place, &mut output);
    // What was found before a failure is shown, too; the failure itself is what counts.
    let flushed = output.flush();
    let exit = done?;
    flushed?;
    Ok(exit)
}

fn command(command: Command, place: &Place, output: &mut Output) -> Result {
    match command {
        Command::Demo(args) => demo::run(&args, place, output),
        Command::Import(args) => import::run(&args, place, output),
        Command::Trace(args) => trace::run(&args, place, output),
        Command::Search(args) => search::run(&args, place, output),
        Command::Metrics(args) => metrics::run(&args, place, output),
        Command::Services(args) => names::services(&args, place, output),
        Command::Operations(args) => names::operations(&args, place, output),
        Command::Tags(args) => names::tags(&args, place, output),
        Command::Values(args) => names::values(&args, place, output),
        Command::Shapes(args) => shapes::run(&args, place, output),
        Command::Compare(args) => compare::run(&args, place, output),
        Command::Stats => stats::run(place, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Dump(args) => dump::run(&args, place, output),
        Command::Verify => verify::run(place, output),
        Command::Merge(args) => merge::run(&args, place, output),
        Command::Retain(args) => retain::run(&args, place, output),
        Command::Backup(args) => backup::run(&args, place, output),
        Command::Completions { shell } => completions::run(shell, output),
        Command::Man => man::run(output),
    }
}

/// The store that was named, if one was.
struct Place(Option<PathBuf>);

impl Place {
    /// Its path.
    fn path(&self) -> Result<&Path> {
        self.0.as_deref().ok_or_else(|| {
            Failure::Usage("which store? Give --store PATH or set TRACEKEEP_STORE".into())
        })
    }

    /// Its path, to write to.
    fn directory(&self) -> Result<&Path> {
        let path = self.path()?;
        if path.is_file() {
            let what = "is a file: single segments are read only, give a store's directory";
            return Err(Failure::Usage(format!("{} {what}", path.display())));
        }
        Ok(path)
    }

    /// Opens it for writing, if there is one.
    fn store(&self) -> Result<Store> {
        let options = Options::default().create_if_missing(false);
        Store::open(self.directory()?, options).map_err(|error| self.missing(error))
    }

    /// Opens it for reading.
    fn reader(&self) -> Result<Reader> {
        let path = self.path()?;
        let reader = if path.is_file() { Reader::open_files(&[path]) } else { Reader::open(path) };
        reader.map_err(|error| self.missing(error))
    }

    /// The failure of a command that found no store here.
    fn missing(&self, error: Error) -> Failure {
        match (error, &self.0) {
            (Error::NotFound { path }, Some(store))
                if path == *store || path.ends_with("MANIFEST") =>
            {
                Failure::NoStore(store.clone())
            }
            (error, _) => error.into(),
        }
    }
}
