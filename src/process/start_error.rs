//! Why a process did not start, in words that name the flag to change.

use std::io;
use std::net::SocketAddr;

use super::config::Flag;
use crate::domain::error::Error;

/// Why a process did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A flag, or its variable, has a value that cannot be used. The value is
    /// in the message only where it is no secret.
    #[error("{flag}: {problem}")]
    Setting {
        /// Which.
        flag: Flag,
        /// What is wrong, and what is accepted.
        problem: String,
    },
    /// An address cannot be listened on.
    #[error("{flag}: cannot listen on {address}: {}", describe(.cause))]
    Socket {
        /// The flag of the address.
        flag: Flag,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// The database's schema is not the one that this version needs.
    #[error("{0}")]
    Schema(&'static str),
    /// The system refuses something that every process needs.
    #[error("cannot {action}: {cause}")]
    System {
        /// What was tried, as a verb.
        action: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A bug.
    #[error("cannot put the services together")]
    Bug(#[source] Error),
}

impl StartError {
    /// A flag that cannot be used, and why.
    pub(crate) fn setting(flag: Flag, problem: impl Into<String>) -> Self {
        Self::Setting {
            flag,
            problem: problem.into(),
        }
    }

    /// For `map_err` on what the system may refuse.
    pub(crate) fn system(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |cause| Self::System { action, cause }
    }
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another process listens there; stop it or choose another port (0 takes a free one)"
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege that this process has not".to_owned()
        }
        _ => error.to_string(),
    }
}
