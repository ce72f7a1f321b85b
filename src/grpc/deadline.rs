//! How long a call may take: what `grpc-timeout` says, and what the server
//! allows.

use std::time::Duration;

use axum::http::HeaderMap;

use crate::domain::error::{Constraint, Error};

const HEADER: &str = "grpc-timeout";

/// How long before a caller's deadline it is answered: a twentieth of its
/// time, within these bounds. The answer has to travel.
const MARGIN: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(50)];

/// How long the call may take by what its caller says, if it says. Zero where
/// nothing that is worth beginning can end in time.
///
/// # Errors
/// Invalid argument when the header is not of gRPC's form: 1-8 digits and a unit.
pub(super) fn allowed(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let allowed = value.to_str().ok().and_then(parse).ok_or_else(|| {
        let rule = "must be 1-8 digits and one of H, M, S, m, u, n";
        Error::invalid(HEADER, None, Constraint::Other(rule.into()))
    })?;
    let [least, most] = MARGIN;
    let margin = (allowed / 20).clamp(least, most);
    Ok(Some(allowed.saturating_sub(margin)))
}

/// `grpc-timeout`, as "gRPC over HTTP2" has it.
fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(n * 3600),
        "M" => Duration::from_secs(n * 60),
        "S" => Duration::from_secs(n),
        "m" => Duration::from_millis(n),
        "u" => Duration::from_micros(n),
        "n" => Duration::from_nanos(n),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        for (text, time) in [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
            ("0S", Duration::ZERO),
        ] {
            assert_eq!(parse(text), Some(time), "{text}");
        }
        for bad in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "1 S",
            "1.5S",
            "123456789S",
            "1é",
            "é",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn callers_are_answered_before_their_deadline() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, value.parse().expect("a header value"));
            allowed(&headers)
        };
        assert_eq!(allowed(&HeaderMap::new()).expect("none"), None);
        for (given, left) in [
            ("1H", 3_599_950),
            ("400m", 380),
            ("50m", 45),
            ("4m", 0),
            ("0n", 0),
        ] {
            let left = Duration::from_millis(left);
            assert_eq!(with(given).expect("read"), Some(left), "{given}");
        }
        let error = with("soon").expect_err("refused");
        assert!(error.to_string().starts_with("grpc-timeout must be"));
    }
}
