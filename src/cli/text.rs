//! How numbers, times and other people's texts are shown.

use std::time::Duration;

use prost_types::Timestamp;

/// The text with control characters taken out: what comes from a server or a
/// file must neither break the line nor command the terminal.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}

/// `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `987 B`, `12.3 MB`: decimal units.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "three digits of it are shown at most"
)]
pub fn bytes(number: u64) -> String {
    if number < 1000 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1000.0;
    let mut unit = "kB";
    for next in ["MB", "GB", "TB"] {
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// `4 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    // Rounded up, so that "0 s left" means none.
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// RFC 3339 in UTC, to the second; nothing for no time.
#[must_use]
pub fn time(timestamp: Option<Timestamp>) -> String {
    timestamp.map_or_else(String::new, |t| Timestamp { nanos: 0, ..t }.to_string())
}

/// The name of an enum's value, without the enum's own.
#[must_use]
pub fn enum_name(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn bytes_have_decimal_units() {
        for (number, text) in [
            (987, "987 B"),
            (1000, "1.0 kB"),
            (12_345_678, "12.3 MB"),
            (999_999, "1.0 MB"),
            (5_368_709_120, "5.4 GB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn durations_round_up_and_show_two_units() {
        for (millis, text) in [
            (0, "0 s"),
            (1, "1 s"),
            (59_001, "1 min 0 s"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn times_are_rfc_3339_without_fractions() {
        let at = Timestamp {
            seconds: 1_750_000_000,
            nanos: 123_456_789,
        };
        assert_eq!(time(Some(at)), "2025-06-15T15:06:40Z");
        assert_eq!(time(None), "");
    }
}
