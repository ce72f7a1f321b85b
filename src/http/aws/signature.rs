//! AWS Signature Version 4, as a server sees it: the request is signed again
//! with the secret that the access key belongs to, and both must agree.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::fault::Fault;
use super::operation::{TARGET, single};

/// The service that a signature has to be for.
const SERVICE: &str = "cognito-idp";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const DATE: &str = "x-amz-date";
/// How far the caller's clock may be from ours (AWS's limit).
const SKEW: Duration = Duration::minutes(5);
const BASIC: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// A request's signature, taken apart.
#[derive(Debug)]
pub(super) struct Signature<'r> {
    /// The key that signed, by its own account.
    pub(super) access_key_id: &'r str,
    region: &'r str,
    signed_headers: Vec<&'r str>,
    signature: &'r str,
    date: &'r str,
    time: OffsetDateTime,
}

impl<'r> Signature<'r> {
    /// Takes a signature apart, and sees whether it is one for this service.
    ///
    /// # Errors
    /// Missing authentication token, incomplete signature, invalid signature.
    pub(super) fn parse(headers: &'r HeaderMap, region: Option<&str>) -> Result<Self, Fault> {
        if !headers.contains_key(AUTHORIZATION) {
            return Err(Fault::missing_authentication_token());
        }
        let value = single(headers, AUTHORIZATION.as_str()).ok_or_else(|| {
            Fault::incomplete_signature("The Authorization header has to be there once, as text.")
        })?;
        let parameters = value
            .trim()
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.starts_with([' ', '\t']))
            .ok_or_else(|| {
                Fault::incomplete_signature(format!(
                    "Authorization header requires the algorithm '{ALGORITHM}'."
                ))
            })?;
        let Parameters {
            credential,
            signed_headers,
            signature,
        } = Parameters::parse(parameters, headers)?;
        let [access_key_id, day, signed_region, service, terminator] =
            credential.split('/').collect::<Vec<_>>()[..]
        else {
            return Err(Fault::incomplete_signature(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            ));
        };
        let date = single(headers, DATE).unwrap_or_default();
        let time = parse_date(date).ok_or_else(|| {
            Fault::incomplete_signature(format!(
                "Date must be in ISO-8601 'basic format', and the header X-Amz-Date there once. Got '{}'.",
                date.chars().take(32).collect::<String>()
            ))
        })?;

