//! A bar on stderr while something long goes on; on a terminal only.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar, or nothing.
#[derive(Clone, Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar over so many bytes.
    pub fn bytes(total: Option<u64>, quiet: bool) -> Self {
        let known = "{bar:30} {bytes}/{total_bytes}  {msg}  {eta} left";
        Self::new(total, quiet, if total.is_some() { known } else { "{spinner} {bytes}  {msg}" })
    }

    /// A bar over so many spans.
    pub fn spans(total: u64, quiet: bool) -> Self {
        Self::new(Some(total), quiet, "{bar:30} {human_pos}/{human_len} spans  {msg}")
    }

    fn new(total: Option<u64>, quiet: bool, template: &str) -> Self {
        let visible = !quiet && std::io::stderr().is_terminal();
        let target =
            if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        if visible {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self(bar)
    }

    /// Whether anybody sees it.
    pub fn is_visible(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Further along by so much.
    pub fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// What is going on.
    pub fn message(&self, text: String) {
        if !self.0.is_hidden() {
            self.0.set_message(text);
        }
    }

    /// A line on stderr that the bar does not overwrite.
    pub fn note(&self, text: &str) {
        self.0.suspend(|| crate::failure::note(text));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
