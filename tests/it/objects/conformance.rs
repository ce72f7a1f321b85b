//! What every store must do, tried on memory, a folder and a server that
//! speaks S3.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use muster::domain::error::{Error, Reason};
use muster::domain::ids::{JobId, UserPoolId};
use muster::objects::{Objects, Pieces, store_upload_name, upload_name};
use object_store::memory::InMemory;
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use super::pin;
use crate::support::s3::S3Server;

/// A store, and what it stands on.
struct Store {
    name: &'static str,
    objects: Objects,
    _stands_on: (Option<TempDir>, Option<S3Server>),
}

fn stores() -> [Store; 3] {
    let folder = tempfile::tempdir().expect("a folder");
    let url = Url::from_directory_path(folder.path()).expect("an absolute path");
    let s3 = S3Server::new();
    [
        Store {
            name: "memory",
            objects: Objects::over(Arc::new(InMemory::new())),
            _stands_on: (None, None),
        },
        Store {
            name: "file",
            objects: Objects::open_folder(&url).expect("a store"),
            _stands_on: (Some(folder), None),
        },
        Store {
            name: "s3",
            objects: s3.objects(),
            _stands_on: (None, Some(s3)),
        },
    ]
}

fn job(n: u128) -> (UserPoolId, JobId) {
    let pool = UserPoolId::parse("local_1").expect("a pool");
    (pool, JobId(Uuid::from_u128(n)))
}

fn name(n: u128) -> String {
    let (pool, job) = job(n);
    upload_name(&pool, job, Uuid::from_u128(100 + n))
}

/// Bytes of which no two places look alike.
fn bytes(length: usize) -> Bytes {
    let words = (0_u32..).flat_map(|n| n.wrapping_mul(0x9E37_79B9).to_le_bytes());
    words.take(length).collect::<Vec<u8>>().into()
}

async fn write(store: &Store, name: &str, content: &Bytes) {
    let mut writer = store.objects.writer(name).await.expect(store.name);
    for piece in content.chunks(700_000) {
        let piece = content.slice_ref(piece);
        writer.write(piece).await.expect(store.name);
    }
    let stored = writer.finish().await.expect(store.name);
    assert_eq!(stored.bytes, content.len() as u64, "{}", store.name);
    assert_eq!(stored.blake3, *blake3::hash(content).as_bytes());
    let head = store.objects.head(name).await.expect(store.name);
    let head = head.expect("the object");
    assert_eq!((head.bytes, head.e_tag), (stored.bytes, stored.e_tag));
}

async fn all(pieces: Option<Pieces>) -> Result<Bytes, Error> {
    let pieces: Vec<Bytes> = pieces.expect("the object").try_collect().await?;
    Ok(pieces.concat().into())
}

#[tokio::test]
async fn what_was_written_is_read_whole_and_in_any_range_however_it_is_cut() {
    for store in stores() {
        // More than what is read, and what is written, at once.
        let content = bytes(9_000_001);
        write(&store, &name(1), &content).await;
        let upload = pin(&store.objects, &name(1)).await;
        let end = upload.bytes;
        for (range, piece) in [
            (0..end, 4 << 20),
            (0..end, end),
            (0..end, end - 1),
            (0..1, 1 << 20),
            (1..end, 1 << 20),
            (end - 1..end, 1 << 20),
            (1_000_000..3_000_000, 300_001),
            (end..end, 1 << 20),
        ] {
            let read = store.objects.read(&upload, range.clone(), piece).await;
            let read = all(read.expect(store.name)).await.expect(store.name);
            let (from, to) = (range.start as usize, range.end as usize);
            assert!(read == content[from..to], "{}: {range:?}", store.name);
        }
        let hash = store.objects.blake3(&upload).await.expect(store.name);
        assert_eq!(hash, Some(*blake3::hash(&content).as_bytes()));
    }
}

#[tokio::test]
async fn an_empty_object_is_one() {
    for store in stores() {
        write(&store, &name(1), &Bytes::new()).await;
        let upload = pin(&store.objects, &name(1)).await;
        assert_eq!(upload.bytes, 0);
        let read = store.objects.read(&upload, 0..0, 1 << 20).await;
        let read = all(read.expect(store.name)).await.expect(store.name);
        assert!(read.is_empty(), "{}", store.name);
    }
}

