//! E-mail addresses.

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, without the brackets).
pub const MAX_BYTES: usize = 254;

/// Whether `value` is an address: one `@` between a local part and a domain,
/// neither empty, the domain a dot-atom (RFC 5322, section 3.2.3; letters and
/// digits of any script), no white space or control characters, at most 254 bytes.
#[must_use]
pub fn is_valid(value: &str) -> bool {
    if value.len() > MAX_BYTES {
        return false;
    }
    let Some((local, domain)) = value.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && is_visible(local)
        // A second `@` is no atom character, so it fails here.
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(is_atom))
}

fn is_visible(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().all(|b| b.is_ascii_graphic());
    }
    !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_atom(c: char) -> bool {
    c.is_alphanumeric() || (c.is_ascii() && b"!#$%&'*+-/=?^_`{|}~".contains(&(c as u8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let domain = format!("@{}", "d".repeat(252));
        let (longest, longer) = (format!("a{domain}"), format!("ab{domain}"));
        assert_eq!(longest.len(), MAX_BYTES);
        for good in [
            "a@b",
            "jane.doe+tag@example.com",
            "用户@例子.广告",
            "\"q\"@x-y.z",
            "a..b@c",
            longest.as_str(),
        ] {
            assert!(is_valid(good), "{good}");
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "ab",
            "a@b@c",
            "a@@b",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a b@c",
            "a@b c",
            "a@b,c",
            "a@[127.0.0.1]",
            "a@b\u{a0}c",
            "a\u{7f}@b",
            "a\n@b",
            "a@b\n",
            "a@\u{2028}",
            "a@(b)",
            longer.as_str(),
        ] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }
}
