//! The connection ends at a batch's COMMIT: nobody knows whether it was done.

use metrics_exporter_prometheus::PrometheusBuilder;
use muster::importer::Outcome;
use tokio_util::sync::CancellationToken;

use super::{dispatched, undisturbed};
use crate::batches::left;
use crate::support::exposition::Exposition;
use crate::support::imports::{claim, work};
use crate::support::muster::{TestMuster, open};
use crate::support::proxy::{Cut, Proxy};

/// The rows of the file.
const ROWS: f64 = 11.0;

async fn the_same_whichever_commit_it_is(cut: Cut) {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    let mut nth = 0;
    loop {
        nth += 1;
        let job = dispatched(&test).await;
        let worker = claim(&test.db).await.expect("the job");
        let proxy = Proxy::start(test.database_url(), nth, cut).await;
        let db = open(proxy.url());
        let importer = test.importer_with(db.clone(), test.clock.clone(), 3);
        let told = PrometheusBuilder::new().build_recorder();
        // All of this test is one thread.
        let telling = metrics::set_default_local_recorder(&told);
        let outcome = importer.run(&worker, &CancellationToken::new()).await;
        drop(telling);
        assert_eq!(outcome.expect("an import"), Outcome::Done);
        db.close().await;
        work(&test.scheduler()).await;
        assert_eq!(left(&test, &job).await, expected, "at commit {nth}");
        let told = Exposition::parse(&told.handle().render());
        let rows = told.sum("muster_rows_total", &[]);
        assert_eq!(rows, Some(ROWS), "told at commit {nth}");
        if nth > proxy.commits() {
            break;
        }
    }
    assert!(nth > 4, "{nth} batches");
}

#[tokio::test]
async fn a_batch_whose_commit_was_done_is_not_written_again() {
    the_same_whichever_commit_it_is(Cut::After).await;
}

#[tokio::test]
async fn a_batch_whose_commit_was_not_done_is_written_again() {
    the_same_whichever_commit_it_is(Cut::Before).await;
}
