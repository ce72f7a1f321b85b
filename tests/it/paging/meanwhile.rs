//! What comes and goes between two pages neither repeats nor hides another.

use super::{Kind, page};
use crate::support::imports::{TestJob, users_csv, work};
use crate::support::muster::{TestMuster, admin};

async fn jobs(test: &TestMuster, pool: &str, many: usize) -> Vec<TestJob> {
    let mut jobs = Vec::new();
    for _ in 0..many {
        jobs.push(test.create(pool).await);
    }
    jobs.reverse();
    jobs
}

fn ids(jobs: &[TestJob]) -> Vec<String> {
    jobs.iter().map(|j| j.id.clone()).collect()
}

#[tokio::test]
async fn jobs_created_between_two_pages_neither_repeat_nor_hide_another() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 100);
    let pool = test.pool().await;
    let old = jobs(&test, &pool, 6).await;
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let (found, next) = page(&test, Kind::Jobs, &old[0], Some(2), token)
            .await
            .expect("a page");
        seen.extend(found);
        // At the same instant by the clock, too.
        test.create(&pool).await;
        token = next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids(&old));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_created_while_pages_are_read_neither_repeat_nor_hide_another() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 100);
    let pool = test.pool().await;
    let old = jobs(&test, &pool, 20).await;
    let (muster, user_pool_id) = (test.muster.clone(), pool.clone());
    let creating = tokio::spawn(async move {
        for _ in 0..40 {
            let request = muster::operations::jobs::CreateJob {
                user_pool_id: user_pool_id.clone(),
                job_name: "made up".to_owned(),
                ..Default::default()
            };
            muster.create_job(&admin(), request).await.expect("a job");
        }
    });
    while !creating.is_finished() {
        let all = super::pages(&test, Kind::Jobs, &old[0], 7).await.concat();
        let mut once = all.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), all.len(), "a job that is there twice");
        assert_eq!(all[all.len() - old.len()..], ids(&old), "the old ones");
    }
    creating.await.expect("the jobs");
}

#[tokio::test]
async fn a_job_deleted_between_two_pages_hides_no_other() {
    for deleted in 0..6 {
        let test = TestMuster::new();
        let pool = test.pool().await;
        let old = jobs(&test, &pool, 6).await;
        let (first, next) = page(&test, Kind::Jobs, &old[0], Some(3), None)
            .await
            .expect("a page");
        assert_eq!(first, ids(&old[..3]));
        // Also the very one at which the next page begins.
        test.muster
            .delete_job(&admin(), &pool, &old[deleted].id)
            .await
            .expect("a deletion");
        for purged in [false, true] {
            if purged {
                test.scheduler().purge_tick().await.expect("a purge");
            }
            let (second, end) = page(&test, Kind::Jobs, &old[0], Some(3), next.clone())
                .await
                .expect("a page");
            let mut expected = ids(&old[3..]);
            expected.retain(|id| *id != old[deleted].id);
            assert_eq!(second, expected, "without {deleted}, purged: {purged}");
            assert_eq!(end, None);
        }
    }
}

#[tokio::test]
async fn pools_that_come_and_go_between_two_pages_hide_no_other() {
    let test = TestMuster::new();
    let mut old = Vec::new();
    for _ in 0..5 {
        old.push(test.pool().await);
        test.clock.advance(std::time::Duration::from_secs(1));
    }
    old.reverse();
    let job = test.create(&old[4]).await;
    let (first, next) = page(&test, Kind::Pools, &job, Some(2), None)
        .await
        .expect("a page");
    assert_eq!(first, old[..2]);
    test.pool().await;
    for gone in [1, 3] {
        let deleted = test.muster.delete_pool(&admin(), &old[gone]).await;
        deleted.expect("a deletion");
    }
    let (second, end) = page(&test, Kind::Pools, &job, Some(2), next)
        .await
        .expect("a page");
    assert_eq!(second, [old[2].clone(), old[4].clone()]);
    assert_eq!(end, None);
}

#[tokio::test]
async fn users_imported_between_two_pages_hide_no_other() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.started(&pool, users_csv(["b", "d", "f", "h"])).await;
    work(&test.scheduler()).await;
    let (first, next) = page(&test, Kind::Users, &job, Some(2), None)
        .await
        .expect("a page");
    assert_eq!(first, ["b", "d"]);
    test.import(&pool, users_csv(["a", "C", "e", "g", "i"]))
        .await;
    let (second, next) = page(&test, Kind::Users, &job, Some(3), next)
        .await
        .expect("a page");
    assert_eq!(second, ["e", "f", "g"]);
    let (third, end) = page(&test, Kind::Users, &job, Some(3), next)
        .await
        .expect("a page");
    assert_eq!((third, end), (vec!["h".to_owned(), "i".to_owned()], None));
}
