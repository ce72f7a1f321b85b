//! Who may call.

use std::path::PathBuf;

use clap::Args;

use super::{AwsAccess, AwsArgs, Flag, ListenArgs};
use crate::process::StartError;

/// Who may call.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Callers")]
pub struct CallersArgs {
    /// The callers: a JSON file of SHA-256 hashes of bearer tokens and names of client
    /// certificates, each with name, role and pools; read again on SIGHUP and when it changes.
    /// Without it every caller is admin, and a server that listens
    /// beyond this machine does not start
    #[arg(
        long,
        env = "MUSTER_TOKENS_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub tokens_file: Option<PathBuf>,
    /// Who may call over the AWS front.
    #[command(flatten)]
    pub aws: AwsArgs,
}

impl CallersArgs {
    /// Refuses to take everyone in the network for an admin.
    ///
    /// # Errors
    /// [`StartError::Setting`].
    pub fn check(&self, listen: &ListenArgs) -> Result<(), StartError> {
        if self.tokens_file.is_some() || !listen.is_exposed() {
            return Ok(());
        }
        Err(StartError::setting(
            Flag::TOKENS_FILE,
            format!(
                "a tokens file is needed, because {} or {} is more than loopback: without one \
                 every caller is admin, with whatever certificate, which is for 127.0.0.1 and \
                 [::1] only",
                Flag::GRPC_ADDR,
                Flag::HTTP_ADDR
            ),
        ))
    }

    /// Who may call over the AWS front.
    ///
    /// # Errors
    /// [`StartError::Setting`] where everybody could, and must not.
    pub fn aws_access(&self, listen: &ListenArgs) -> Result<AwsAccess, StartError> {
        self.aws.access(listen, self.tokens_file.is_some())
    }

    /// Whether there is a file that is read again on SIGHUP.
    #[must_use]
    pub fn heeds_hang_up(&self) -> bool {
        self.tokens_file.is_some() || self.aws.aws_access_keys.is_some()
    }
}
