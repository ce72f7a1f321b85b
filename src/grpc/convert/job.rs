//! User import jobs.

use super::{number, optional, timestamp, unknown};
use crate::api::v1;
use crate::domain::error::Error;
use crate::domain::job::{FailureReason, JobStatus};
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;
use crate::operations::jobs::{CreateJob, JobView};

const ALGORITHMS: &[&str] = &["BCRYPT", "SCRYPT", "ARGON2ID", "PBKDF2_SHA256"];

/// A request for a new job.
///
/// # Errors
/// Invalid argument: a number that is no algorithm's.
pub(in crate::grpc) fn create_job(
    request: v1::CreateUserImportJobRequest,
) -> Result<CreateJob, Error> {
    Ok(CreateJob {
        user_pool_id: request.user_pool_id,
        job_name: request.job_name,
        cloud_watch_logs_role_arn: optional(request.cloud_watch_logs_role_arn),
        password_hashing_algorithm: asked_algorithm(request.password_hashing_algorithm)?,
        max_rejected_percent: request.max_rejected_percent,
        request_id: optional(request.request_id),
    })
}

/// A job as its caller may see it.
pub(in crate::grpc) fn job(view: JobView) -> v1::UserImportJob {
    let job = view.job;
    v1::UserImportJob {
        job_name: job.job_name,
        job_id: job.job_id.to_string(),
        user_pool_id: job.user_pool_id.to_string(),
        pre_signed_url: view.pre_signed_url.unwrap_or_default(),
        creation_date: Some(timestamp(job.creation_date)),
        start_date: job.start_date.map(timestamp),
        completion_date: job.completion_date.map(timestamp),
        status: status(job.status).into(),
        cloud_watch_logs_role_arn: job.cloud_watch_logs_role_arn.unwrap_or_default(),
        imported_users: number(job.counters.imported),
        skipped_users: number(job.counters.skipped),
        failed_users: number(job.counters.failed),
        completion_message: job.completion_message.unwrap_or_default(),
        password_hashing_algorithm: job
            .password_hashing_algorithm
            .map_or(v1::PasswordHashingAlgorithm::Unspecified, algorithm)
            .into(),
        expires_at: Some(timestamp(job.expires_at)),
        processed_bytes: number(job.processed_bytes),
        total_bytes: job.total_bytes.map(number),
        total_rows: job.total_rows.map(number),
        failure_reason: job
            .failure_reason
            .map_or(v1::FailureReason::Unspecified, failure_reason)
            .into(),
        max_rejected_percent: job.max_rejected_percent.into(),
        pre_signed_url_headers: view.pre_signed_url_headers.into_iter().collect(),
    }
}

fn status(status: JobStatus) -> v1::UserImportJobStatus {
    use v1::UserImportJobStatus as Status;
    match status {
        JobStatus::Created => Status::Created,
        JobStatus::Pending => Status::Pending,
        JobStatus::InProgress => Status::InProgress,
        JobStatus::Stopping => Status::Stopping,
        JobStatus::Stopped => Status::Stopped,
        JobStatus::Succeeded => Status::Succeeded,
        JobStatus::Failed => Status::Failed,
        JobStatus::Expired => Status::Expired,
    }
}

fn failure_reason(reason: FailureReason) -> v1::FailureReason {
    use v1::FailureReason as Reason;
    match reason {
        FailureReason::TooManyRejectedRows => Reason::TooManyRejectedRows,
        FailureReason::InvalidHeader => Reason::InvalidHeader,
        FailureReason::InvalidEncoding => Reason::InvalidEncoding,
        FailureReason::MissingPasswordHashColumn => Reason::MissingPasswordHashColumn,
        FailureReason::TooManyRows => Reason::TooManyRows,
        FailureReason::UploadMissing => Reason::UploadMissing,
        FailureReason::UploadChanged => Reason::UploadChanged,
        FailureReason::NoProgress => Reason::NoProgress,
    }
}

fn algorithm(algorithm: PasswordHashingAlgorithm) -> v1::PasswordHashingAlgorithm {
    use v1::PasswordHashingAlgorithm as Algorithm;
    match algorithm {
        PasswordHashingAlgorithm::Bcrypt => Algorithm::Bcrypt,
        PasswordHashingAlgorithm::Scrypt => Algorithm::Scrypt,
        PasswordHashingAlgorithm::Argon2id => Algorithm::Argon2id,
        PasswordHashingAlgorithm::Pbkdf2Sha256 => Algorithm::Pbkdf2Sha256,
    }
}

