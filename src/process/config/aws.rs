//! The AWS front: whether it is on, and whose access keys it knows.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Flag, ListenArgs};
use crate::process::StartError;

/// Whether there is an AWS front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// With access keys, and where every caller is admin anyway.
    Auto,
    On,
    Off,
}

/// The AWS front.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "AWS front")]
pub struct AwsArgs {
    /// Whether AWS's SDKs and CLI can call: on, off, or auto, which is on with access keys, and
    /// without them where every caller is admin
    #[arg(
        long,
        env = "MUSTER_AWS_FRONT",
        hide_env_values = true,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "SWITCH"
    )]
    aws_front: Switch,
    /// The access keys: a JSON file of key ids and secrets, each with name, pools and actions;
    /// read again on SIGHUP. Without it any credentials are good, and a server that listens
    /// beyond this machine, or has a tokens file, does not start with the front on
    #[arg(
        long,
        env = "MUSTER_AWS_ACCESS_KEYS",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub aws_access_keys: Option<PathBuf>,
    /// The region that signatures have to be for [default: any]
    #[arg(
        long,
        env = "MUSTER_AWS_REGION",
        hide_env_values = true,
        value_name = "REGION",
        value_parser = super::values::region
    )]
    pub aws_region: Option<String>,
}

/// Who may call over the AWS front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwsAccess {
    /// Nobody: there is none.
    Off,
    /// Everybody.
    Open,
    /// The keys of this file.
    Keys(PathBuf),
}

impl AwsArgs {
    /// Who may call, with or without a tokens file for the other callers.
    ///
    /// # Errors
    /// [`StartError::Setting`] where everybody could, and must not.
    pub(super) fn access(
        &self,
        listen: &ListenArgs,
        tokens: bool,
    ) -> Result<AwsAccess, StartError> {
        match (self.aws_front, &self.aws_access_keys) {
            (Switch::Off, _) => Ok(AwsAccess::Off),
            (_, Some(path)) => Ok(AwsAccess::Keys(path.clone())),
            (_, None) if !listen.is_exposed() && !tokens => Ok(AwsAccess::Open),
            (Switch::Auto, None) => Ok(AwsAccess::Off),
            (Switch::On, None) => Err(StartError::setting(
                Flag::AWS_ACCESS_KEYS,
                format!(
                    "access keys are needed with {} on: without them any AWS credentials make an \
                     admin, which is for a server on 127.0.0.1 or [::1] without {} only",
                    Flag::AWS_FRONT,
                    Flag::TOKENS_FILE
                ),
            )),
        }
    }
}
