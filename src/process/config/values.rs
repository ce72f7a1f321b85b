//! How values are written: durations, sizes, addresses.

use std::net::SocketAddr;
use std::time::Duration;

use humantime::{format_duration, parse_duration};
use url::Url;

/// A duration from `least` to `most`: `90s`, `15m`, `1h 30m`, `7d`, `0`.
pub(super) fn duration(
    least: Duration,
    most: Duration,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        parse_duration(text)
            .ok()
            .filter(|duration| (least..=most).contains(duration))
            .ok_or_else(|| {
                format!(
                    "expected a duration from {} to {}, such as 90s, 15m or 24h",
                    span(least),
                    span(most)
                )
            })
    }
}

/// As the contract has it: 48h, not 2days.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        secs @ 3_600..=172_800 if secs.is_multiple_of(3_600) => format!("{}h", secs / 3_600),
        _ => format_duration(duration).to_string(),
    }
}

const KIB: u64 = 1 << 10;
const UNITS: &[(&str, u64)] = &[
    ("KiB", KIB),
    ("MiB", KIB * KIB),
    ("GiB", KIB * KIB * KIB),
    ("TiB", KIB * KIB * KIB * KIB),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// A number of bytes from `least` to `most`: `1048576`, `64KiB`, `100MB`.
pub(super) fn bytes(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let text = text.trim();
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))
            .unwrap_or((text, 1));
        let number = number.trim_end();
        // `parse` takes a plus sign.
        Some(number)
            .filter(|number| number.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|number| number.parse::<u64>().ok())
            .and_then(|number| number.checked_mul(unit))
            .filter(|bytes| (least..=most).contains(bytes))
            .ok_or_else(|| {
                format!(
                    "expected a number of bytes from {} to {}, such as 1048576, 64KiB, 100MB or 5GiB",
                    in_words(least),
                    in_words(most)
                )
            })
    }
}

fn in_words(bytes: u64) -> String {
    UNITS[..4]
        .iter()
        .rev()
        .find(|(_, unit)| bytes.is_multiple_of(*unit))
        .map_or_else(
            || bytes.to_string(),
            |(name, unit)| format!("{}{name}", bytes / unit),
        )
}

/// An address to listen on.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(
        |_| "expected an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080",
    )
}

/// What ids of pools begin with.
pub(super) fn region(text: &str) -> Result<String, &'static str> {
    // With `_` and nine characters behind it, an id has 55 at most.
    let fits = (1..=45).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    fits.then(|| text.to_owned())
        .ok_or("expected 1 to 45 letters, digits, - and _, such as local or eu-central-1")
}

/// Any URL.
pub(super) fn url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|e| format!("expected a URL ({e})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_with_or_without_a_unit() {
        let parse = bytes(1, 5 << 30);
        for (text, meant) in [
            ("1", 1),
            ("100MB", 100_000_000),
            ("64KiB", 65_536),
            ("5GiB", 5 << 30),
            ("12 B", 12),
        ] {
            assert_eq!(parse(text), Ok(meant), "{text}");
        }
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "1.5GiB",
            "6GiB",
            "1kib",
            "99999999999999TiB",
            "KiB",
        ] {
            let refusal = parse(text).unwrap_err();
            assert!(refusal.contains("from 1 to 5GiB"), "{text}: {refusal}");
        }
    }

    #[test]
    fn durations_have_bounds() {
        let parse = duration(Duration::from_secs(60), Duration::from_secs(48 * 3600));
        assert_eq!(parse("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(parse("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("2d"), Ok(Duration::from_secs(172_800)));
        for text in ["", "0", "59s", "48h 1s", "60", "-1m", "99999999999999999y"] {
            let refusal = parse(text).unwrap_err();
            assert!(refusal.contains("from 1m to 48h"), "{text}: {refusal}");
        }
        let zero = duration(Duration::ZERO, Duration::from_secs(60));
        assert_eq!(zero("0"), Ok(Duration::ZERO));
        assert_eq!(zero("0s"), Ok(Duration::ZERO));
    }
}
