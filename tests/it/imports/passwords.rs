//! Password hashes (`docs/contract.md`, "Password hashes").

use muster::domain::job::JobStatus;
use muster::domain::rejection::RejectionCode as C;
use muster::domain::rules::password_hash::PasswordHashingAlgorithm as A;
use muster::domain::user::{Comparison, SearchAttribute, UserFilter, UserStatus};

use super::{at, report};
use crate::support::imports::{counted, work};
use crate::support::look::biggest_page;
use crate::support::muster::{TestMuster, admin};

/// Made up, and of the right form.
const HASHES: [(A, &str); 4] = [
    (
        A::Bcrypt,
        "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
    ),
    (A::Scrypt, "65536$8$1$0011aabb$ccddeeff"),
    (
        A::Argon2id,
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAA$BBBBBBBB",
    ),
    (A::Pbkdf2Sha256, "$pbkdf2-sha256$600000$AAAAAAAA$BBBBBBBB"),
];

fn file(hashes: &[&str]) -> String {
    let mut csv = "cognito:username,email,email_verified,password_hash\n".to_owned();
    for (n, hash) in hashes.iter().enumerate() {
        csv.push_str(&format!("user-{n},u{n}@example.com,true,\"{hash}\"\n"));
    }
    csv
}

#[tokio::test]
async fn users_with_a_hash_are_confirmed_and_no_call_answers_it() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let mut hashes: Vec<&str> = HASHES.iter().map(|(_, hash)| *hash).collect();
    hashes.push("");
    let job = test.import(&pool, file(&hashes)).await;
    assert_eq!(job.counters, counted(5, 0, 0));
    let users = test.users(&pool).await;
    for (user, hash) in users.iter().zip(&hashes) {
        let expected = if hash.is_empty() {
            UserStatus::ResetRequired
        } else {
            let answered = format!("{user:?}");
            assert!(!answered.contains(hash), "a hash was answered");
            UserStatus::Confirmed
        };
        assert_eq!(user.user_status, expected);
        assert!(!user.attributes.contains_key("password_hash"));
    }
    for (status, found) in [
        (UserStatus::Confirmed, &users[..4]),
        (UserStatus::ResetRequired, &users[4..]),
    ] {
        let filter = UserFilter {
            attribute: SearchAttribute::UserStatus,
            comparison: Comparison::Equals,
            value: status.as_str().to_owned(),
        };
        let page = biggest_page();
        let answer = test
            .muster
            .search_users(&admin(), &pool, Some(&filter), &page)
            .await
            .expect("users");
        assert!(answer.0 == found, "{status:?}");
    }
    let kept: Vec<Option<String>> =
        sqlx::query_scalar("SELECT password_hash FROM users ORDER BY username_key")
            .fetch_all(&mut test.connection().await)
            .await
            .expect("the users");
    let kept: Vec<String> = kept.into_iter().map(Option::unwrap_or_default).collect();
    assert!(kept == hashes, "the hashes are not kept as they came");
}

#[tokio::test]
async fn the_jobs_algorithm_asks_for_its_own_format_in_every_row() {
    for (wanted, _) in HASHES {
        let test = TestMuster::new();
        let pool = test.pool().await;
        let job = test
            .create_with(&pool, |j| {
                j.password_hashing_algorithm = Some(wanted);
                j.max_rejected_percent = Some(100);
            })
            .await
            .expect("a job");
        let hashes: Vec<&str> = HASHES.iter().map(|(_, hash)| *hash).collect();
        test.upload(&job, file(&hashes)).await.expect("an upload");
        test.start(&job).await.expect("a start");
        work(&test.scheduler()).await;
        let job = test.describe(&job).await;
        assert_eq!(job.status, JobStatus::Succeeded);
        let expected: Vec<_> = (2..)
            .zip(HASHES)
            .filter(|(_, (algorithm, _))| *algorithm != wanted)
            .map(|(line, _)| at(line, C::InvalidPasswordHash, "password_hash"))
            .collect();
        assert_eq!(report(&test, &job).await, expected);
    }
}

#[tokio::test]
async fn a_bad_hash_fails_its_row_only() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let too_costly = HASHES[0].1.replace("$12$", "$13$");
    let hashes = [HASHES[0].1, "open sesame", &too_costly, HASHES[2].1, ""];
    let job = test.import(&pool, file(&hashes)).await;
    assert_eq!(job.counters, counted(3, 0, 2));
    assert_eq!(
        report(&test, &job).await,
        [
            at(3, C::InvalidPasswordHash, "password_hash"),
            at(4, C::PasswordHashTooCostly, "password_hash"),
        ]
    );
    for rejection in test.rejections(&job).await {
        assert!(!rejection.message().contains("sesame"));
    }
}
