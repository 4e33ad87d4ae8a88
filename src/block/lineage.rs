//! Parents as steps up the pre-order, told and retraced by the same rules.

use crate::block::structure::{MAX_UP, ParentCode};

/// The row before and its ancestors, as far as the block knows them.
///
/// Writer and reader move it in the same way, row by row; it begins empty with every trace and
/// every block, so that its size is bounded by the rows of a block.
#[derive(Debug, Default)]
pub struct Lineage {
    /// Ids and starts, the row before last.
    path: Vec<(u64, u64)>,
    first_start: u64,
}

impl Lineage {
    /// Forgets all rows: a trace begins, or goes on in this block, whose first start is known.
    pub fn begin(&mut self, first_start: u64) {
        self.path.clear();
        self.first_start = first_start;
    }

    /// How to tell the next row's parent, and the time its start is told against.
    pub fn encode(&mut self, parent: Option<u64>) -> (ParentCode, u64) {
        let Some(id) = parent else {
            self.path.clear();
            return (ParentCode::Root, self.first_start);
        };
        let reach = self.path.iter().rev().take(MAX_UP as usize + 1);
        match reach.zip(0..).find(|((known, _), _)| *known == id) {
            Some((&(_, start), levels)) => {
                self.path.truncate(self.path.len() - levels as usize);
                (ParentCode::Up(levels), start)
            }
            None => {
                self.enter_missing(id);
                (ParentCode::Explicit, self.first_start)
            }
        }
    }

    /// The next row's parent, and the time its start is told against; `None` if the code leads
    /// nowhere. `explicit` gives the parent that stands in the block's list.
    #[inline]
    pub fn decode(
        &mut self,
        code: ParentCode,
        explicit: impl FnOnce() -> Option<u64>,
    ) -> Option<(Option<u64>, u64)> {
        match code {
            ParentCode::Up(levels) => {
                let kept = self.path.len().checked_sub(levels as usize)?;
                self.path.truncate(kept);
                let &(id, start) = self.path.last()?;
                Some((Some(id), start))
            }
            ParentCode::Root => {
                self.path.clear();
                Some((None, self.first_start))
            }
            ParentCode::Explicit => {
                let id = explicit()?;
                self.enter_missing(id);
                Some((Some(id), self.first_start))
            }
        }
    }

    /// A parent outside the block stands in the path like a row, for the sake of its other
    /// children.
    fn enter_missing(&mut self, id: u64) {
        self.path.clear();
        self.path.push((id, self.first_start));
    }

    /// Takes the row itself into the path, behind its parent.
    #[inline]
    pub fn enter(&mut self, id: u64, start: u64) {
        self.path.push((id, start));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parents_and_bases_come_back(
            rows in prop::collection::vec((0u64..9, prop::option::of(0u64..9), any::<u64>()), 0..90),
        ) {
            let (mut writer, mut reader) = (Lineage::default(), Lineage::default());
            writer.begin(7);
            reader.begin(7);
            for (id, parent, start) in rows {
                let (code, base) = writer.encode(parent);
                prop_assert_eq!(reader.decode(code, || parent).unwrap(), (parent, base));
                writer.enter(id, start);
                reader.enter(id, start);
            }
        }
    }

    #[test]
    fn siblings_of_a_missing_parent_refer_to_it() {
        let mut lineage = Lineage::default();
        lineage.begin(5);
        assert_eq!(lineage.encode(Some(1)), (ParentCode::Explicit, 5));
        lineage.enter(2, 9);
        assert_eq!(lineage.encode(Some(1)), (ParentCode::Up(1), 5));
        lineage.enter(3, 9);
        assert_eq!(lineage.encode(Some(3)), (ParentCode::Up(0), 9));
    }
}
