//! Usernames, and when two of them are the same.

use std::borrow::Cow;

use super::text::is_ascii_graphic;

/// The longest username, in characters (Cognito's limit).
pub const MAX_LENGTH: usize = 128;

/// Whether `value` can be a username: 1-128 characters, no white space, no
/// control characters.
#[must_use]
pub fn is_valid(value: &str) -> bool {
    if is_ascii_graphic(value) {
        return (1..=MAX_LENGTH).contains(&value.len());
    }
    !value.is_ascii()
        && value.chars().nth(MAX_LENGTH).is_none()
        && !value.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// What usernames and aliases are compared by: the value itself in a pool that
/// is `case_sensitive`, else its simple lower-casing (UnicodeData.txt, field
/// 13): character by character, whatever stands around it.
#[must_use]
pub fn username_key(value: &str, case_sensitive: bool) -> Cow<'_, str> {
    let is_key = |value: &str| {
        if value.is_ascii() {
            // Without an end at the first, for the sake of vector instructions.
            !value
                .bytes()
                .fold(false, |found, b| found | b.is_ascii_uppercase())
        } else {
            value.chars().all(|c| lower(c) == c)
        }
    };
    if case_sensitive || is_key(value) {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(value.chars().map(lower).collect())
    }
}

fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // Where the full mapping has more than one character (U+0130 only), the
    // simple one is its first.
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_have_1_to_128_visible_characters() {
        let (longest, longer) = ("é".repeat(128), "é".repeat(129));
        for good in ["a", "jürgen", "O'Neil,\"x\"", "a\u{301}", &longest] {
            assert!(is_valid(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "a\tb",
            "a\u{a0}b",
            "a\u{2003}",
            "\u{7f}",
            "\u{85}",
            "a\0",
            &longer,
        ] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }

    #[test]
    fn keys_are_simple_lower_case() {
        for (value, key) in [
            ("jane", "jane"),
            ("JaneÄÖ", "janeäö"),
            ("straße", "straße"),
            // Full lower-casing would answer `i` and a combining dot.
            ("\u{130}x", "ix"),
            // Full lower-casing would answer a final sigma.
            ("ΣΑΣ", "σασ"),
            ("ς", "ς"),
            ("\u{10400}", "\u{10428}"),
        ] {
            assert_eq!(username_key(value, false), key);
            assert_eq!(username_key(value, true), value);
            assert_eq!(username_key(key, false), key, "a key is its own key");
        }
        assert!(matches!(username_key("jane-é", false), Cow::Borrowed(_)));
    }

    #[test]
    fn only_one_character_lowers_to_more_than_one() {
        let long: Vec<char> = ('\0'..=char::MAX)
            .filter(|c| c.to_lowercase().count() != 1)
            .collect();
        assert_eq!(long, ['\u{130}']);
    }
}
