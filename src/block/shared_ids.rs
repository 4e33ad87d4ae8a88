//! Ids that several columns of a segment hold: a session's on its spans, and in their queries.
//!
//! In each column alone they look unique, and would be stored as what they are. Together they
//! repeat, so that a word with a code costs less.

use crate::base::quick::QuickMap;
use crate::block::cut::id_words;
use crate::block::whim;
use crate::block::words::MAX_WORDS;

/// How often each id occurs, in all columns.
#[derive(Debug, Default)]
pub struct SharedIds<'a> {
    uses: QuickMap<&'a str, u32>,
}

impl<'a> SharedIds<'a> {
    /// Counts the ids in these texts, as long as there are not too many.
    pub fn count(&mut self, texts: &[&'a str]) {
        for id in texts.iter().flat_map(|text| id_words(text)) {
            if self.uses.len() >= MAX_WORDS {
                return;
            }
            *self.uses.entry(id).or_default() += 1;
        }
    }

    /// Whether these distinct ids repeat so often that codes pay: an id of 8 bytes takes about ten
    /// as a word, and its code two wherever it occurs.
    pub fn repeat<'b>(&self, ids: impl ExactSizeIterator<Item = &'b str>) -> bool {
        let distinct = ids.len() as u64;
        let uses = ids.map(|id| u64::from(self.uses.get(id).copied().unwrap_or(1)));
        whim::take(uses.sum::<u64>() * 2 >= distinct * 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_repeat_across_columns() {
        let sessions = ["58f77f38675b787e", "6afe4074df398395"];
        let queries = ["GET session:58f77f38675b787e", "GET session:6afe4074df398395", "PING"];
        let mut ids = SharedIds::default();
        ids.count(&sessions);
        assert!(!ids.repeat(sessions.iter().copied()));
        ids.count(&queries);
        assert!(ids.repeat(sessions.iter().copied()));
        assert!(!ids.repeat(["0123456789abcdef"].iter().copied()));
    }
}
