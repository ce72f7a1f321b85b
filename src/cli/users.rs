//! `muster users`.

use clap::{Args, Subcommand};

use super::failure::Failure;
use super::paging::Paging;
use super::session::Session;
use super::tables;
use crate::api::v1::{DescribeUserRequest, ListUsersRequest};

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// List the users of a pool by username
    #[command(after_help = "Examples:
  muster users list --pool local_1a2B3c4D5")]
    List(ListArgs),
    /// Show a user
    #[command(after_help = "Examples:
  muster users describe --pool local_1a2B3c4D5 ada@example.com")]
    Describe(DescribeArgs),
}

/// A page of users.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The user pool
    #[arg(long, value_name = "ID")]
    pool: String,
    #[command(flatten)]
    paging: Paging,
}

/// One user.
#[derive(Debug, Args)]
pub struct DescribeArgs {
    /// The user pool
    #[arg(long, value_name = "ID")]
    pool: String,
    /// The user
    username: String,
}

/// Runs one of the commands.
///
/// # Errors
///
/// When it fails.
pub async fn run(session: &Session, command: UsersCommand) -> Result<(), Failure> {
    match command {
        UsersCommand::List(args) => {
            let next = args
                .paging
                .run(async |page_size, page_token| {
                    let request = ListUsersRequest {
                        user_pool_id: args.pool.clone(),
                        page_size,
                        page_token,
                    };
                    let answer = session.users().list_users(request).await?;
                    session.answer(answer.get_ref(), |a| tables::users(&a.users))?;
                    Ok(answer.into_inner().next_page_token)
                })
                .await?;
            session.more(next)
        }
        UsersCommand::Describe(args) => {
            let request = DescribeUserRequest {
                user_pool_id: args.pool,
                username: args.username,
            };
            let answer = session.users().describe_user(request).await?;
            session.answer(answer.get_ref(), |a| {
                a.user.as_ref().map(tables::user).unwrap_or_default()
            })
        }
    }
}
