//! A server that speaks S3 and checks signatures, on a port of its own, which
//! can be away, busy, or held up in the midst of a file.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ETAG, HeaderValue, IF_MATCH};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use muster::objects::{Encryption, Objects, StoreOptions};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use url::Url;

use super::s3_versions::Versions;

/// The key that the server knows.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const BUCKET: &str = "uploads-of-muster";
const PREFIX: &str = "some/prefix";

/// How the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Answers.
    Well,
    /// Answers 503 to all.
    Busy,
    /// Ends each connection at the first request.
    Away,
}

/// A reading that waits at the server.
pub struct Held {
    pub reached: oneshot::Receiver<()>,
    pub release: oneshot::Sender<()>,
}

#[derive(Default)]
struct Hold {
    /// Readings that still pass.
    after: usize,
    reached: Option<oneshot::Sender<()>>,
    release: Option<oneshot::Receiver<()>>,
}

struct State {
    mood: Mood,
    hold: Option<Hold>,
    /// Method and target of each request.
    seen: Vec<String>,
    /// Set where the bucket keeps versions.
    versions: Option<Arc<Versions>>,
}

/// A running server; ends when dropped.
pub struct S3Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    folder: TempDir,
    /// Of its own: tests that wait for a process block theirs.
    runtime: Option<Runtime>,
}

impl S3Server {
    /// A server with one bucket.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let service = {
            let files = FileSystem::new(folder.path()).expect("a file system");
            let mut builder = S3ServiceBuilder::new(files);
            builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
            builder.build()
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State {
            mood: Mood::Well,
            hold: None,
            seen: Vec::new(),
            versions: None,
        }));
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let shared = state.clone();
        runtime.spawn(async move {
            listener.set_nonblocking(true).expect("a socket");
            let listener = TcpListener::from_std(listener).expect("a socket");
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, service.clone(), shared.clone()));
            }
        });
        Self {
            address,
            state,
            folder,
            runtime: Some(runtime),
        }
    }

    /// What names the bucket and a prefix in it.
    pub fn url(&self) -> String {
        format!("s3://{BUCKET}/{PREFIX}")
    }

    /// The variables by which a process gets there.
    pub fn variables(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://{}", self.address);
        [
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_ALLOW_HTTP", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Options that do not wait for long.
    pub fn options(&self) -> StoreOptions {
        StoreOptions {
            encryption: Encryption::Kms,
            patience: Duration::from_millis(200),
            variables: self.variables(),
        }
    }

    /// The store, as a server of muster's opens it.
    pub fn objects(&self) -> Objects {
        self.objects_with(&self.options())
    }

    pub fn objects_with(&self, options: &StoreOptions) -> Objects {
        let url = Url::parse(&self.url()).expect("a URL");
        Objects::open(&url, options).expect("an object store")
    }

    /// From now on the server is so.
    pub fn be(&self, mood: Mood) {
        self.state.lock().expect("the state").mood = mood;
    }

    /// From now on the bucket keeps versions.
    pub fn keep_versions(&self) {
        self.state.lock().expect("the state").versions = Some(Arc::default());
    }

    /// Holds up the reading of an object that comes after so many.
    pub fn hold(&self, after: usize) -> Held {
        let (reached, is_reached) = oneshot::channel();
        let (release, is_released) = oneshot::channel();
        self.state.lock().expect("the state").hold = Some(Hold {
            after,
            reached: Some(reached),
            release: Some(is_released),
        });
        Held {
            reached: is_reached,
            release,
        }
    }

    /// Method and target of each request so far that has the words.
    pub fn seen(&self, words: &str) -> Vec<String> {
        let state = self.state.lock().expect("the state");
        let seen = state.seen.iter();
        seen.filter(|request| request.contains(words))
            .cloned()
            .collect()
    }

    /// How many objects lie there.
    pub fn files(&self) -> usize {
        count(&self.folder.path().join(BUCKET).join(PREFIX))
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn count(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { count(&path) } else { 1 })
        .sum()
}

async fn serve(client: TcpStream, service: S3Service, state: Arc<Mutex<State>>) {
    let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (service, state) = (service.clone(), state.clone());
        async move { answer(request, &service, &state).await }
    });
    let connection = hyper::server::conn::http1::Builder::new();
    if let Err(error) = connection
        .serve_connection(TokioIo::new(client), answer)
        .await
    {
        // Whoever was cut off knows why.
        assert!(!error.is_parse(), "{error}");
    }
}

async fn answer(
    request: Request<Incoming>,
    service: &S3Service,
    state: &Mutex<State>,
) -> Result<Response<s3s::Body>, s3s::HttpError> {
    let reading = request.method() == Method::GET && !request.uri().path().ends_with(BUCKET);
    let wanted = request.headers().get(IF_MATCH).cloned();
    let (mood, wait, versions) = {
        let mut state = state.lock().expect("the state");
        let seen = format!("{} {}", request.method(), request.uri());
        state.seen.push(seen);
        let wait = if reading { pass(&mut state.hold) } else { None };
        (state.mood, wait, state.versions.clone())
    };
    match mood {
        Mood::Well => {}
        Mood::Busy => return Ok(error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown")),
        Mood::Away => return Err(s3s::HttpError::new("away".into())),
    }
    if let Some(wait) = wait {
        let let_go = |_| s3s::HttpError::new("let go".into());
        wait.await.map_err(let_go)?;
    }
    let answer = match versions {
        Some(versions) => versions.answer(request, service).await?,
        None => service.call(request.map(s3s::Body::from)).await?,
    };
    // The one thing of S3 that muster asks for and this server has not.
    Ok(match answer.headers().get(ETAG) {
        Some(tag) if is_another(tag, wanted.as_ref()) => {
            error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed")
        }
        _ => answer,
    })
}

/// What a reading has to wait for.
fn pass(hold: &mut Option<Hold>) -> Option<oneshot::Receiver<()>> {
    let here = hold.as_mut()?;
    if here.after > 0 {
        here.after -= 1;
        return None;
    }
    let here = hold.take()?;
    let told = here.reached?.send(());
    told.expect("a test that waits");
    here.release
}

fn is_another(tag: &HeaderValue, wanted: Option<&HeaderValue>) -> bool {
    wanted.is_some_and(|wanted| wanted != tag)
}

fn error(status: StatusCode, code: &str) -> Response<s3s::Body> {
    let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    let mut answer = Response::new(s3s::Body::from(Bytes::from(body)));
    *answer.status_mut() = status;
    answer
}
