//! Ordinals as bits of words, while an index is built.

/// Sets the bits of these ordinals; those beyond the last word are left out.
pub fn set(words: &mut [u64], ordinals: impl IntoIterator<Item = u32>) {
    for ordinal in ordinals {
        if let Some(word) = words.get_mut(ordinal as usize / 64) {
            *word |= 1 << (ordinal % 64);
        }
    }
}

/// The ordinals whose bits are set, ascending.
pub fn ordinals(words: &[u64]) -> impl Iterator<Item = u32> {
    let of_word = |(&word, base): (&u64, u32)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (bit < u64::BITS).then(|| base + bit)
        })
    };
    words.iter().zip((0u32..).step_by(64)).flat_map(of_word)
}
