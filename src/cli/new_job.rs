//! What a new job is asked for: by `muster import` and `muster jobs create`.

use clap::{Args, ValueEnum};
use uuid::Uuid;

use crate::api::v1::{CreateUserImportJobRequest, PasswordHashingAlgorithm};

/// Where a new job's users go, and what it takes.
#[derive(Debug, Args)]
pub struct JobOptions {
    /// The user pool that the users go to
    #[arg(long, value_name = "ID")]
    pub pool: String,
    /// The job is FAILED when more than this share of all rows is rejected [default: 50]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i32).range(0..=100))]
    max_rejected_percent: Option<i32>,
    /// The format of every password_hash [default: each value is recognised by its own]
    #[arg(long, value_name = "ALGORITHM", value_enum, ignore_case = true)]
    password_hashing_algorithm: Option<Algorithm>,
}

/// The format of password hashes.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Algorithm {
    Bcrypt,
    Scrypt,
    Argon2id,
    #[value(alias = "pbkdf2_sha256")]
    Pbkdf2Sha256,
}

impl From<Algorithm> for PasswordHashingAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Bcrypt => Self::Bcrypt,
            Algorithm::Scrypt => Self::Scrypt,
            Algorithm::Argon2id => Self::Argon2id,
            Algorithm::Pbkdf2Sha256 => Self::Pbkdf2Sha256,
        }
    }
}

impl JobOptions {
    /// The least that can be said.
    #[cfg(test)]
    pub fn for_pool(pool: &str) -> Self {
        Self {
            pool: pool.to_owned(),
            max_rejected_percent: None,
            password_hashing_algorithm: None,
        }
    }

    /// The request for the job, with an id that makes it safe to repeat.
    #[must_use]
    pub fn request(self, job_name: String) -> CreateUserImportJobRequest {
        CreateUserImportJobRequest {
            user_pool_id: self.pool,
            job_name,
            cloud_watch_logs_role_arn: String::new(),
            password_hashing_algorithm: self
                .password_hashing_algorithm
                .map_or(PasswordHashingAlgorithm::Unspecified, Into::into)
                .into(),
            max_rejected_percent: self.max_rejected_percent,
            request_id: request_id(),
        }
    }
}

/// An id for one request and its repetitions.
#[must_use]
pub fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// A job's name made of a file's: characters that no job name may have become
/// `-`, and 128 are kept.
#[must_use]
pub fn name_of(file_name: &str) -> String {
    let name: String = file_name
        .chars()
        .map(|c| {
            let allowed = c.is_ascii_alphanumeric() || " _+=,.@-".contains(c);
            if allowed { c } else { '-' }
        })
        .take(128)
        .collect();
    if name.is_empty() {
        "import".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_becomes_a_job_name() {
        assert_eq!(name_of("users 2025_06.csv"), "users 2025_06.csv");
        assert_eq!(name_of("users(1)é.csv"), "users-1--.csv");
        assert_eq!(name_of(""), "import");
        assert_eq!(name_of(&"é".repeat(200)).len(), 128);
    }
}
