//! `muster demo`: a file of users goes through the real service, and what
//! comes of it is compared with what must.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{Args, CommandFactory as _, Parser};

use super::expected::{Expected, USERS};
use super::rehearsal::Rehearsal;
use super::stack::{About, DevArgs, Stack, StackError, failed};
use super::temporary::TemporaryFolder;
use crate::process::config::{LogArgs, LogFormat, parse_from};
use crate::process::signals::{HangUp, Signals};
use crate::process::{StartError, say, telemetry, tell};

/// What `muster demo` takes.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// A CSV file of one's own, instead of the thousand people who do not exist; then the result
    /// is shown and compared with nothing
    file: Option<PathBuf>,
    /// What is logged, on standard error
    #[arg(long, default_value = "warn", value_name = "FILTER", value_parser = crate::process::config::filter)]
    log: String,
}

/// An import that the demo wants done as its user would do it.
#[derive(Clone, Debug)]
pub struct Import {
    /// Where the server is.
    pub about: About,
    /// The file.
    pub file: PathBuf,
    /// The pool.
    pub pool: String,
}

/// Runs the demo. `import` does what `muster import` does.
pub async fn run(args: DemoArgs, import: impl AsyncFnOnce(Import) -> ExitCode) -> ExitCode {
    telemetry::init(&LogArgs {
        log: args.log,
        log_format: LogFormat::Auto,
    });
    match perform(args.file.as_deref(), import).await {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn perform(
    file: Option<&Path>,
    import: impl AsyncFnOnce(Import) -> ExitCode,
) -> Result<ExitCode, StackError> {
    let mut signals = Signals::install(HangUp::Stops)?;
    let mut folder =
        TemporaryFolder::new("muster-demo").map_err(StartError::system("make a folder"))?;
    tell("Starting PostgreSQL, a server and a scheduler, all for this demo only ...");
    let Some(stack) = Stack::start(&stack_args(folder.path())?, &mut signals).await? else {
        say("demo: stopped before its beginning");
        return Ok(ExitCode::FAILURE);
    };
    if let Some(home) = stack.postgres_home() {
        folder.also(home);
    }
    let stopper = stack.stopper();
    let about = stack.about().clone();
    let (is_ready, ready) = tokio::sync::oneshot::channel();
    let running = stack.run(&mut signals, |_| {
        // Nobody listens only when all is over.
        let _ = is_ready.send(());
    });
    let acting = async {
        let code = match ready.await {
            Ok(()) => act(about, file, folder.path(), import).await,
            Err(_) => return None,
        };
        stopper.cancel();
        Some(code)
    };
    tokio::pin!(running, acting);
    // Whichever comes first: the curtain, or an accident behind the scenes.
    let (stopped, acted) = tokio::select! {
        acted = &mut acting => (running.await, acted),
        stopped = &mut running => (stopped, None),
    };
    Ok(match acted {
        Some(code) if stopped == ExitCode::SUCCESS => code,
        None if stopped == ExitCode::SUCCESS => {
            say("demo: stopped before its end");
            ExitCode::FAILURE
        }
        _ => stopped,
    })
}

/// The arguments of a `muster dev` that nothing in the environment changes.
fn stack_args(folder: &Path) -> Result<DevArgs, StartError> {
    #[derive(Parser)]
    struct Bare {
        #[command(flatten)]
        args: DevArgs,
    }
    let command = Bare::command().mut_args(|arg| arg.env(Resettable::Reset));
    let arguments: [OsString; 7] = [
        "muster-demo".into(),
        "--data-dir".into(),
        folder.into(),
        "--grpc-addr".into(),
        "127.0.0.1:0".into(),
        "--http-addr".into(),
        "127.0.0.1:0".into(),
    ];
    parse_from::<Bare>(command, arguments)
        .map(|bare| bare.args)
        .map_err(|error| {
            StartError::system("put the demo together")(std::io::Error::other(error.to_string()))
        })
}

async fn act(
    about: About,
    file: Option<&Path>,
    folder: &Path,
    import: impl AsyncFnOnce(Import) -> ExitCode,
) -> ExitCode {
    let result = rehearse(about, file, folder, import).await;
    result.unwrap_or_else(|error| {
        say(&format!("error: the demo broke off: {error}"));
        ExitCode::FAILURE
    })
}

async fn rehearse(
    about: About,
    file: Option<&Path>,
    folder: &Path,
    import: impl AsyncFnOnce(Import) -> ExitCode,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let server = Rehearsal::connect(about.grpc).await?;
    let pool = server.create_pool().await?;
    let path = match file {
        Some(path) => path.to_owned(),
        None => {
            let path = folder.join("users.csv");
            fs::write(&path, USERS)?;
            path
        }
    };
    let shown = file.map_or_else(
        || "examples/users.csv".to_owned(),
        |f| f.display().to_string(),
    );
    tell(&format!("Importing {shown} into the pool {pool} ..."));
    let code = import(Import {
        about,
        file: path,
        pool: pool.clone(),
    })
    .await;
    if file.is_some() || code != ExitCode::SUCCESS {
        return Ok(code);
    }
    let (job, rows) = server.result(&pool).await?;
    let expected = Expected::of_users()?;
    let differences = expected.differences(&job, &rows);
    if differences.is_empty() {
        tell(&format!("demo: as expected ({expected})"));
        return Ok(ExitCode::SUCCESS);
    }
    say("demo: NOT as expected:");
    for difference in differences {
        say(&format!("  {difference}"));
    }
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_stands_on_defaults_alone() {
        let args = stack_args(Path::new("/tmp/x")).unwrap();
        assert_eq!(args.data_dir, Path::new("/tmp/x"));
    }
}
