//! A user import job: its statuses, who moves it, and how it ends.

use time::OffsetDateTime;

use super::ids::{JobId, UserPoolId};
use super::rules::password_hash::PasswordHashingAlgorithm;

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the transition table below says each")]
pub enum JobStatus {
    Created,
    Pending,
    InProgress,
    Stopping,
    Stopped,
    Succeeded,
    Failed,
    Expired,
}

impl JobStatus {
    /// All statuses.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Pending,
        Self::InProgress,
        Self::Stopping,
        Self::Stopped,
        Self::Succeeded,
        Self::Failed,
        Self::Expired,
    ];

    /// Cognito's word for it: as callers, the store and messages have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }

    /// Whether the job has ended for good.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Stopped | Self::Succeeded | Self::Failed | Self::Expired
        )
    }

    /// Whether the job holds its pool: started, and not ended.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress | Self::Stopping)
    }
}

/// What moves a job from one status to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// A caller's StartUserImportJob.
    Start,
    /// The scheduler, at `expires_at`.
    Expire,
    /// The scheduler takes the job up.
    Dispatch,
    /// A caller's StopUserImportJob.
    Stop,
    /// The scheduler, once no row of a stopping job is being written any more.
    FinishStopped,
    /// The scheduler: all rows are accounted for, and few enough were rejected.
    FinishSucceeded,
    /// The scheduler: too many rows were rejected.
    FinishFailed,
    /// The scheduler: the file cannot be imported at all.
    GiveUp,
}

impl Transition {
    /// All transitions.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Expire,
        Self::Dispatch,
        Self::Stop,
        Self::FinishStopped,
        Self::FinishSucceeded,
        Self::FinishFailed,
        Self::GiveUp,
    ];

    /// The statuses that it starts from. This table and [`Self::to`] are the
    /// one place that says who moves what; every update in the store is
    /// guarded by it.
    #[must_use]
    pub const fn from(self) -> &'static [JobStatus] {
        use JobStatus::{Created, InProgress, Pending, Stopping};
        match self {
            Self::Start | Self::Expire => &[Created],
            Self::Dispatch => &[Pending],
            Self::Stop | Self::GiveUp => &[Pending, InProgress],
            Self::FinishStopped => &[Stopping],
            Self::FinishSucceeded | Self::FinishFailed => &[InProgress],
        }
    }

    /// The status that it leads to.
    #[must_use]
    pub const fn to(self) -> JobStatus {
        match self {
            Self::Start => JobStatus::Pending,
            Self::Expire => JobStatus::Expired,
            Self::Dispatch => JobStatus::InProgress,
            Self::Stop => JobStatus::Stopping,
            Self::FinishStopped => JobStatus::Stopped,
            Self::FinishSucceeded => JobStatus::Succeeded,
            Self::FinishFailed | Self::GiveUp => JobStatus::Failed,
        }
    }

    /// The words of [`Self::from`], for a statement's `status = ANY(..)`.
    #[must_use]
    pub fn from_words(self) -> Vec<String> {
        self.from().iter().map(|s| s.as_str().to_owned()).collect()
    }
}

/// Why a job is FAILED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "documented at the enum of the same name in proto/"
)]
pub enum FailureReason {
    TooManyRejectedRows,
    InvalidHeader,
    InvalidEncoding,
    MissingPasswordHashColumn,
    TooManyRows,
    UploadMissing,
    UploadChanged,
    NoProgress,
}

impl FailureReason {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::TooManyRejectedRows,
        Self::InvalidHeader,
        Self::InvalidEncoding,
        Self::MissingPasswordHashColumn,
        Self::TooManyRows,
        Self::UploadMissing,
        Self::UploadChanged,
        Self::NoProgress,
    ];

    /// The word for it in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooManyRejectedRows => "TOO_MANY_REJECTED_ROWS",
            Self::InvalidHeader => "INVALID_HEADER",
            Self::InvalidEncoding => "INVALID_ENCODING",
            Self::MissingPasswordHashColumn => "MISSING_PASSWORD_HASH_COLUMN",
            Self::TooManyRows => "TOO_MANY_ROWS",
            Self::UploadMissing => "UPLOAD_MISSING",
            Self::UploadChanged => "UPLOAD_CHANGED",
            Self::NoProgress => "NO_PROGRESS",
        }
    }

    /// The reason of that word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == name)
    }
}

/// The longest completion message, in characters (Cognito's limit).
pub const MAX_COMPLETION_MESSAGE: usize = 128;
/// Cognito's words at the end of a job that succeeded.
pub const SUCCEEDED_MESSAGE: &str = "Import Job Completed Successfully.";
/// Cognito's words at the end of a job with too many rejected rows.
pub const TOO_MANY_REJECTED_MESSAGE: &str =
    "Too many users have failed or been skipped during the import.";