        let wrong = |message: String| Err(Fault::invalid_signature(message));
        if terminator != TERMINATOR {
            return wrong(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}'."
            ));
        }
        if service != SERVICE {
            return wrong(format!(
                "Credential should be scoped to correct service: '{SERVICE}'."
            ));
        }
        if region.is_some_and(|region| region != signed_region) {
            return wrong("Credential should be scoped to a valid region.".to_owned());
        }
        if !date.starts_with(day) || day.len() != 8 {
            return wrong(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}'.",
                date
            ));
        }
        let signed_headers: Vec<&str> = signed_headers.split(';').collect();
        // The target chooses the operation: unsigned, anybody on the way could.
        for (name, told) in [
            ("host", "'Host' or ':authority'"),
            (DATE, "'X-Amz-Date'"),
            (TARGET, "'X-Amz-Target'"),
        ] {
            if !signed_headers.contains(&name) {
                return wrong(format!(
                    "{told} must be a 'SignedHeader' in the AWS Authorization."
                ));
            }
        }
        Ok(Self {
            access_key_id,
            region: signed_region,
            signed_headers,
            signature,
            date,
            time,
        })
    }

    /// Refuses a signature that is too old, or not yet good.
    ///
    /// # Errors
    /// Invalid signature.
    pub(super) fn check_time(&self, now: OffsetDateTime) -> Result<(), Fault> {
        let told = |time: OffsetDateTime| time.format(BASIC).unwrap_or_default();
        let date = self.date;
        let message = if self.time < now - SKEW {
            format!(
                "Signature expired: {date} is now earlier than {} ({} - 5 min.)",
                told(now - SKEW),
                told(now)
            )
        } else if self.time > now + SKEW {
            format!(
                "Signature not yet current: {date} is still later than {} ({} + 5 min.)",
                told(now + SKEW),
                told(now)
            )
        } else {
            return Ok(());
        };
        Err(Fault::invalid_signature(message))
    }

    /// Refuses a signature that `secret` does not make of this request.
    ///
    /// # Errors
    /// Invalid signature, which does not say what it should have been.
    pub(super) fn verify(&self, secret: &str, parts: &Parts, body: &[u8]) -> Result<(), Fault> {
        let right = self
            .calculate(secret, parts, body)
            .ok_or_else(|| Fault::invalid_signature(MISMATCH))?;
        // Compared without a shortcut, so that the time tells nothing.
        let differ = right
            .bytes()
            .zip(self.signature.bytes())
            .fold(right.len() ^ self.signature.len(), |d, (a, b)| {
                d | usize::from(a ^ b)
            });
        if differ == 0 {
            return Ok(());
        }
        Err(Fault::invalid_signature(MISMATCH))
    }

    /// The signature of the request by `secret`; `None` for a request that
    /// cannot have been signed at all.
    fn calculate(&self, secret: &str, parts: &Parts, body: &[u8]) -> Option<String> {
        let mut headers = Vec::new();
        for name in &self.signed_headers {
            let mut values = parts.headers.get_all(*name).iter().peekable();
            // A header that was signed and is not there was taken away.
            values.peek()?;
            for value in values {
                headers.push((*name, std::str::from_utf8(value.as_bytes()).ok()?));
            }
        }
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        // The host is among the headers: this one only completes the URI.
        let uri = format!("http://host{path}");
        let request = SignableRequest::new(
            parts.method.as_str(),
            uri,
            headers.into_iter(),
            SignableBody::Bytes(body),
        )
        .ok()?;
        let mut settings = SigningSettings::default();
        // The caller has said which headers it signed.
        settings.excluded_headers = None;
        let identity = Credentials::new(self.access_key_id, secret, None, None, "muster").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(SERVICE)
            .time(SystemTime::from(self.time))
            .settings(settings)
            .build()
            .ok()?
            .into();
        let (_, signature) = sign(request, &params).ok()?.into_parts();
        Some(signature)
    }
}

/// The parameters of an `Authorization` header.
struct Parameters<'h> {
    credential: &'h str,
    signed_headers: &'h str,
    signature: &'h str,
}

impl<'h> Parameters<'h> {
    fn parse(text: &'h str, headers: &HeaderMap) -> Result<Self, Fault> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for parameter in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let Some((name, value)) = parameter.split_once('=') else {
                return Err(Fault::incomplete_signature(
                    "A parameter is not a valid key=value pair (missing equal-sign) in Authorization header.",
                ));
            };
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Fault::incomplete_signature(format!(
                    "Authorization header has the parameter '{name}' twice."
                )));
            }
        }
        let mut missing: Vec<String> = [
            ("Credential", credential),
            ("Signature", signature),
            ("SignedHeaders", signed_headers),
        ]
        .into_iter()
        .filter(|(_, value)| value.is_none_or(str::is_empty))
        .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
        .collect();
        if !headers.contains_key(DATE) {
            missing
                .push("Authorization header requires existence of a 'X-Amz-Date' header.".into());
        }
        match (credential, signed_headers, signature) {
            (Some(credential), Some(signed_headers), Some(signature)) if missing.is_empty() => {
                Ok(Self {
                    credential,
                    signed_headers,
                    signature,
                })
            }
            _ => Err(Fault::incomplete_signature(missing.join(" "))),
        }
    }
}

/// A time in ISO 8601's basic format; in no other, since it is signed as text.
fn parse_date(text: &str) -> Option<OffsetDateTime> {
    if text.len() != 16 || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    PrimitiveDateTime::parse(text, BASIC)
        .ok()
        .map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests;
