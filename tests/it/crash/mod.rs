//! Workers that are stopped, lost, late or cut off: another goes on where they
//! were, nothing is lost, and nothing happens twice.

mod fencing;
mod hand_back;
mod hand_over;
mod leases;
mod lost_commit;
mod no_progress;
mod standstill;
mod stopping;
mod together;

use crate::batches::{Left, left};
use crate::support::imports::{TestJob, work};
use crate::support::muster::TestMuster;

/// Users, duplicates, and rows that break a rule, of several lines some.
const FILE: &str = "cognito:username,email,email_verified,address\n\
    ann,ann@example.com,true,\n\
    bob,bob@example.com,true,\"one\ntwo\"\n\
    ANN,ann2@example.com,true,\n\
    carol,nonsense,true,\n\
    dave,dave@example.com,true,\n\
    \n\
    erin,erin@example.com,true,\"three\n\n\"\n\
    frank,frank@example.com,true,\n\
    erin,erin2@example.com,true,\n\
    too,few\n\
    grace,grace@example.com,true,\n\
    heidi,heidi@example.com,true,\n";

/// A job in a pool of its own, IN_PROGRESS and claimed by nobody.
async fn dispatched(test: &TestMuster) -> TestJob {
    let job = test.started(&test.pool().await, FILE).await;
    let taken = test.scheduler().dispatch_tick().await;
    assert_eq!(taken.expect("a dispatch"), 1);
    job
}

/// What the file leaves when nothing happens to its job.
async fn undisturbed(test: &TestMuster) -> Left {
    let job = dispatched(test).await;
    work(&test.scheduler()).await;
    left(test, &job).await
}
