//! The command line: what `muster` takes, and the commands that talk to a server.

mod address;
mod bar;
mod custom_attribute;
mod failure;
#[cfg(test)]
mod fake;
mod follow;
mod import;
mod jobs;
mod json;
mod new_job;
mod paging;
mod pools;
mod progress;
mod reporter;
mod retry;
mod session;
mod summary;
mod tables;
mod text;
mod token;
mod transfer;
mod users;

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::api::v1::{UserImportJob, UserImportJobStatus};
use crate::dev::demo::{self, DemoArgs};
use crate::dev::stack::{self, DevArgs};
use crate::process::migrate::{self, MigrateArgs};
use crate::process::probe::{self, HealthArgs};
use bar::Bar;
use failure::Failure;
use import::ImportArgs;
use jobs::JobsCommand;
use pools::{HeaderArgs, PoolsCommand};
use reporter::{JsonLines, Lines, Reporter};
use session::{Output, Session, SessionArgs};
use users::UsersCommand;

/// Bulk user import jobs: a CSV of users goes in, every row is accounted for
#[derive(Debug, Parser)]
#[command(
    name = "muster",
    version = crate::VERSION,
    after_help = "Examples:
  muster pools create --name customers
  muster import users.csv --pool local_1a2B3c4D5"
)]
pub struct Cli {
    #[command(flatten)]
    session: SessionArgs,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Client(ClientCommand),
    /// Run Postgres, a server and a scheduler here until Ctrl-C
    #[command(after_help = "Examples:
  muster dev
  muster dev --data-dir /tmp/muster --grpc-addr 127.0.0.1:0 --http-addr 127.0.0.1:0")]
    Dev(Box<DevArgs>),
    /// Import a thousand users through the real service, and compare the result
    #[command(
        after_help = "Exits with 0 only when every row came to what it must. Leaves nothing behind.

Examples:
  muster demo
  muster demo users.csv"
    )]
    Demo(DemoArgs),
    /// Bring a database's schema up to date; safe to run twice, and at once
    #[command(after_help = "Examples:
  muster migrate --database-url postgres://muster@localhost/muster")]
    Migrate(MigrateArgs),
    /// Ask a server or scheduler whether it serves
    #[command(
        after_help = "Exits with 0 only when the answer is SERVING, and within 5 s.

Examples:
  muster health
  muster health 127.0.0.1:50051
  muster health --scheduler 127.0.0.1:50052"
    )]
    Health(HealthArgs),
}

/// What to ask of a server.
#[derive(Debug, Subcommand)]
enum ClientCommand {
    /// Import a CSV file: make a job, upload, start, follow to the end
    #[command(
        after_help = "Exits with 0 when the job SUCCEEDED, with 1 when not, with 130 when interrupted.
With -o json, prints {\"user_import_job\": {...}, \"rejected_rows\": [...]} at the end; the
first 10 rejected rows are among it.

Examples:
  muster import users.csv --pool local_1a2B3c4D5
  muster import users.csv --pool local_1a2B3c4D5 --max-rejected-percent 0 -o json"
    )]
    Import(ImportArgs),
    /// Make, list, start, stop, follow and delete import jobs
    #[command(
        subcommand,
        after_help = "Examples:
  muster jobs list --pool local_1a2B3c4D5"
    )]
    Jobs(JobsCommand),
    /// Make, list and delete user pools
    #[command(
        subcommand,
        after_help = "Examples:
  muster pools create --name customers"
    )]
    Pools(PoolsCommand),
    /// List and show users
    #[command(
        subcommand,
        after_help = "Examples:
  muster users list --pool local_1a2B3c4D5"
    )]
    Users(UsersCommand),
    /// Print the first line of a pool's CSV files
    #[command(after_help = "Examples:
  muster header --pool local_1a2B3c4D5 > users.csv")]
    Header(HeaderArgs),
}

