//! What every command has: a connection, and a way to answer.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use super::address::Address;
use super::failure::{Failure, root_cause};
use super::json::{Answer, Json, pretty};
use super::token::{Bearer, Token};
use crate::api::v1::user_import_service_client::UserImportServiceClient;
use crate::api::v1::user_pool_service_client::UserPoolServiceClient;
use crate::api::v1::user_service_client::UserServiceClient;
use crate::process::tls::{ClientTls, ClientTlsArgs};

/// Where a server is looked for, unless told.
const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";

/// Which server, who asks, and how answers are shown.
// Values from the environment stay out of `--help`, so that it is the same everywhere.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server and output")]
pub struct SessionArgs {
    /// The gRPC server: host:port, http://host:port or https://host:port
    #[arg(long, global = true, env = "MUSTER_SERVER", hide_env_values = true, default_value = DEFAULT_SERVER, value_name = "ADDRESS")]
    pub server: Address,
    /// The HTTP server, for downloads
    #[arg(
        long,
        global = true,
        env = "MUSTER_PUBLIC_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub http: Address,
    /// The bearer token
    #[arg(
        long,
        global = true,
        env = "MUSTER_TOKEN",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub token: Token,
    /// How answers are printed; JSON is proto3 JSON, 64-bit integers are strings
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub output: Output,
    #[command(flatten)]
    pub tls: ClientTlsArgs,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

type Transport = InterceptedService<Channel, Bearer>;

/// A connection to a server, and the way to answer.
pub struct Session {
    args: SessionArgs,
    tls: ClientTls,
    transport: Transport,
    on_interrupt: RefCell<Option<String>>,
}

/// A page of 60 users with 2,048 characters in each attribute fits.
const MAX_ANSWER: usize = 64 << 20;

impl Session {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When no server answers, the token cannot be sent, or a certificate cannot
    /// be used.
    pub async fn connect(args: SessionArgs) -> Result<Self, Failure> {
        let bearer = args.token.bearer()?;
        let tls = args.tls.read()?;
        let unreachable = |e: tonic::transport::Error| Failure::Unreachable {
            address: args.server.clone(),
            cause: root_cause(&e),
        };
        let mut endpoint = Endpoint::from_shared(args.server.to_string()).map_err(unreachable)?;
        if args.server.is_secure() {
            endpoint = endpoint.tls_config(tls.grpc()).map_err(unreachable)?;
        }
        let channel = endpoint
            .connect_timeout(Duration::from_secs(5))
            // A watched job may be silent for long; a dead server must not pass for one.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(15))
            .connect()
            .await
            .map_err(unreachable)?;
        Ok(Self {
            args,
            tls,
            transport: InterceptedService::new(channel, bearer),
            on_interrupt: RefCell::default(),
        })
    }

    /// The calls about jobs.
    #[must_use]
    pub fn imports(&self) -> UserImportServiceClient<Transport> {
        UserImportServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// The calls about pools.
    #[must_use]
    pub fn pools(&self) -> UserPoolServiceClient<Transport> {
        UserPoolServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// The calls about users.
    #[must_use]
    pub fn users(&self) -> UserServiceClient<Transport> {
        UserServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// The HTTP server.
    #[must_use]
    pub const fn http(&self) -> &Address {
        &self.args.http
    }

    /// What there is of TLS.
    #[must_use]
    pub const fn tls(&self) -> &ClientTls {
        &self.tls
    }

    /// The token for the HTTP server.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.args.token
    }

    /// How answers are printed.
    #[must_use]
    pub const fn output(&self) -> Output {
        self.args.output
    }

    /// Prints an answer: its JSON, or the text that `table` makes of it.
    ///
    /// # Errors
    ///
    /// When standard output takes no more.
    pub fn answer<M: Answer>(
        &self,
        answer: &M,
        table: impl FnOnce(&M) -> String,
    ) -> Result<(), Failure> {
        match self.output() {
            Output::Json => print(&pretty(&Json::of(answer)?)?),
            Output::Table => print(&table(answer)),
        }
    }

    /// Says on standard error what is no answer.
    ///
    /// # Errors
    ///
    /// When standard error takes no more.
    pub fn note(&self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(io::stderr(), "{text}")?)
    }

    /// Says where a list goes on. In JSON the answer says so itself.
    ///
    /// # Errors
    ///
    /// When standard error takes no more.
    pub fn more(&self, next_page_token: Option<String>) -> Result<(), Failure> {
        match next_page_token.filter(|_| self.output() == Output::Table) {
            Some(token) => self.note(&format!("There is more: --all, or --page-token {token}")),
            None => Ok(()),
        }
    }

    /// A command line that reaches the same server, to be shown. It does not
    /// hold the token.
    #[must_use]
    pub fn command(&self, arguments: &str) -> String {
        let server = self.args.server.to_string();
        if server == DEFAULT_SERVER {
            format!("muster {arguments}")
        } else {
            format!("muster --server {server} {arguments}")
        }
    }

    /// What to say when the user interrupts the command from now on.
    pub fn on_interrupt(&self, text: Option<String>) {
        self.on_interrupt.replace(text);
    }

    /// What to say as the user has interrupted the command.
    #[must_use]
    pub fn farewell(&self) -> Option<String> {
        self.on_interrupt.take()
    }
}

/// Prints a line, or several, to standard output. Unlike `println!`, it does
/// not panic when nobody reads them.
///
/// # Errors
///
/// When standard output takes no more.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// The message that an answer must hold.
///
/// # Errors
///
/// When it does not.
pub fn required<T>(field: Option<T>, name: &'static str) -> Result<T, Failure> {
    field.ok_or(Failure::Incomplete(name))
}
