//! Regular expressions as a tree, printed for the engine and matched here the slow way: by the list
//! of all places where a match that begins at a place may end.

use proptest::prelude::*;
use proptest::sample::select;

#[derive(Clone, Debug)]
pub enum Pattern {
    Char(char),
    /// `.`: any character but a line's end.
    Any,
    /// `[a-c]`, `[^a-c]`.
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    Sequence(Vec<Pattern>),
    Either(Vec<Pattern>),
    Repeat(Box<Pattern>, Times),
    /// `(?i:..)`, of texts whose letters have two cases.
    AnyCase(Box<Pattern>),
}

#[derive(Clone, Copy, Debug)]
pub enum Times {
    Optional,
    Any,
    Some,
}

impl Pattern {
    pub fn literal(text: &str) -> Self {
        Self::Sequence(text.chars().map(Self::Char).collect())
    }

    /// Whether all of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.ends(&text, 0, false).contains(&text.len())
    }

    /// Where a match that begins at `from` may end.
    fn ends(&self, text: &[char], from: usize, any_case: bool) -> Vec<usize> {
        let mut ends = match self {
            Self::Sequence(parts) => {
                let mut places = vec![from];
                for part in parts {
                    places = from_each(&places, |at| part.ends(text, at, any_case));
                }
                places
            }
            Self::Either(parts) => {
                parts.iter().flat_map(|part| part.ends(text, from, any_case)).collect()
            }
            Self::Repeat(part, times) => {
                let once = part.ends(text, from, any_case);
                let mut all = if matches!(times, Times::Some) { Vec::new() } else { vec![from] };
                let mut last = once;
                while last.iter().any(|end| !all.contains(end)) {
                    all.extend(&last);
                    if matches!(times, Times::Optional) {
                        break;
                    }
                    last = from_each(&last, |at| part.ends(text, at, any_case));
                }
                all
            }
            Self::AnyCase(part) => part.ends(text, from, true),
            one => match text.get(from) {
                Some(&c) if one.takes(c) || any_case && folded(c).any(|c| one.takes(c)) => {
                    vec![from + 1]
                }
                _ => Vec::new(),
            },
        };
        ends.sort_unstable();
        ends.dedup();
        ends
    }

    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::Any => c != '\n',
            Self::Class { ranges, negated } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
            }
            _ => false,
        }
    }

    pub fn text(&self) -> String {
        let group = |part: &Self| match part {
            Self::Char(_) | Self::Any | Self::Class { .. } | Self::AnyCase(_) => part.text(),
            _ => format!("(?:{})", part.text()),
        };
        match self {
            Self::Char(c) if ".*+?()[]{}|^$\\".contains(*c) => format!("\\{c}"),
            Self::Char(c) => c.to_string(),
            Self::Any => ".".into(),
            Self::Class { ranges, negated } => {
                let ranges: String = ranges.iter().map(|(a, b)| format!("{a}-{b}")).collect();
                format!("[{}{ranges}]", if *negated { "^" } else { "" })
            }
            Self::Sequence(parts) => parts
                .iter()
                .map(|p| if matches!(p, Self::Either(_)) { group(p) } else { p.text() })
                .collect(),
            Self::Either(parts) => parts.iter().map(Self::text).collect::<Vec<_>>().join("|"),
            Self::Repeat(part, times) => {
                let times = match times {
                    Times::Optional => "?",
                    Times::Any => "*",
                    Times::Some => "+",
                };
                group(part) + times
            }
            Self::AnyCase(part) => format!("(?i:{})", part.text()),
        }
    }
}

fn from_each(places: &[usize], ends: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    places.iter().flat_map(|at| ends(*at)).collect()
}

fn folded(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().chain(c.to_uppercase())
}

/// Patterns that often match one of these texts.
pub fn pattern(texts: &'static [&'static str]) -> BoxedStrategy<Pattern> {
    let anything = || Pattern::Repeat(Pattern::Any.into(), Times::Any);
    let whole = select(texts).prop_map(Pattern::literal);
    let start = (select(texts), 0..3usize).prop_map(move |(text, count)| {
        let mut parts: Vec<_> = text.chars().take(count).map(Pattern::Char).collect();
        parts.push(anything());
        Pattern::Sequence(parts)
    });
    let end = (select(texts), 0..3usize).prop_map(move |(text, count)| {
        let mut parts = vec![anything()];
        parts.extend(text.chars().skip(count).map(Pattern::Char));
        Pattern::Sequence(parts)
    });
    let either = prop::collection::vec(select(texts), 1..4).prop_map(|texts| {
        Pattern::Either(texts.iter().map(|text| Pattern::literal(text)).collect())
    });
    let any_case = select(texts)
        .prop_map(|text| Pattern::AnyCase(Pattern::literal(&text.to_lowercase()).into()));
    prop_oneof![1 => whole, 1 => start, 1 => end, 2 => either, 1 => any_case, 1 => random()].boxed()
}

fn random() -> BoxedStrategy<Pattern> {
    let class = (select(vec!['a', 'G', '0']), 0..20u32, any::<bool>()).prop_map(
        |(first, more, negated)| {
            let last = char::from_u32(first as u32 + more % 9).unwrap_or(first);
            Pattern::Class { ranges: vec![(first, last)], negated }
        },
    );
    let leaf = prop_oneof![
        4 => select(vec!['a', 'b', 'G', '.', 'é', '2']).prop_map(Pattern::Char),
        1 => Just(Pattern::Any),
        2 => class,
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let times = select(vec![Times::Optional, Times::Any, Times::Some]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Pattern::Sequence),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Pattern::Either),
            (inner, times).prop_map(|(part, times)| Pattern::Repeat(part.into(), times)),
        ]
    })
    .boxed()
}

#[test]
fn the_slow_matcher_matches() {
    use Pattern::{Char, Repeat};
    let ab = Pattern::Sequence(vec![Char('a'), Repeat(Char('b').into(), Times::Any)]);
    for (text, wanted) in [("a", true), ("abbb", true), ("", false), ("abc", false)] {
        assert_eq!(ab.matches(text), wanted, "{text}");
    }
    assert!(Pattern::AnyCase(Pattern::literal("get").into()).matches("GeT"));
    // Empty repetitions end.
    let empty = Pattern::Sequence(Vec::new());
    assert!(Repeat(Repeat(empty.into(), Times::Any).into(), Times::Some).matches(""));
    assert!(!Pattern::Any.matches("\n"));
}
