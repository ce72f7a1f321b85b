//! Wrong flags, refused under the names that their users know.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Command, Error, Parser};

/// Parses the command line and the environment of this process; explains what
/// is wrong and exits with 2 when it cannot.
#[must_use]
pub fn parse<T: Parser>() -> T {
    parse_from(T::command(), std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// Parses `arguments` by `command`, which is `T`'s, maybe changed.
///
/// # Errors
/// What is wrong, with the variable's name beside the flag's.
pub fn parse_from<T: Parser>(
    mut command: Command,
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<T, Error> {
    command
        .try_get_matches_from_mut(arguments)
        .and_then(|mut matches| T::from_arg_matches_mut(&mut matches))
        .map_err(|error| with_variables(error, &command))
}

/// Adds the variables of the flags that an error is about: a wrong value may
/// well come from the environment, where the flag's name says nothing.
fn with_variables(mut error: Error, command: &Command) -> Error {
    let flags = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => vec![flag.clone()],
        Some(ContextValue::Strings(flags)) => flags.clone(),
        _ => return error,
    };
    let tips: Vec<_> = flags
        .iter()
        .filter_map(|flag| {
            let variable = variable(command, flag)?;
            Some(format!("{flag} is also set by the variable {variable}").into())
        })
        .collect();
    if !tips.is_empty() && error.get(ContextKind::Suggested).is_none() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// The variable of a flag, written as in clap's errors: `--lease <DURATION>`.
fn variable(command: &Command, flag: &str) -> Option<String> {
    let name = flag.split_whitespace().next()?.strip_prefix("--")?;
    let own = command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(name))
        .and_then(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()));
    own.or_else(|| {
        command
            .get_subcommands()
            .find_map(|command| variable(command, flag))
    })
}
