//! Single rows of a trace, read again.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use crate::base::error::Result;
use crate::query::interrupt::Interrupt;
use crate::query::source::{Fragment, Row};
use crate::query::view::Piece;

/// A row of a trace: which of its pieces holds it, and where in that piece's source.
pub type Place = (usize, u32);

/// Reads a trace again for some of its rows, each of which is handed over with its number. Cost: in each piece the rows from the first wanted
/// one to the last, so that places that lie close together are cheap in a trace of any size.
pub fn visit_places(
    pieces: &[Piece],
    places: &HashMap<Place, usize>,
    interrupt: &Interrupt,
    visit: &mut dyn FnMut(usize, Row<'_>, &Piece) -> Result<()>,
) -> Result<()> {
    let mut stretches: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
    for &(number, row) in places.keys() {
        let (first, last) = stretches.entry(number).or_insert((row, row));
        (*first, *last) = (row.min(*first), row.max(*last));
    }
    for (number, (first, last)) in stretches {
        let Some(piece) = pieces.get(number) else { continue };
        let stretch = Fragment { rows: first..last.saturating_add(1), ..piece.fragment.clone() };
        let wanted = |row| interrupt.tick().map(|()| places.contains_key(&(number, row)));
        piece.source.pick(&stretch, &wanted, &mut |row| {
            if let Some(place) = places.get(&(number, row.row)) {
                visit(*place, row, piece)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}