impl Cli {
    /// Does it, and says on standard error what went wrong.
    pub async fn run(self) -> ExitCode {
        match self.command {
            Command::Client(command) => client(self.session, command).await,
            Command::Dev(args) => stack::run(*args).await,
            Command::Demo(args) => demo::run(args, import_as_typed).await,
            Command::Migrate(args) => migrate::run(args).await,
            Command::Health(args) => {
                let SessionArgs { server, tls, .. } = &self.session;
                probe::run(args, &server.to_string(), tls).await
            }
        }
    }
}

/// `muster import`, from the words that a user would type.
async fn import_as_typed(import: demo::Import) -> ExitCode {
    let server = import.about.grpc.to_string();
    let words: [&OsStr; 10] = [
        "muster".as_ref(),
        "--server".as_ref(),
        server.as_ref(),
        "--http".as_ref(),
        import.about.public_url.as_str().as_ref(),
        "--token=".as_ref(),
        "import".as_ref(),
        import.file.as_ref(),
        "--pool".as_ref(),
        import.pool.as_ref(),
    ];
    match Cli::try_parse_from(words) {
        Ok(Cli {
            session,
            command: Command::Client(command),
        }) => client(session, command).await,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn client(args: SessionArgs, command: ClientCommand) -> ExitCode {
    let session = match Session::connect(args).await {
        Ok(session) => session,
        Err(failure) => return failed(&failure),
    };
    // Dropping the command is enough: what it has begun lives in the server.
    let result = tokio::select! {
        result = command.run(&session) => result,
        Ok(()) = tokio::signal::ctrl_c() => {
            if let Some(text) = session.farewell() {
                say(&format!("\n{text}"));
            }
            return ExitCode::from(130);
        }
    };
    result.unwrap_or_else(|failure| failed(&failure))
}

impl ClientCommand {
    async fn run(self, session: &Session) -> Result<ExitCode, Failure> {
        match self {
            Self::Import(args) => return import::run(session, args).await,
            Self::Jobs(command) => return jobs::run(session, command).await,
            Self::Pools(command) => pools::run(session, command).await?,
            Self::Users(command) => users::run(session, command).await?,
            Self::Header(args) => pools::header(session, args).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn failed(failure: &Failure) -> ExitCode {
    if !failure.is_broken_pipe() {
        say(&format!("error: {failure}"));
    }
    ExitCode::FAILURE
}

/// The last words of a process. When nobody can hear them, so be it.
fn say(text: &str) {
    if writeln!(io::stderr(), "{text}").is_err() {
        // There is no third place to say it.
    }
}

/// 0 only for a job that did what it was made for.
fn exit_code(job: &UserImportJob) -> ExitCode {
    match job.status() {
        UserImportJobStatus::Succeeded => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Who hears how a job goes: a bar on a terminal, lines elsewhere; or, when
/// the changes themselves are the `answers`, JSON.
fn reporter_for(session: &Session, answers: bool) -> Box<dyn Reporter> {
    if answers && session.output() == Output::Json {
        return Box::new(JsonLines::new(io::stdout(), io::stderr()));
    }
    match Bar::on_terminal() {
        Some(bar) => Box::new(bar),
        None => Box::new(Lines::new(io::stderr())),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn each_command(command: &clap::Command, check: &mut impl FnMut(&clap::Command)) {
        check(command);
        for command in command.get_subcommands() {
            each_command(command, check);
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        each_command(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string);
            assert!(
                help.unwrap_or_default().contains("Examples:\n  muster "),
                "{}",
                command.get_name()
            );
        });
    }

    #[test]
    fn no_help_shows_a_value_of_the_token() {
        each_command(&Cli::command(), &mut |command| {
            for token in command.get_arguments().filter(|a| a.get_id() == "token") {
                assert!(token.is_hide_env_values_set() && token.is_hide_default_value_set());
            }
        });
    }

    #[test]
    fn every_example_parses() {
        each_command(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string);
            let examples = help.unwrap_or_default().replace("\\\n", " ");
            for line in examples.lines().filter(|l| l.starts_with("  muster ")) {
                let words = line.split_whitespace().take_while(|word| *word != ">");
                if let Err(e) = Cli::try_parse_from(words) {
                    panic!("{line}: {e}");
                }
            }
        });
    }
}
