//! A server for the tests of this room: it answers what it was told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use clap::Parser as _;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use super::session::{Session, SessionArgs};
use crate::api::v1::user_import_service_server::{UserImportService, UserImportServiceServer};
use crate::api::v1::{self, UserImportJob, UserImportJobStatus};

/// What the server is to answer, and what it was asked.
#[derive(Default)]
pub struct Script {
    /// How many calls of Create and Start find it unavailable, each.
    pub unavailable: usize,
    /// What each call of Watch answers.
    pub watches: VecDeque<Vec<Result<UserImportJob, Status>>>,
    /// Whether streams stay open after their last answer.
    pub hang: bool,
    /// How an upload is refused, if it is.
    pub refuse_upload: Option<(u16, &'static str)>,
    /// The request ids of Create and of Start.
    pub created: Vec<String>,
    pub started: Vec<String>,
    /// The uploads' `content-length` and bodies.
    pub uploads: Vec<(Option<String>, String)>,
    /// What the uploads say of their encryption, as their job asks for.
    pub encryptions: Vec<Option<String>>,
    /// The `authorization` of calls and of uploads.
    pub tokens: Vec<Option<String>>,
}

/// The server.
#[derive(Clone)]
pub struct Fake {
    pub script: Arc<Mutex<Script>>,
    pub grpc: SocketAddr,
    http: SocketAddr,
}

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    session: SessionArgs,
}

impl Fake {
    /// Serves until the test's runtime ends.
    pub async fn serve(script: Script) -> Self {
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            script: Arc::new(Mutex::new(script)),
            grpc: grpc.local_addr().unwrap(),
            http: http.local_addr().unwrap(),
        };
        let uploads = axum::Router::new()
            .route("/upload", put(upload))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(http, uploads).await.unwrap() });
        let service = UserImportServiceServer::new(fake.clone());
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(grpc)),
        );
        fake
    }

    /// A session with the token `s3cret`.
    pub async fn session(&self) -> Session {
        Self::session_at(self.grpc).await
    }

    /// The same, with a server or proxy there.
    pub async fn session_at(server: SocketAddr) -> Session {
        let server = server.to_string();
        let line = ["muster", "--server", &server, "--token", "s3cret"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        Session::connect(arguments.session).await.unwrap()
    }

    fn job(&self, status: UserImportJobStatus) -> Option<UserImportJob> {
        Some(UserImportJob {
            pre_signed_url: format!("http://{}/upload", self.http),
            pre_signed_url_headers: [(
                "x-amz-server-side-encryption".to_owned(),
                "aws:kms".to_owned(),
            )]
            .into(),
            ..job(status, 0)
        })
    }
}

/// A job with so many users.
pub fn job(status: UserImportJobStatus, imported_users: i64) -> UserImportJob {
    UserImportJob {
        job_id: "import-1".to_owned(),
        user_pool_id: "local_a".to_owned(),
        status: status.into(),
        imported_users,
        ..Default::default()
    }
}

async fn upload(
    State(fake): State<Fake>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let header = |name: &str| Some(headers.get(name)?.to_str().unwrap().to_owned());
    let mut script = fake.script.lock().unwrap();
    script.tokens.push(header("authorization"));
    script
        .encryptions
        .push(header("x-amz-server-side-encryption"));
    script.uploads.push((header("content-length"), body));
    match script.refuse_upload {
        Some((status, body)) => (StatusCode::from_u16(status).unwrap(), body.to_owned()),
        None => (StatusCode::OK, String::new()),
    }
}

macro_rules! unneeded {
    ($($method:ident: $request:ident -> $response:ident),* $(,)?) => {
        #[tonic::async_trait]
        impl UserImportService for Fake {
            $(async fn $method(
                &self,
                _: Request<v1::$request>,
            ) -> Result<Response<v1::$response>, Status> {
                Err(Status::unimplemented(stringify!($method)))
            })*

            type WatchUserImportJobStream =
                BoxStream<'static, Result<v1::WatchUserImportJobResponse, Status>>;

            async fn create_user_import_job(
                &self,
                request: Request<v1::CreateUserImportJobRequest>,
            ) -> Result<Response<v1::CreateUserImportJobResponse>, Status> {
                let mut script = self.script.lock().unwrap();
                let token = request.metadata().get("authorization");
                script.tokens.push(token.map(|t| t.to_str().unwrap().to_owned()));
                script.created.push(request.into_inner().request_id);
                if script.created.len() <= script.unavailable {
                    return Err(Status::unavailable("not yet"));
                }
                let user_import_job = self.job(UserImportJobStatus::Created);
                Ok(Response::new(v1::CreateUserImportJobResponse { user_import_job }))
            }

            async fn start_user_import_job(
                &self,
                request: Request<v1::StartUserImportJobRequest>,
            ) -> Result<Response<v1::StartUserImportJobResponse>, Status> {
                let mut script = self.script.lock().unwrap();
                script.started.push(request.into_inner().request_id);
                if script.started.len() <= script.unavailable {
                    return Err(Status::unavailable("not yet"));
                }
                let user_import_job = self.job(UserImportJobStatus::Pending);
                Ok(Response::new(v1::StartUserImportJobResponse { user_import_job }))
            }

            async fn watch_user_import_job(
                &self,
                _: Request<v1::WatchUserImportJobRequest>,
            ) -> Result<Response<Self::WatchUserImportJobStream>, Status> {
                let mut script = self.script.lock().unwrap();
                let answers = script.watches.pop_front();
                let answers = answers.ok_or_else(|| Status::not_found("no such job"))?;
                let answers = answers.into_iter().map(|answer| {
                    answer.map(|job| v1::WatchUserImportJobResponse {
                        user_import_job: Some(job),
                    })
                });
                let answers = stream::iter(answers);
                Ok(Response::new(if script.hang {
                    answers.chain(stream::pending()).boxed()
                } else {
                    answers.boxed()
                }))
            }
        }
    };
}

unneeded!(
    describe_user_import_job: DescribeUserImportJobRequest -> DescribeUserImportJobResponse,
    list_user_import_jobs: ListUserImportJobsRequest -> ListUserImportJobsResponse,
    stop_user_import_job: StopUserImportJobRequest -> StopUserImportJobResponse,
    delete_user_import_job: DeleteUserImportJobRequest -> DeleteUserImportJobResponse,
    get_csv_header: GetCsvHeaderRequest -> GetCsvHeaderResponse,
    list_rejected_rows: ListRejectedRowsRequest -> ListRejectedRowsResponse,
);
