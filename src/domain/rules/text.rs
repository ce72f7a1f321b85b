//! Text attributes without a form of their own.

/// The longest value of a standard attribute, in characters (Cognito's limit).
pub const MAX_LENGTH: usize = 2048;

/// Whether `value` is at most [`MAX_LENGTH`] characters long.
#[must_use]
pub fn is_short_enough(value: &str) -> bool {
    // Bytes are never fewer than characters, and need no counting.
    value.len() <= MAX_LENGTH || value.chars().nth(MAX_LENGTH).is_none()
}

/// Whether a value has nothing but the characters from `!` to `~`.
pub(super) fn is_ascii_graphic(value: &str) -> bool {
    // Without an end at the first that is none, for the sake of vector instructions.
    value
        .bytes()
        .fold(true, |all, b| all & b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        for character in ["a", "é", "\u{1f600}"] {
            assert!(is_short_enough(&character.repeat(2048)), "{character}");
            assert!(!is_short_enough(&character.repeat(2049)), "{character}");
        }
        assert!(is_short_enough(""));
    }
}
