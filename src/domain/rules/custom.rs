//! Values of a pool's own attributes.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::boolean;
use crate::domain::pool::{AttributeDataType, CustomAttribute};

/// Whether `value` is of the attribute's type and within its bounds. Of any
/// type it is at most [`CustomAttribute::MAX_LENGTH`] characters long.
#[must_use]
pub fn is_valid(value: &str, attribute: &CustomAttribute) -> bool {
    let length = || i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
    let short = || length() <= CustomAttribute::MAX_LENGTH;
    match attribute.data_type {
        AttributeDataType::String => {
            let least = attribute.minimum.unwrap_or(0);
            let greatest = attribute.maximum.unwrap_or(CustomAttribute::MAX_LENGTH);
            (least..=greatest).contains(&length())
        }
        AttributeDataType::Number => {
            short()
                && Decimal::parse(value).is_some_and(|number| {
                    attribute.minimum.is_none_or(|least| number.at_least(least))
                        && attribute.maximum.is_none_or(|most| number.at_most(most))
                })
        }
        AttributeDataType::Boolean => boolean::parse(value).is_some(),
        AttributeDataType::DateTime => short() && OffsetDateTime::parse(value, &Rfc3339).is_ok(),
    }
}

/// A number of any length, known as exactly as a comparison with an `i64` needs.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    /// The greatest whole number that is not above it, or one far outside `i64`.
    floor: i128,
    is_whole: bool,
}

impl Decimal {
    /// Parses `-?digits[.digits]`.
    fn parse(value: &str) -> Option<Self> {
        let (negative, magnitude) = match value.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, value),
        };
        let (whole, fraction) = match magnitude.split_once('.') {
            Some((whole, fraction)) => (whole, fraction),
            None => (magnitude, "0"),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return None;
        }
        let is_whole = fraction.bytes().all(|b| b == b'0');
        // Only too many digits can fail here.
        let whole = i128::from(whole.parse::<u64>().unwrap_or(u64::MAX));
        let floor = match (negative, is_whole) {
            (false, _) => whole,
            (true, true) => -whole,
            (true, false) => -whole - 1,
        };
        Some(Self { floor, is_whole })
    }

    fn at_least(self, least: i64) -> bool {
        self.floor >= i128::from(least)
    }

    fn at_most(self, most: i64) -> bool {
        let most = i128::from(most);
        self.floor < most || (self.floor == most && self.is_whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(
        data_type: AttributeDataType,
        minimum: Option<i64>,
        maximum: Option<i64>,
    ) -> CustomAttribute {
        CustomAttribute {
            name: "a".to_owned(),
            data_type,
            minimum,
            maximum,
            required: false,
        }
    }

    #[test]
    fn strings_are_bounded_in_characters() {
        let bounded = attribute(AttributeDataType::String, Some(2), Some(3));
        for (value, good) in [("é", false), ("éé", true), ("ééé", true), ("éééé", false)]
        {
            assert_eq!(is_valid(value, &bounded), good, "{value}");
        }
        let free = attribute(AttributeDataType::String, None, None);
        assert!(is_valid(&"é".repeat(2048), &free));
        assert!(!is_valid(&"é".repeat(2049), &free));
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let number = |min, max| attribute(AttributeDataType::Number, min, max);
        let small = number(Some(-2), Some(3));
        for good in [
            "-2", "-2.0", "-1.999", "0", "-0", "-0.0", "3", "3.000", "2.999", "003",
        ] {
            assert!(is_valid(good, &small), "{good}");
        }
        for bad in ["-2.0001", "-3", "3.0001", "4", "99999999999999999999999999"] {
            assert!(!is_valid(bad, &small), "{bad}");
        }
        let whole = number(Some(i64::MIN), Some(i64::MAX));
        for good in [
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775806.9",
        ] {
            assert!(is_valid(good, &whole), "{good}");
        }
        for bad in [
            "9223372036854775807.1",
            "9223372036854775808",
            "-9223372036854775808.1",
            "-9223372036854775809",
            "18446744073709551616",
            "-18446744073709551616",
        ] {
            assert!(!is_valid(bad, &whole), "{bad}");
        }
    }

    #[test]
    fn numbers_have_one_form() {
        let free = attribute(AttributeDataType::Number, None, None);
        assert!(is_valid(&"9".repeat(2048), &free));
        assert!(!is_valid(&"9".repeat(2049), &free));
        for bad in [
            "", "-", ".", "1.", ".5", "+1", "1e5", "--1", "1.2.3", "1,5", " 1", "NaN", "0x1", "١",
            "1.-5",
        ] {
            assert!(!is_valid(bad, &free), "{bad}");
        }
    }

    #[test]
    fn booleans() {
        let boolean = attribute(AttributeDataType::Boolean, None, None);
        assert!(is_valid("tRUE", &boolean) && is_valid("false", &boolean));
        assert!(!is_valid("1", &boolean));
    }

    #[test]
    fn date_times_are_rfc_3339() {
        let date_time = attribute(AttributeDataType::DateTime, None, None);
        for good in [
            "2024-02-29T23:59:59Z",
            "2024-02-29T23:59:59.123456789+05:30",
            "1937-01-01T12:00:27.87+00:20",
            "1990-12-31T23:59:60Z",
        ] {
            assert!(is_valid(good, &date_time), "{good}");
        }
        for bad in [
            "",
            "2024-02-29",
            "2023-02-29T00:00:00Z",
            "2024-02-29T24:00:00Z",
            "2024-02-29T23:59:59",
            "2024-02-29T23:59Z",
            "20240229T235959Z",
            "1700000000",
        ] {
            assert!(!is_valid(bad, &date_time), "{bad}");
        }
    }
}
