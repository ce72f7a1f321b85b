//! Dates of birth.

use std::fmt;

use time::Month;
use time::util::days_in_month;

/// A day, kept as it is stored: `yyyy-mm-dd`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Birthdate([u8; 10]);

impl Birthdate {
    /// Parses `mm/dd/yyyy`; `None` when it is not of that form, or no day of the
    /// Gregorian calendar in the years 0001-9999.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let &[m1, m2, b'/', d1, d2, b'/', y1, y2, y3, y4] = value.as_bytes() else {
            return None;
        };
        let year = number(&[y1, y2, y3, y4])?;
        let month = Month::try_from(u8::try_from(number(&[m1, m2])?).ok()?).ok()?;
        let day = number(&[d1, d2])?;
        let last = u16::from(days_in_month(month, i32::from(year)));
        let real = year >= 1 && (1..=last).contains(&day);
        real.then_some(Self([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]))
    }

    /// The day as `yyyy-mm-dd`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Digits and hyphens only, so always text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Birthdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Birthdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Birthdate({self})")
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |n, d| {
        d.is_ascii_digit().then(|| n * 10 + u16::from(d - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_days_are_stored_as_iso_8601_writes_them() {
        for (value, stored) in [
            ("02/01/1985", "1985-02-01"),
            ("02/29/2000", "2000-02-29"),
            ("02/29/2024", "2024-02-29"),
            ("12/31/9999", "9999-12-31"),
            ("01/01/0001", "0001-01-01"),
        ] {
            assert_eq!(
                Birthdate::parse(value).map(|b| b.to_string()),
                Some(stored.to_owned())
            );
        }
    }

    #[test]
    fn other_forms_and_days_that_never_were_are_refused() {
        for bad in [
            "",
            "02/29/1900",
            "02/29/2023",
            "02/30/2024",
            "04/31/2024",
            "00/01/2024",
            "13/01/2024",
            "01/00/2024",
            "01/32/2024",
            "01/01/0000",
            "1/1/2024",
            "01/01/24",
            "2024-01-01",
            "01-01-2024",
            "01/01/2024 ",
            "01/01/20245",
            "0x/01/2024",
            "+1/01/2024",
            "01/ 1/2024",
            "٠1/01/202",
        ] {
            assert_eq!(Birthdate::parse(bad), None, "{bad}");
        }
    }
}
