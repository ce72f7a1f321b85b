//! Truth values.

/// `true` or `false`, in any case of letters.
#[must_use]
pub const fn parse(value: &str) -> Option<bool> {
    if value.eq_ignore_ascii_case("true") {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_true_and_false_count() {
        for yes in ["true", "TRUE", "True", "tRuE"] {
            assert_eq!(parse(yes), Some(true), "{yes}");
        }
        for no in ["false", "FALSE", "False"] {
            assert_eq!(parse(no), Some(false), "{no}");
        }
        for bad in [
            "",
            "1",
            "0",
            "yes",
            "t",
            "truee",
            " true",
            "ｔｒｕｅ",
            "falſe",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
