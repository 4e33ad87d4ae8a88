//! Bytes of a file, wherever they live: in a map, or in memory.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::disk::map::Map;

/// A piece of a file that keeps alive what it points into. Cloning and slicing copy no bytes.
///
/// Its length is what was asked for, never what a damaged file pretends.
#[derive(Clone)]
pub struct ByteView {
    owner: Owner,
    /// Always inside the owner's bytes.
    range: Range<usize>,
}

#[derive(Clone)]
enum Owner {
    Mapped(Arc<Map>),
    Heap(Arc<Vec<u8>>),
    Shared(Arc<[u8]>),
}

impl Owner {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map.bytes(),
            Self::Heap(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl ByteView {
    /// The bytes in `range`, counted from this view's start; `None` if it reaches beyond its end.
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        let start = self.range.start.checked_add(range.start)?;
        let end = self.range.start.checked_add(range.end)?;
        let inside = start <= end && end <= self.range.end;
        inside.then(|| Self { owner: self.owner.clone(), range: start..end })
    }

    fn whole(owner: Owner) -> Self {
        let range = 0..owner.bytes().len();
        Self { owner, range }
    }

    /// The bytes in `range` of a map; `None` if it reaches beyond its end.
    pub(in crate::disk) fn mapped(map: Arc<Map>, range: Range<usize>) -> Option<Self> {
        let inside = map.bytes().get(range.clone()).is_some();
        inside.then(|| Self { owner: Owner::Mapped(map), range })
    }
}

impl Deref for ByteView {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.owner.bytes().get(self.range.clone()).unwrap_or_default()
    }
}

impl AsRef<[u8]> for ByteView {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for ByteView {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<u8>> for ByteView {
    /// Copies nothing.
    fn from(bytes: Vec<u8>) -> Self {
        Arc::new(bytes).into()
    }
}

impl From<Arc<Vec<u8>>> for ByteView {
    fn from(bytes: Arc<Vec<u8>>) -> Self {
        Self::whole(Owner::Heap(bytes))
    }
}

impl From<Arc<[u8]>> for ByteView {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::whole(Owner::Shared(bytes))
    }
}

impl fmt::Debug for ByteView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteView({} bytes)", self.range.len())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_relative_and_stays_inside() {
        let whole = ByteView::from(vec![0, 1, 2, 3, 4, 5]);
        let middle = whole.slice(2..5).unwrap();
        assert_eq!(&*middle, [2, 3, 4]);
        assert_eq!(&*middle.slice(1..3).unwrap(), [3, 4]);
        assert!(middle.slice(3..3).unwrap().is_empty());
        assert!(middle.slice(1..4).is_none(), "bytes of the whole, but not of the view");
        assert!(middle.slice(usize::MAX..usize::MAX).is_none());
        #[expect(clippy::reversed_empty_ranges, reason = "the claim")]
        let reversed = whole.slice(3..2);
        assert!(reversed.is_none());
    }

    #[test]
    fn views_of_any_owner_agree() {
        let shared: Arc<[u8]> = Arc::from([7, 8].as_slice());
        assert_eq!(&*ByteView::from(shared), &*ByteView::from(vec![7, 8]));
        assert!(ByteView::default().is_empty());
    }
}