#[tokio::test]
async fn an_object_is_replaced_whole_and_the_old_content_is_not_read_as_the_new() {
    for store in stores() {
        write(&store, &name(1), &bytes(2_000_000)).await;
        let old = pin(&store.objects, &name(1)).await;
        let other = Bytes::from_static(b"shorter");
        write(&store, &name(1), &other).await;
        let new = pin(&store.objects, &name(1)).await;
        assert_ne!(old.e_tag, new.e_tag, "{}", store.name);
        for range in [0..old.bytes, 5..old.bytes] {
            let read = store.objects.read(&old, range, 1 << 20).await;
            assert!(read.expect(store.name).is_none(), "{}", store.name);
        }
        let read = store.objects.read(&new, 0..new.bytes, 1 << 20).await;
        assert_eq!(all(read.expect(store.name)).await.expect("it"), other);
    }
}

#[tokio::test]
async fn an_upload_that_is_called_off_leaves_what_was_there() {
    for store in stores() {
        for content in [None, Some(Bytes::from_static(b"before"))] {
            if let Some(content) = &content {
                write(&store, &name(1), content).await;
            }
            let before = store.objects.head(&name(1)).await.expect(store.name);
            let mut writer = store.objects.writer(&name(1)).await.expect(store.name);
            writer.write(bytes(9_000_000)).await.expect(store.name);
            writer.abort().await;
            let after = store.objects.head(&name(1)).await.expect(store.name);
            assert_eq!(before, after, "{}", store.name);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_no_error_and_is_deleted_already() {
    for store in stores() {
        let found = store.objects.head(&name(1)).await.expect(store.name);
        assert_eq!(found, None, "{}", store.name);
        write(&store, &name(1), &bytes(10)).await;
        let upload = pin(&store.objects, &name(1)).await;
        for _ in 0..2 {
            store.objects.delete(&name(1)).await.expect(store.name);
        }
        assert_eq!(store.objects.head_of(&upload).await.expect("it"), None);
        let read = store.objects.read(&upload, 0..10, 1 << 20).await;
        assert!(read.expect(store.name).is_none(), "{}", store.name);
        assert_eq!(store.objects.blake3(&upload).await.expect("it"), None);
    }
}

#[tokio::test]
async fn a_jobs_folder_is_deleted_and_no_other() {
    for store in stores() {
        let (pool, id) = job(1);
        let names = [name(1), store_upload_name(&pool, id), name(2)];
        for name in &names {
            write(&store, name, &bytes(10)).await;
        }
        for _ in 0..2 {
            let gone = store.objects.delete_job(&pool, id).await;
            gone.expect(store.name);
        }
        let [one, two, other] = names;
        assert_eq!(store.objects.head(&one).await.expect("it"), None);
        assert_eq!(store.objects.head(&two).await.expect("it"), None);
        let other = store.objects.head(&other).await.expect(store.name);
        assert!(other.is_some(), "{}", store.name);
    }
}

#[tokio::test]
async fn every_store_answers_whether_it_may_be_used() {
    for store in stores() {
        let answer = store.objects.probe().await.expect(store.name);
        assert_eq!(answer, Ok(()), "{}", store.name);
    }
}

#[tokio::test]
async fn a_store_that_goes_away_in_the_midst_says_so() {
    let s3 = S3Server::new();
    let objects = s3.objects();
    let store = Store {
        name: "s3",
        objects: objects.clone(),
        _stands_on: (None, None),
    };
    write(&store, &name(1), &bytes(500_000)).await;
    let upload = pin(&objects, &name(1)).await;
    for mood in [
        crate::support::s3::Mood::Busy,
        crate::support::s3::Mood::Away,
    ] {
        let read = objects.read(&upload, 0..upload.bytes, 1_000).await;
        let pieces = read.expect("the store").expect("the object");
        s3.be(mood);
        let error = pieces.try_collect::<Vec<_>>().await.expect_err("away");
        assert_eq!(error.reason(), Reason::ObjectStoreUnavailable, "{mood:?}");
        let error = objects.head(&name(1)).await.expect_err("away");
        assert_eq!(error.reason(), Reason::ObjectStoreUnavailable, "{mood:?}");
        s3.be(crate::support::s3::Mood::Well);
    }
}
