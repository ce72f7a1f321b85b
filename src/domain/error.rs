//! The one error type: a closed kind, a message for the caller, and a source
//! that only the log sees. Each transport maps the kind by a table of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What kind of error it is; decides the status code of every transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A field breaks its rule.
    InvalidArgument,
    /// No such pool, job or user, or none that the caller may know of.
    NotFound,
    /// The thing is not in a state that allows it.
    FailedPrecondition,
    /// A quota is used up; trying again does not help.
    QuotaExceeded,
    /// Too fast; trying again later helps.
    RateLimited,
    /// Bigger than a limit allows.
    TooLarge,
    /// No or bad credentials.
    Unauthenticated,
    /// Known, but may not.
    PermissionDenied,
    /// The database or the object store is away.
    Unavailable,
    /// The caller's time is up.
    DeadlineExceeded,
    /// A bug.
    Internal,
}

impl ErrorKind {
    /// All kinds, for tests that demand a mapping of each.
    pub const ALL: [Self; 11] = [
        Self::InvalidArgument,
        Self::NotFound,
        Self::FailedPrecondition,
        Self::QuotaExceeded,
        Self::RateLimited,
        Self::TooLarge,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::Unavailable,
        Self::DeadlineExceeded,
        Self::Internal,
    ];
}

/// The stable word for an error, which programs may compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Reason {
    InvalidField,
    InvalidPageToken,
    RequestIdReused,
    UserPoolNotFound,
    UserImportJobNotFound,
    UserNotFound,
    UploadNotFound,
    JobNotStartable,
    JobExpired,
    JobNotStoppable,
    JobNotDeletable,
    NoUpload,
    InvalidUpload,
    NoAutoVerifiedAttributes,
    UserImportInProgress,
    UploadClosed,
    UploadTooLarge,
    TooManyJobs,
    RateLimited,
    InvalidSignature,
    Unauthenticated,
    PermissionDenied,
    DatabaseUnavailable,
    ObjectStoreUnavailable,
    ShuttingDown,
    Overloaded,
    DeadlineExceeded,
    Internal,
}

impl Reason {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidField => "INVALID_FIELD",
            Self::InvalidPageToken => "INVALID_PAGE_TOKEN",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::UserPoolNotFound => "USER_POOL_NOT_FOUND",
            Self::UserImportJobNotFound => "USER_IMPORT_JOB_NOT_FOUND",
            Self::UserNotFound => "USER_NOT_FOUND",
            Self::UploadNotFound => "UPLOAD_NOT_FOUND",
            Self::JobNotStartable => "JOB_NOT_STARTABLE",
            Self::JobExpired => "JOB_EXPIRED",
            Self::JobNotStoppable => "JOB_NOT_STOPPABLE",
            Self::JobNotDeletable => "JOB_NOT_DELETABLE",
            Self::NoUpload => "NO_UPLOAD",
            Self::InvalidUpload => "INVALID_UPLOAD",
            Self::NoAutoVerifiedAttributes => "NO_AUTO_VERIFIED_ATTRIBUTES",
            Self::UserImportInProgress => "USER_IMPORT_IN_PROGRESS",
            Self::UploadClosed => "UPLOAD_CLOSED",
            Self::UploadTooLarge => "UPLOAD_TOO_LARGE",
            Self::TooManyJobs => "TOO_MANY_JOBS",
            Self::RateLimited => "RATE_LIMITED",
            Self::InvalidSignature => "INVALID_SIGNATURE",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::DatabaseUnavailable => "DATABASE_UNAVAILABLE",
            Self::ObjectStoreUnavailable => "OBJECT_STORE_UNAVAILABLE",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::Overloaded => "OVERLOADED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// The rule that a field's value breaks, in the terms of AWS's service model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// The value is missing or empty.
    Required,
    /// At least so many characters.
    MinLength(usize),
    /// At most so many characters.
    MaxLength(usize),
    /// At least this value.
    Min(i64),
    /// At most this value.
    Max(i64),
    /// This regular expression, over the whole value.
    Pattern(&'static str),
    /// One of these words.
    Enum(&'static [&'static str]),
    /// Another rule, in words.
    Other(String),
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("is required"),
            Self::MinLength(n) => write!(f, "must have at least {n} characters"),
            Self::MaxLength(n) => write!(f, "must have at most {n} characters"),
            Self::Min(n) => write!(f, "must be at least {n}"),
            Self::Max(n) => write!(f, "must be at most {n}"),
            Self::Pattern(p) => write!(f, "must match {p}"),
            Self::Enum(words) => write!(f, "must be one of {}", words.join(", ")),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A field of a request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's name in the contract: `job_name`, `custom_attributes[2].name`.
    pub field: String,
    /// The value as the caller sent it, where echoing it is no harm.
    pub value: Option<String>,
    /// The rule.
    pub constraint: Constraint,
}

/// What an error is about, beyond its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing more.
    #[default]
    None,
    /// The fields that break a rule; never empty.
    Fields(Vec<FieldViolation>),
    /// The thing that is not there: its type (`UserPool`) and name.
    Resource(&'static str, String),
    /// The thing whose state forbids it: its type and name.
    Precondition(&'static str, String),
    /// The thing whose quota is used up.
    Quota(String),
    /// When to try again.
    RetryAfter(Duration),
}

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An error of an operation. `Display` is the message for the caller; the
/// source is for the log alone.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    reason: Reason,
    message: String,
    detail: Detail,
    source: Option<Arc<Source>>,
}

