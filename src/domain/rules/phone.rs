//! Telephone numbers.

/// Whether `value` is a number as E.164 writes it: `+` and 7 to 15 digits, the
/// first not 0.
#[must_use]
pub fn is_valid(value: &str) -> bool {
    value.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for good in ["+1234567", "+123456789012345", "+9000000"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in [
            "",
            "+",
            "+123456",
            "+1234567890123456",
            "+0123456789",
            "1234567",
            "++1234567",
            "+1 234 567",
            "+123456a",
            "+１２３４５６７",
            "+1234567 ",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
