//! Shared text: the strings that many spans have in common are held once.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// An immutable string whose clones share one allocation.
///
/// Spans of one store repeat the same keys and names without end; a clone costs a counter.
///
/// ```
/// use tracekeep::Str;
/// let key = Str::from("http.route");
/// let again = key.clone();
/// assert_eq!(again.len(), 10);
/// assert_eq!(key, "http.route");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Str(
    /// None for the empty text, which most spans have somewhere and which costs nothing so.
    Option<Arc<str>>,
);

impl Str {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` does, which a map can be asked for in its place.
        self.as_str().hash(state);
    }
}

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self((!text.is_empty()).then(|| Arc::from(text)))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, RandomState};

    /// A map of texts is asked by `str`; and an empty text is the same however it was made.
    #[test]
    fn texts_compare_and_hash_as_str() {
        let hasher = RandomState::new();
        for text in ["", "a", "ab", "b"] {
            let own = Str::from(text);
            assert_eq!(hasher.hash_one(&own), hasher.hash_one(text));
            for other in ["", "a", "ab", "b"] {
                assert_eq!(own.cmp(&Str::from(other.to_owned())), text.cmp(other));
            }
        }
        assert_eq!(Str::default(), Str::from(""));
    }
}
