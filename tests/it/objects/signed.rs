//! The URLs by which callers put files into the store: what they are good for,
//! for how long, and what must be sent along.

use std::collections::BTreeMap;
use std::time::Duration;

use muster::domain::error::Reason;
use muster::objects::{Encryption, Objects, StoreOptions, UploadUrl};
use muster::operations::jobs::CreateJob;
use time::OffsetDateTime;
use url::Url;

use super::{Site, kms, put};
use crate::support::imports::{upload_request, users_csv};
use crate::support::muster::admin;
use crate::support::s3::S3Server;

const MINUTE: Duration = Duration::from_secs(60);

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).expect("a URL");
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

async fn sign(objects: &Objects, good_for: Duration) -> UploadUrl {
    let signed = objects.upload_url("uploads/a", good_for).await;
    signed.expect("the store").expect("a URL")
}

#[tokio::test]
async fn a_url_takes_one_object_by_put_with_the_header_that_it_asks_for() {
    let s3 = S3Server::new();
    let objects = s3.objects();
    let signed = sign(&objects, MINUTE).await;
    let headers: BTreeMap<_, _> = signed.headers.iter().cloned().collect();
    assert_eq!(headers, kms());
    let csv = users_csv(["ann"]);

    let other = BTreeMap::from([(
        "x-amz-server-side-encryption".to_owned(),
        "AES256".to_owned(),
    )]);
    assert_eq!(put(&signed.url, &BTreeMap::new(), csv.clone()).await, 403);
    assert_eq!(put(&signed.url, &other, csv.clone()).await, 403);
    let elsewhere = signed.url.replace("uploads/a", "uploads/b");
    assert_eq!(put(&elsewhere, &kms(), csv.clone()).await, 403);
    let longer = signed.url.replace("X-Amz-Expires=60", "X-Amz-Expires=600");
    assert_ne!(longer, signed.url);
    assert_eq!(put(&longer, &kms(), csv.clone()).await, 403);
    assert_eq!(s3.files(), 0);

    assert_eq!(put(&signed.url, &kms(), csv.clone()).await, 200);
    let head = objects.head("uploads/a").await.expect("the store");
    assert_eq!(head.expect("the object").bytes, csv.len() as u64);
    let read = crate::support::http::client().get(&signed.url).send().await;
    assert_eq!(read.expect("an answer").status(), 403);
}

#[tokio::test]
async fn a_url_whose_time_is_up_takes_nothing() {
    let s3 = S3Server::new();
    let signed = sign(&s3.objects(), Duration::from_millis(1_999)).await;
    assert_eq!(
        parameter(&signed.url, "X-Amz-Expires").as_deref(),
        Some("1")
    );
    // The server goes by the clock of the machine.
    let over = tokio::time::timeout(20 * Duration::from_secs(1), async {
        while put(&signed.url, &kms(), "x").await == 200 {
            tokio::task::yield_now().await;
        }
    });
    over.await.expect("an end of its time");
    assert_eq!(put(&signed.url, &kms(), "y").await, 403);

    let objects = s3.objects();
    let none = objects.upload_url("uploads/a", Duration::from_millis(999));
    assert_eq!(none.await.expect("the store"), None);
}

#[tokio::test]
async fn other_words_of_encryption_and_none_at_all_are_signed_as_they_are_set() {
    let s3 = S3Server::new();
    for (encryption, word) in [
        (Encryption::Aes256, Some("AES256")),
        (Encryption::None, None),
    ] {
        let options = StoreOptions {
            encryption,
            ..s3.options()
        };
        let signed = sign(&s3.objects_with(&options), MINUTE).await;
        let headers: BTreeMap<_, _> = signed.headers.iter().cloned().collect();
        let sent = headers.get("x-amz-server-side-encryption");
        assert_eq!(sent.map(String::as_str), word);
        assert_eq!(put(&signed.url, &headers, "x").await, 200);
        let names = parameter(&signed.url, "X-Amz-SignedHeaders").expect("names");
        assert_eq!(names.contains("encryption"), word.is_some(), "{names}");
    }
}