/// Cognito's words at the end of a job that a caller stopped.
pub const STOPPED_MESSAGE: &str = "The Import Job was stopped by the developer.";
/// Cognito's words at the end of a job that was never started.
pub const EXPIRED_MESSAGE: &str = "The user import job has expired.";

/// How many rows became what. The three sum to the rows processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Rows that became users.
    pub imported: u64,
    /// Rows whose username was there already.
    pub skipped: u64,
    /// Rows that break a rule.
    pub failed: u64,
}

impl Counters {
    /// Rows processed.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.imported + self.skipped + self.failed
    }

    /// Whether more than `max_percent` of all rows were rejected. A file
    /// without rows has rejected none.
    #[must_use]
    pub fn too_many_rejected(self, max_percent: u8) -> bool {
        let rejected = u128::from(self.skipped) + u128::from(self.failed);
        rejected * 100 > u128::from(self.total()) * u128::from(max_percent)
    }
}

/// The uploaded file of a job, as it was when it was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its name in the object store.
    pub object: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Rows, header and blank lines not counted; `None` when not counted.
    pub rows: Option<u64>,
    /// The store's own tag for this content, which changes when the file does.
    pub e_tag: Option<String>,
    /// The store's version of this content, where it keeps versions.
    pub version: Option<String>,
    /// BLAKE3 of the content, where the bytes passed through muster (and did so
    /// since migration 0016).
    pub blake3: Option<[u8; 32]>,
}

/// A user import job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserImportJob {
    /// The pool that the users go to.
    pub user_pool_id: UserPoolId,
    /// Issued by muster.
    pub job_id: JobId,
    /// The caller's name for it.
    pub job_name: String,
    /// Where it is in its life.
    pub status: JobStatus,
    /// Echoed; not used.
    pub cloud_watch_logs_role_arn: Option<String>,
    /// The one format of the file's password hashes, where the job names one.
    pub password_hashing_algorithm: Option<PasswordHashingAlgorithm>,
    /// 0-100: more rejected rows than this make it FAILED.
    pub max_rejected_percent: u8,
    /// When it was made.
    pub creation_date: OffsetDateTime,
    /// When it expires unless it is started before.
    pub expires_at: OffsetDateTime,
    /// When it was started.
    pub start_date: Option<OffsetDateTime>,
    /// When it ended.
    pub completion_date: Option<OffsetDateTime>,
    /// How it ended.
    pub completion_message: Option<String>,
    /// Why it is FAILED.
    pub failure_reason: Option<FailureReason>,
    /// Rows so far.
    pub counters: Counters,
    /// Bytes of the file whose rows are all accounted for.
    pub processed_bytes: u64,
    /// The uploaded file, if there is one.
    pub upload: Option<Upload>,
    /// Rows in the file, once known.
    pub total_rows: Option<u64>,
    /// Size of the file in bytes, also when the file itself is gone.
    pub total_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `docs/contract.md`, "Life of a job", written out again.
    #[test]
    fn transitions_are_those_of_the_contract() {
        let mut pairs: Vec<(JobStatus, JobStatus)> = Transition::ALL
            .into_iter()
            .flat_map(|t| t.from().iter().map(move |f| (*f, t.to())))
            .collect();
        pairs.sort();
        pairs.dedup();
        use JobStatus::{
            Created, Expired, Failed, InProgress, Pending, Stopped, Stopping, Succeeded,
        };
        let mut contract = vec![
            (Created, Pending),
            (Created, Expired),
            (Pending, InProgress),
            (Pending, Stopping),
            (InProgress, Stopping),
            (Stopping, Stopped),
            (InProgress, Succeeded),
            (InProgress, Failed),
            (Pending, Failed),
        ];
        contract.sort();
        assert_eq!(pairs, contract);
        for (from, _) in pairs {
            assert!(!from.is_terminal(), "{from:?} is final");
        }
    }

    #[test]
    fn words_are_read_back() {
        for s in JobStatus::ALL {
            assert_eq!(JobStatus::from_name(s.as_str()), Some(s));
            assert!(!(s.is_active() && s.is_terminal()));
        }
        for r in FailureReason::ALL {
            assert_eq!(FailureReason::from_name(r.as_str()), Some(r));
        }
    }

    #[test]
    fn threshold_is_more_than_the_percentage() {
        let c = |imported, skipped, failed| Counters {
            imported,
            skipped,
            failed,
        };
        assert!(!c(0, 0, 0).too_many_rejected(0));
        assert!(!c(50, 25, 25).too_many_rejected(50));
        assert!(c(49, 25, 26).too_many_rejected(50));
        assert!(c(999, 0, 1).too_many_rejected(0));
        assert!(!c(0, 0, 9).too_many_rejected(100));
        assert!(!c(u64::MAX / 2, u64::MAX / 4, 0).too_many_rejected(50));
    }
}