fn asked_algorithm(asked: i32) -> Result<Option<PasswordHashingAlgorithm>, Error> {
    use v1::PasswordHashingAlgorithm as Algorithm;
    let known = Algorithm::try_from(asked)
        .map_err(|_| unknown("password_hashing_algorithm", asked, ALGORITHMS))?;
    Ok(match known {
        Algorithm::Unspecified => None,
        Algorithm::Bcrypt => Some(PasswordHashingAlgorithm::Bcrypt),
        Algorithm::Scrypt => Some(PasswordHashingAlgorithm::Scrypt),
        Algorithm::Argon2id => Some(PasswordHashingAlgorithm::Argon2id),
        Algorithm::Pbkdf2Sha256 => Some(PasswordHashingAlgorithm::Pbkdf2Sha256),
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{JobId, UserPoolId};
    use crate::domain::job::{Counters, UserImportJob};

    /// The words of both sides are the same, and so every case is right and
    /// the proto has no case that the domain lacks.
    #[test]
    fn words_are_those_of_the_domain() {
        for s in JobStatus::ALL {
            let word = format!("USER_IMPORT_JOB_STATUS_{}", s.as_str());
            assert_eq!(status(s).as_str_name(), word);
        }
        for r in FailureReason::ALL {
            let word = format!("FAILURE_REASON_{}", r.as_str());
            assert_eq!(failure_reason(r).as_str_name(), word);
        }
        for a in PasswordHashingAlgorithm::ALL {
            let word = format!("PASSWORD_HASHING_ALGORITHM_{}", a.as_str());
            assert_eq!(algorithm(a).as_str_name(), word);
            assert!(ALGORITHMS.contains(&a.as_str()));
        }
        for n in 1..=8 {
            let theirs = v1::UserImportJobStatus::try_from(n).expect("a status");
            assert!(JobStatus::ALL.into_iter().any(|s| status(s) == theirs));
            let theirs = v1::FailureReason::try_from(n).expect("a reason");
            assert!(
                FailureReason::ALL
                    .into_iter()
                    .any(|r| failure_reason(r) == theirs)
            );
        }
        assert!(v1::UserImportJobStatus::try_from(9).is_err());
        assert!(v1::FailureReason::try_from(9).is_err());
    }

    #[test]
    fn an_algorithm_is_read_back_and_an_unknown_one_refused() {
        assert_eq!(asked_algorithm(0).expect("none"), None);
        for a in PasswordHashingAlgorithm::ALL {
            let asked = algorithm(a).into();
            assert_eq!(asked_algorithm(asked).expect("known"), Some(a));
        }
        for bad in [5, -1] {
            let error = asked_algorithm(bad).expect_err("refused");
            assert_eq!(
                error.to_string(),
                "password_hashing_algorithm must be one of BCRYPT, SCRYPT, ARGON2ID, PBKDF2_SHA256"
            );
        }
    }

    #[test]
    fn a_new_job_has_its_counters_and_nothing_that_is_not_yet() {
        let view = JobView {
            job: UserImportJob {
                user_pool_id: UserPoolId::parse("local_1").expect("an id"),
                job_id: JobId(Uuid::from_u128(1)),
                job_name: "n".into(),
                status: JobStatus::Created,
                cloud_watch_logs_role_arn: None,
                password_hashing_algorithm: None,
                max_rejected_percent: 50,
                creation_date: datetime!(2026-03-01 12:00 UTC),
                expires_at: datetime!(2026-03-02 12:00 UTC),
                start_date: None,
                completion_date: None,
                completion_message: None,
                failure_reason: None,
                counters: Counters {
                    imported: 3,
                    skipped: 2,
                    failed: 1,
                },
                processed_bytes: 0,
                upload: None,
                total_rows: None,
                total_bytes: None,
            },
            pre_signed_url: None,
            pre_signed_url_headers: Default::default(),
        };
        let job = job(view);
        assert_eq!(job.pre_signed_url, "");
        assert_eq!(
            (job.imported_users, job.skipped_users, job.failed_users),
            (3, 2, 1)
        );
        assert!(job.start_date.is_none() && job.completion_date.is_none());
        assert!(job.total_bytes.is_none() && job.total_rows.is_none());
        assert_eq!(job.failure_reason(), v1::FailureReason::Unspecified);
        assert_eq!(
            job.password_hashing_algorithm(),
            v1::PasswordHashingAlgorithm::Unspecified
        );
        let day = job.expires_at.expect("set").seconds - job.creation_date.expect("set").seconds;
        assert_eq!(day, 24 * 3600);
    }
}