#[tokio::test]
async fn a_job_answers_urls_of_the_store_that_do_not_outlive_it() {
    let site = Site::with(|s| {
        s.expire_after = 20 * MINUTE;
        s.upload_url_ttl = 15 * MINUTE;
    });
    let pool = site.test.pool().await;
    let job = site.test.create(&pool).await;
    let view = site.view(&job).await;
    let url = view.pre_signed_url.expect("a URL");
    assert_eq!(view.pre_signed_url_headers, kms());
    assert_eq!(parameter(&url, "X-Amz-Expires").as_deref(), Some("900"));
    let path = Url::parse(&url).expect("a URL").path().to_owned();
    assert!(path.ends_with(&format!("/uploads/{pool}/{}/upload.csv", job.id)));
    assert!(path.contains("/some/prefix/"), "{path}");

    site.test.clock.advance(10 * MINUTE);
    let url = site.view(&job).await.pre_signed_url.expect("a URL");
    assert_eq!(parameter(&url, "X-Amz-Expires").as_deref(), Some("600"));
    site.test
        .clock
        .advance(10 * MINUTE - Duration::from_millis(500));
    assert_eq!(
        site.view(&job).await.pre_signed_url,
        None,
        "less than a second"
    );
    site.test.clock.advance(Duration::from_secs(1));
    assert_eq!(site.view(&job).await.pre_signed_url, None, "expired");

    // One key a job.
    let other = site.test.create(&pool).await;
    assert_ne!(Url::parse(&other.url).expect("a URL").path(), path);
    let request = muster::operations::Page::default();
    let listed = site.test.muster.list_jobs(&admin(), &pool, &request).await;
    let (jobs, _) = listed.expect("a page");
    let urls: Vec<bool> = jobs.iter().map(|j| j.pre_signed_url.is_some()).collect();
    assert_eq!(urls, [true, false]);
}

#[tokio::test]
async fn musters_own_endpoint_takes_no_file_where_the_store_does() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.test.create(&pool).await;
    // What a server over a folder with the same key would have answered.
    let folder = crate::support::muster::TestMuster::new();
    let request = CreateJob {
        user_pool_id: folder.pool().await,
        job_name: "a job".into(),
        ..CreateJob::default()
    };
    let view = folder.muster.create_job(&admin(), request).await;
    let url = view.expect("a job").pre_signed_url.expect("a URL");
    let body = futures_util::stream::empty();
    let error = site.test.muster.receive_upload(upload_request(&url), body);
    let error = error.await.expect_err("refused");
    assert_eq!(error.reason(), Reason::UploadClosed);
    assert!(error.to_string().contains("object store itself"), "{error}");
    assert_eq!(site.view(&job).await.job.upload, None);
}

#[tokio::test]
async fn azure_signs_urls_and_tells_what_an_upload_must_say() {
    let variables = [
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
        // An account's key is 64 bytes.
        (
            "AZURE_STORAGE_ACCOUNT_KEY",
            "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
        ),
    ];
    let options = StoreOptions {
        encryption: Encryption::Kms,
        patience: Duration::from_millis(10),
        variables: variables
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .to_vec(),
    };
    let url = Url::parse("az://container/a/prefix").expect("a URL");
    let objects = Objects::open(&url, &options).expect("a store");
    assert!(objects.takes_uploads());
    let before = OffsetDateTime::now_utc().unix_timestamp();
    let signed = sign(&objects, MINUTE).await;
    let target = Url::parse(&signed.url).expect("a URL");
    assert_eq!(target.scheme(), "https");
    assert!(
        target.path().ends_with("/container/a/prefix/uploads/a"),
        "{target}"
    );
    let expiry = parameter(&signed.url, "se").expect("an expiry");
    let format = &time::format_description::well_known::Rfc3339;
    let expiry = OffsetDateTime::parse(&expiry, format).expect("a time");
    let good_for = expiry.unix_timestamp() - before;
    assert!((59..=120).contains(&good_for), "{good_for}");
    assert!(parameter(&signed.url, "sig").is_some());
    let header = ("x-ms-blob-type".to_owned(), "BlockBlob".to_owned());
    assert_eq!(signed.headers, [header]);
    assert!(!format!("{objects:?}").contains("c2VjcmV0"));
}

#[test]
fn urls_that_name_no_store_are_refused_and_no_secret_is_repeated() {
    let options = S3Server::new().options();
    for (url, said) in [
        ("ftp://bucket", "file, s3, gs and az"),
        ("s3://", "a bucket and a prefix"),
        ("s3://key:s3cret@bucket/prefix", "a bucket and a prefix"),
        ("s3://bucket/prefix?token=s3cret", "a bucket and a prefix"),
        ("s3://bucket:9000/prefix", "a bucket and a prefix"),
        ("az://container", "cannot be used"),
    ] {
        let parsed = Url::parse(url).expect("a URL");
        let error = Objects::open(&parsed, &options).expect_err(url).to_string();
        assert!(error.contains(said), "{url}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
