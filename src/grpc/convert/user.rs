//! Users.

use super::{number, timestamp};
use crate::api::v1;
use crate::domain::user::{User, UserStatus};

/// A user.
pub(in crate::grpc) fn user(user: User) -> v1::User {
    v1::User {
        username: user.username,
        sub: user.sub.to_string(),
        user_status: status(user.user_status).into(),
        enabled: user.enabled,
        attributes: user.attributes.into_iter().collect(),
        user_create_date: Some(timestamp(user.user_create_date)),
        import_job_id: user.import_job_id.to_string(),
        import_line: number(user.import_line),
    }
}

fn status(status: UserStatus) -> v1::UserStatus {
    match status {
        UserStatus::Confirmed => v1::UserStatus::Confirmed,
        UserStatus::ResetRequired => v1::UserStatus::ResetRequired,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::JobId;

    #[test]
    fn a_user_is_told_whole() {
        for known in [UserStatus::Confirmed, UserStatus::ResetRequired] {
            let told = user(User {
                username: "ann".into(),
                sub: Uuid::from_u128(1),
                user_status: known,
                enabled: true,
                attributes: BTreeMap::from([("email".into(), "ann@example.com".into())]),
                user_create_date: datetime!(2026-03-01 12:00 UTC),
                import_job_id: JobId(Uuid::from_u128(2)),
                import_line: 3,
            });
            let word = format!("USER_STATUS_{}", known.as_str());
            assert_eq!(told.user_status().as_str_name(), word);
            assert_eq!(told.attributes["email"], "ann@example.com");
            assert_eq!(told.import_job_id, JobId(Uuid::from_u128(2)).to_string());
            assert_eq!((told.import_line, told.enabled), (3, true));
        }
    }
}
