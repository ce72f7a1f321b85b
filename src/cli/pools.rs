//! `muster pools` and `muster header`.

use clap::{Args, Subcommand, ValueEnum};

use super::custom_attribute;
use super::failure::Failure;
use super::paging::Paging;
use super::session::Session;
use super::tables;
use crate::api::v1::{
    CreateUserPoolRequest, CustomAttribute, DeleteUserPoolRequest, DescribeUserPoolRequest,
    GetCsvHeaderRequest, ListUserPoolsRequest, MfaConfiguration, UserPool,
};

/// What can be done with pools.
#[derive(Debug, Subcommand)]
pub enum PoolsCommand {
    /// Make a pool
    #[command(after_help = "Examples:
  muster pools create --name customers
  muster pools create --name staff --alias-attribute email --required-attribute name \\
    --custom-attribute team:String:1..40:required --custom-attribute level:Number:0..9")]
    Create(CreateArgs),
    /// List the pools, newest first
    #[command(after_help = "Examples:
  muster pools list
  muster pools list --all -o json")]
    List(Paging),
    /// Show a pool
    #[command(after_help = "Examples:
  muster pools describe local_1a2B3c4D5")]
    Describe(PoolRef),
    /// Delete a pool with its users, its jobs and their files
    #[command(after_help = "Examples:
  muster pools delete local_1a2B3c4D5")]
    Delete(PoolRef),
}

/// One pool, named as such.
#[derive(Debug, Args)]
pub struct PoolRef {
    /// The user pool
    user_pool_id: String,
}

/// A new pool.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The pool's name
    #[arg(long)]
    name: String,
    /// An imported user must have one of these verified: email, phone_number. A pool
    /// without any takes no imports
    #[arg(long, value_name = "ATTRIBUTE", default_value = "email", value_parser = ["email", "phone_number"])]
    auto_verified_attribute: Vec<String>,
    /// A value of it names one user only: email, phone_number, preferred_username
    #[arg(
        long,
        value_name = "ATTRIBUTE",
        value_parser = ["email", "phone_number", "preferred_username"],
        conflicts_with = "username_attribute"
    )]
    alias_attribute: Vec<String>,
    /// Usernames are values of it: email, phone_number
    #[arg(long, value_name = "ATTRIBUTE", value_parser = ["email", "phone_number"])]
    username_attribute: Vec<String>,
    /// A standard attribute that every user must have
    #[arg(long, value_name = "ATTRIBUTE")]
    required_attribute: Vec<String>,
    /// An attribute of the pool's own: `name:Type[:min..max][:required]`, where Type is
    /// String, Number, Boolean or DateTime
    #[arg(long, value_name = "ATTRIBUTE", value_parser = custom_attribute::parse)]
    custom_attribute: Vec<CustomAttribute>,
    /// Whether users may, may not or must use multi-factor authentication
    #[arg(long, value_enum, default_value_t)]
    mfa: Mfa,
    /// Usernames that differ in case are different
    #[arg(long)]
    case_sensitive: bool,
}

/// Multi-factor authentication.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Mfa {
    #[default]
    Off,
    Optional,
    On,
}

impl From<Mfa> for MfaConfiguration {
    fn from(mfa: Mfa) -> Self {
        match mfa {
            Mfa::Off => Self::Off,
            Mfa::Optional => Self::Optional,
            Mfa::On => Self::On,
        }
    }
}

impl From<CreateArgs> for CreateUserPoolRequest {
    fn from(args: CreateArgs) -> Self {
        Self {
            pool_name: args.name,
            auto_verified_attributes: args.auto_verified_attribute,
            alias_attributes: args.alias_attribute,
            username_attributes: args.username_attribute,
            custom_attributes: args.custom_attribute,
            required_attributes: args.required_attribute,
            mfa_configuration: MfaConfiguration::from(args.mfa).into(),
            case_sensitive: args.case_sensitive,
        }
    }
}

/// Runs one of the commands.
///
/// # Errors
///
/// When it fails.
pub async fn run(session: &Session, command: PoolsCommand) -> Result<(), Failure> {
    match command {
        PoolsCommand::Create(args) => {
            let request = CreateUserPoolRequest::from(args);
            let answer = session.pools().create_user_pool(request).await?;
            session.answer(answer.get_ref(), |a| table_of(a.user_pool.as_ref()))
        }
        PoolsCommand::List(paging) => {
            let next = paging
                .run(async |page_size, page_token| {
                    let request = ListUserPoolsRequest {
                        page_size,
                        page_token,
                    };
                    let answer = session.pools().list_user_pools(request).await?;
                    session.answer(answer.get_ref(), |a| tables::pools(&a.user_pools))?;
                    Ok(answer.into_inner().next_page_token)
                })
                .await?;
            session.more(next)
        }
        PoolsCommand::Describe(pool) => {
            let request = DescribeUserPoolRequest {
                user_pool_id: pool.user_pool_id,
            };
            let answer = session.pools().describe_user_pool(request).await?;
            session.answer(answer.get_ref(), |a| table_of(a.user_pool.as_ref()))
        }
        PoolsCommand::Delete(pool) => {
            let text = format!("Deleted {}.", pool.user_pool_id);
            let request = DeleteUserPoolRequest {
                user_pool_id: pool.user_pool_id,
            };
            let answer = session.pools().delete_user_pool(request).await?;
            session.answer(answer.get_ref(), |_| text)
        }
    }
}

fn table_of(pool: Option<&UserPool>) -> String {
    pool.map(tables::pool).unwrap_or_default()
}

/// The CSV header of a pool.
#[derive(Debug, Args)]
pub struct HeaderArgs {
    /// The user pool
    #[arg(long, value_name = "ID")]
    pool: String,
}

/// Prints the first line of a pool's CSV files.
///
/// # Errors
///
/// When the server refuses.
pub async fn header(session: &Session, args: HeaderArgs) -> Result<(), Failure> {
    let request = GetCsvHeaderRequest {
        user_pool_id: args.pool,
    };
    let answer = session.imports().get_csv_header(request).await?;
    // No column name can hold a comma or a quote.
    session.answer(answer.get_ref(), |a| a.csv_header.join(","))
}