impl Error {
    fn new(kind: ErrorKind, reason: Reason, message: impl Into<String>, detail: Detail) -> Self {
        Self(Box::new(Inner {
            kind,
            reason,
            message: message.into(),
            detail,
            source: None,
        }))
    }

    /// A field breaks its rule.
    pub fn invalid(
        field: impl Into<String>,
        value: Option<String>,
        constraint: Constraint,
    ) -> Self {
        Self::invalid_fields(vec![FieldViolation {
            field: field.into(),
            value,
            constraint,
        }])
    }

    /// Several fields break their rules; `violations` is not empty.
    #[must_use]
    pub fn invalid_fields(violations: Vec<FieldViolation>) -> Self {
        let message = violations
            .iter()
            .map(|v| format!("{} {}", v.field, v.constraint))
            .collect::<Vec<_>>()
            .join("; ");
        Self::new(
            ErrorKind::InvalidArgument,
            Reason::InvalidField,
            message,
            Detail::Fields(violations),
        )
    }

    /// A page token that muster did not issue for this listing.
    #[must_use]
    pub fn invalid_page_token() -> Self {
        Self::invalid(
            "page_token",
            None,
            Constraint::Other("is not a token that this listing answered".into()),
        )
        .because(Reason::InvalidPageToken)
    }

    /// A request id that was used for another request.
    #[must_use]
    pub fn request_id_reused() -> Self {
        Self::invalid(
            "request_id",
            None,
            Constraint::Other("was used for another request".into()),
        )
        .because(Reason::RequestIdReused)
    }

    /// No such pool. The sentence is Cognito's.
    #[must_use]
    pub fn user_pool_not_found(id: &str) -> Self {
        Self::new(
            ErrorKind::NotFound,
            Reason::UserPoolNotFound,
            format!("User pool {id} does not exist."),
            Detail::Resource("UserPool", id.to_owned()),
        )
    }

    /// No such job in the pool.
    pub fn job_not_found(id: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::NotFound,
            Reason::UserImportJobNotFound,
            format!("User import job {id} does not exist."),
            Detail::Resource("UserImportJob", id.to_string()),
        )
    }

    /// No such user in the pool. The username is not repeated: it may be an
    /// e-mail address.
    #[must_use]
    pub fn user_not_found() -> Self {
        Self::new(
            ErrorKind::NotFound,
            Reason::UserNotFound,
            "User does not exist.",
            Detail::Resource("User", String::new()),
        )
    }

    /// The uploaded file is not there, or no more.
    pub fn upload_not_found(job: impl fmt::Display, why: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::NotFound,
            Reason::UploadNotFound,
            why,
            Detail::Resource("Upload", job.to_string()),
        )
    }

    /// The state of a thing forbids it.
    pub fn precondition(
        reason: Reason,
        resource: &'static str,
        name: impl fmt::Display,
        message: impl Into<String>,
    ) -> Self {
        Self::new(
            ErrorKind::FailedPrecondition,
            reason,
            message,
            Detail::Precondition(resource, name.to_string()),
        )
    }

    /// A quota is used up.
    pub fn quota(reason: Reason, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::QuotaExceeded,
            reason,
            message,
            Detail::Quota(subject.into()),
        )
    }

    /// Bigger than the limit.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::TooLarge,
            Reason::UploadTooLarge,
            message,
            Detail::None,
        )
    }

    /// An uploaded file that cannot be imported.
    pub fn invalid_upload(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::InvalidArgument,
            Reason::InvalidUpload,
            message,
            Detail::None,
        )
    }

    /// No or bad credentials.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Unauthenticated,
            Reason::Unauthenticated,
            message,
            Detail::None,
        )
    }

    /// Known, but may not.
    pub fn permission_denied(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::PermissionDenied, reason, message, Detail::None)
    }

    /// Something that muster needs is away; trying again helps.
    pub fn unavailable(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Unavailable,
            reason,
            message,
            Detail::RetryAfter(Duration::from_secs(1)),
        )
    }

    /// Too fast; the same call is let in after `wait`.
    #[must_use]
    pub fn rate_limited(wait: Duration) -> Self {
        Self::new(
            ErrorKind::RateLimited,
            Reason::RateLimited,
            "The caller makes this call too often; call again a little later.",
            Detail::RetryAfter(wait),
        )
    }

    /// The caller's time is up.
    #[must_use]
    pub fn deadline_exceeded() -> Self {
        Self::new(
            ErrorKind::DeadlineExceeded,
            Reason::DeadlineExceeded,
            "The time allowed for the call is up.",
            Detail::None,
        )
    }

    /// A bug. The caller learns nothing of the inside; `source` goes to the log.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::new(
            ErrorKind::Internal,
            Reason::Internal,
            "Something went wrong on the server. Quote the request id when you report it.",
            Detail::None,
        )
        .with_source(source)
    }

    /// The same error with another reason.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        self.0.reason = reason;
        self
    }

    /// The same error with a source for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(Arc::new(source.into()));
        self
    }

    /// The kind, which decides the status code.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable word.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// What it is about.
    #[must_use]
    pub fn detail(&self) -> &Detail {
        &self.0.detail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|s| &***s as &(dyn std::error::Error + 'static))
    }
}
