//! E-mail addresses.

use super::text::is_ascii_graphic;

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
    let Some(at) = value.bytes().position(|b| b == b'@') else {
        return false;
    };
    let (local, domain) = (&value[..at], &value[at + 1..]);
    // A second `@` is no atom character, so it fails as one of the domain.
    !local.is_empty() && is_visible(local) && are_labels(domain)
}

/// Labels of atom characters, with a dot between each two.
fn are_labels(domain: &str) -> bool {
    let mut begun = false;
    for byte in domain.bytes() {
        match byte {
            b'.' if begun => begun = false,
            byte if is_ascii_atom(byte) => begun = true,
            0x80.. => {
                let label = |label: &str| !label.is_empty() && label.chars().all(is_atom);
                return domain.split('.').all(label);
            }
            _ => return false,
        }
    }
    begun
}

fn is_visible(text: &str) -> bool {
    is_ascii_graphic(text)
        || !text.is_ascii() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_atom(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_ascii_atom) || !c.is_ascii() && c.is_alphanumeric()
}

const fn is_ascii_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~')
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
