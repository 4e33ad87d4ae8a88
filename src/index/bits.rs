//! Ordinals as bits of words, while an index is built.

/// Sets the bits of these ordinals; those beyond the last word are left out.
pub fn set(words: &mut [u64], ordinals: impl IntoIterator<Item = u32>) {
    for ordinal in ordinals {
        if let Some(word) = words.get_mut(ordinal as usize / 64) {
            *word |= 1 << (ordinal % 64);
        }
    }
}

/// Appends the ordinals whose bits are set, ascending, and clears them.
pub fn take(words: &mut [u64], ordinals: &mut Vec<u32>) {
    let mut base = 0;
    for word in words {
        let mut left = std::mem::take(word);
        while left != 0 {
            ordinals.push(base + left.trailing_zeros());
            left &= left - 1;
        }
        base += u64::BITS;
    }
}
