//! Who may call.

use std::path::PathBuf;

use clap::Args;

use super::{Flag, ListenArgs};
use crate::process::StartError;

/// Who may call.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Callers")]
pub struct CallersArgs {
    /// The callers: a JSON file of SHA-256 hashes of bearer tokens, each with name, role and
    /// pools; read again on SIGHUP. Without it every caller is admin, and a server that listens
    /// beyond this machine does not start
    #[arg(
        long,
        env = "MUSTER_TOKENS_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub tokens_file: Option<PathBuf>,
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
                 every caller is admin, which is for 127.0.0.1 and [::1] only",
                Flag::GRPC_ADDR,
                Flag::HTTP_ADDR
            ),
        ))
    }
}
