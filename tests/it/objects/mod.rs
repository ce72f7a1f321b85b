//! Object stores: what all of them must do, and whole jobs over one that takes
//! uploads itself.

mod conformance;
mod jobs;
mod outages;
mod programs;
mod signed;
mod start;
mod sweeping;

use std::collections::BTreeMap;

use bytes::Bytes;
use muster::domain::job::Upload;
use muster::objects::Objects;
use muster::operations::Settings;
use muster::operations::jobs::JobView;

use crate::support::http;
use crate::support::imports::TestJob;
use crate::support::muster::{TestMuster, admin};
use crate::support::s3::S3Server;

/// Operations whose uploads go to a server that speaks S3.
pub struct Site {
    pub s3: S3Server,
    pub test: TestMuster,
}

impl Site {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let s3 = S3Server::new();
        let test = TestMuster::over(Some(s3.objects()), change);
        Self { s3, test }
    }

    /// A job as it is now.
    pub async fn view(&self, job: &TestJob) -> JobView {
        let caller = admin();
        let view = self.test.muster.describe_job(&caller, &job.pool, &job.id);
        view.await.expect("the job")
    }

    /// A job, and a file in the store for it.
    pub async fn uploaded(&self, pool: &str, csv: impl Into<Bytes>) -> TestJob {
        let job = self.test.create(pool).await;
        assert_eq!(self.put(&job, csv).await, 200);
        job
    }

    /// A job in status PENDING.
    pub async fn started(&self, pool: &str, csv: impl Into<Bytes>) -> TestJob {
        let job = self.uploaded(pool, csv).await;
        self.test.start(&job).await.expect("a start");
        job
    }

    /// Puts a file where the job's URL says, as any client would; answers the
    /// status.
    pub async fn put(&self, job: &TestJob, csv: impl Into<Bytes>) -> u16 {
        let view = self.view(job).await;
        // A job that was started has none any more.
        let url = view.pre_signed_url.unwrap_or_else(|| job.url.clone());
        put(&url, &kms(), csv).await
    }
}

/// What Cognito's documentation has every upload say.
pub fn kms() -> BTreeMap<String, String> {
    let header = ("x-amz-server-side-encryption", "aws:kms");
    BTreeMap::from([(header.0.to_owned(), header.1.to_owned())])
}

/// A PUT; answers its status.
pub async fn put(url: &str, headers: &BTreeMap<String, String>, body: impl Into<Bytes>) -> u16 {
    let mut request = http::client().put(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request.body(body.into()).send().await;
    answer.expect("an answer").status().as_u16()
}

/// What is pinned of an object as it is now.
pub async fn pin(objects: &Objects, name: &str) -> Upload {
    let head = objects.head(name).await.expect("the store");
    let head = head.expect("the object");
    Upload {
        object: name.to_owned(),
        bytes: head.bytes,
        rows: None,
        e_tag: head.e_tag,
        version: head.version,
        blake3: None,
    }
}
