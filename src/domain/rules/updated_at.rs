//! When a user's data last changed.

/// Whole seconds since 1970: digits only, no sign, at most `i64::MAX`.
#[must_use]
pub fn parse(value: &str) -> Option<i64> {
    // `i64::from_str` takes a sign and refuses the empty text.
    if value.bytes().all(|b| b.is_ascii_digit()) {
        value.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_from_zero_on() {
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("1700000000"), Some(1_700_000_000));
        assert_eq!(parse("9223372036854775807"), Some(i64::MAX));
        for bad in [
            "",
            "-1",
            "+1",
            "1.5",
            "1e9",
            "9223372036854775808",
            "1 ",
            "１",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
