//! The fields of requests, and their rules (`docs/contract.md`, "Fields"). All
//! faults of a request are found, not only the first.

use uuid::Uuid;

use crate::domain::error::{Constraint, Error, FieldViolation};
use crate::domain::ids::{JobId, UserPoolId};

/// Names of pools and jobs, as AWS publishes the rule.
const NAME_PATTERN: &str = r"[\w\s+=,.@-]+";
/// The ARN of a role, as AWS publishes the rule.
const ARN_PATTERN: &str = r"arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?";

/// A page of a listing: how many, and from where.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// 1-60; `None` means 20.
    pub size: Option<i32>,
    /// The token that the page before answered.
    pub token: Option<String>,
}

impl Page {
    /// The size of a page unless asked for.
    pub const DEFAULT_SIZE: i32 = 20;
    /// The largest page.
    pub const MAX_SIZE: i32 = 60;
}

/// Collects what is wrong with the fields of a request.
#[derive(Debug, Default)]
pub struct Fields {
    violations: Vec<FieldViolation>,
}

impl Fields {
    /// Notes a fault.
    pub fn refuse(&mut self, field: impl Into<String>, value: Option<&str>, rule: Constraint) {
        self.violations.push(FieldViolation {
            field: field.into(),
            value: value.map(str::to_owned),
            constraint: rule,
        });
    }

    /// Ends in all faults that were noted.
    pub fn finish(self) -> Result<(), Error> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid_fields(self.violations))
        }
    }

    /// Answers a value that must be there once no fault was noted; the other
    /// way round, a value that is missing has left a fault.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Error> {
        self.finish()?;
        value.ok_or_else(|| Error::internal("a field is missing and nothing was noted"))
    }

    /// Length bounds in characters; false when one is broken.
    fn length(&mut self, field: &'static str, value: &str, min: usize, max: usize) -> bool {
        let n = value.chars().count();
        if n < min {
            let rule = if value.is_empty() && min == 1 {
                Constraint::Required
            } else {
                Constraint::MinLength(min)
            };
            self.refuse(field, Some(value), rule);
        } else if n > max {
            self.refuse(field, Some(value), Constraint::MaxLength(max));
        } else {
            return true;
        }
        false
    }

    /// `user_pool_id`.
    pub fn user_pool_id(&mut self, value: &str) -> Option<UserPoolId> {
        const FIELD: &str = "user_pool_id";
        if !self.length(FIELD, value, 1, UserPoolId::MAX) {
            return None;
        }
        let id = UserPoolId::parse(value);
        if id.is_none() {
            self.refuse(FIELD, Some(value), Constraint::Pattern(UserPoolId::PATTERN));
        }
        id
    }

    /// `job_id`. `Some(None)`: well-formed, but none that muster issued.
    pub fn job_id(&mut self, value: &str) -> Option<Option<JobId>> {
        const FIELD: &str = "job_id";
        if !self.length(FIELD, value, 1, JobId::MAX) {
            return None;
        }
        match JobId::parse(value) {
            Ok(id) => Some(id),
            Err(()) => {
                self.refuse(FIELD, Some(value), Constraint::Pattern(JobId::PATTERN));
                None
            }
        }
    }

    /// `job_name`, `pool_name`: 1-128 characters of a name.
    pub fn name(&mut self, field: &'static str, value: &str) {
        if self.length(field, value, 1, 128)
            && !value.chars().all(|c| {
                c.is_alphanumeric() || c.is_whitespace() || c == '_' || "+=,.@-".contains(c)
            })
        {
            self.refuse(field, Some(value), Constraint::Pattern(NAME_PATTERN));
        }
    }

    /// `cloud_watch_logs_role_arn`.
    pub fn role_arn(&mut self, value: &str) {
        const FIELD: &str = "cloud_watch_logs_role_arn";
        if self.length(FIELD, value, 20, 2048) && !is_arn(value) {
            self.refuse(FIELD, Some(value), Constraint::Pattern(ARN_PATTERN));
        }
    }

    /// `max_rejected_percent`.
    pub fn max_rejected_percent(&mut self, value: Option<i32>) -> u8 {
        const FIELD: &str = "max_rejected_percent";
        let value = value.unwrap_or(50);
        if value < 0 {
            self.refuse(FIELD, Some(&value.to_string()), Constraint::Min(0));
        } else if value > 100 {
            self.refuse(FIELD, Some(&value.to_string()), Constraint::Max(100));
        }
        u8::try_from(value).unwrap_or(0)
    }

    /// `request_id`: a UUID in any of its usual forms.
    pub fn request_id(&mut self, value: Option<&str>) -> Option<Uuid> {
        let value = value?;
        let id = Uuid::try_parse(value).ok();
        if id.is_none() {
            self.refuse(
                "request_id",
                Some(value),
                Constraint::Other("must be a UUID".into()),
            );
        }
        id
    }

    /// `page_size`.
    pub fn page_size(&mut self, value: Option<i32>) -> usize {
        const FIELD: &str = "page_size";
        let value = value.unwrap_or(Page::DEFAULT_SIZE);
        if value < 1 {
            self.refuse(FIELD, Some(&value.to_string()), Constraint::Min(1));
        } else if value > Page::MAX_SIZE {
            self.refuse(
                FIELD,
                Some(&value.to_string()),
                Constraint::Max(i64::from(Page::MAX_SIZE)),
            );
        }
        usize::try_from(value).unwrap_or(0)
    }
}

/// [`ARN_PATTERN`], over the whole value.
fn is_arn(value: &str) -> bool {
    let word = |s: &str| {
        s.chars()
            .all(|c| c.is_alphanumeric() || "_+=/,.@-".contains(c))
    };
    let parts: Vec<&str> = value.split(':').collect();
    let [arn, partition, service, region, account, rest @ ..] = parts.as_slice() else {
        return false;
    };
    *arn == "arn"
        && [partition, service]
            .iter()
            .all(|p| !p.is_empty() && word(p))
        && word(region)
        && !account.is_empty()
        && account.bytes().all(|b| b.is_ascii_digit())
        && (1..=3).contains(&rest.len())
        && rest.iter().all(|p| !p.is_empty() && word(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns() {
        for good in [
            "arn:aws:iam::111122223333:role/r",
            "arn:aws:iam:us-east-1:1:a:b:c",
        ] {
            assert!(is_arn(good), "{good}");
        }
        for bad in [
            "arn:aws:iam::111122223333",
            "arn:aws:iam::111122223333:",
            "arn:aws:iam::x:role/r",
            "arn:aws:iam::1:a:b:c:d",
            "arm:aws:iam::1:role/r",
            "arn:aws:iam::1:role r",
        ] {
            assert!(!is_arn(bad), "{bad}");
        }
    }

    #[test]
    fn all_faults_of_a_request_are_found() {
        let mut f = Fields::default();
        assert!(f.user_pool_id("x").is_none());
        assert!(f.job_id("").is_none());
        f.name("job_name", "a/b");
        f.role_arn("short");
        f.max_rejected_percent(Some(101));
        f.request_id(Some("nonsense"));
        f.page_size(Some(61));
        let error = f.finish().unwrap_err();
        for part in [
            r"user_pool_id must match [\w-]+_[0-9a-zA-Z]+",
            "job_id is required",
            "job_name must match",
            "cloud_watch_logs_role_arn must have at least 20 characters",
            "max_rejected_percent must be at most 100",
            "request_id must be a UUID",
            "page_size must be at most 60",
        ] {
            assert!(error.to_string().contains(part), "{error} lacks {part}");
        }
    }
}
