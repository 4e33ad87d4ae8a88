//! The words of a text: the text itself, and the runs of letters and digits in it.
//!
//! A text such as `GET session:95ffbb1d14fe17ea` holds a value that its trace holds elsewhere, too:
//! see [`crate::index::homes`].

/// Runs shorter than this are passed over: they are rarely the value of anything.
const LEAST_BYTES: usize = 4;

/// Runs looked at.
const MOST: usize = 16;

/// The whole text, then its first runs of ASCII letters, digits and underscores; none twice in
/// a row.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let runs = text.split(move |c| !is_part(c)).filter(|run| run.len() >= LEAST_BYTES);
    let others = runs.filter(move |run| run.len() < text.len());
    std::iter::once(text).chain(others.take(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_text_and_its_runs() {
        let of = |text| words(text).collect::<Vec<&str>>();
        assert_eq!(of("GET key:ab_c-12345"), ["GET key:ab_c-12345", "ab_c", "12345"]);
        assert_eq!(of("12345"), ["12345"]);
        assert_eq!(of(""), [""]);
        assert_eq!(of("größer als"), ["größer als"]);
        assert_eq!(of(&"abcd ".repeat(40)).len(), 17);
    }
}
