//! Listings, page by page.

mod listings;
mod meanwhile;
mod reports;
mod tokens;

use std::collections::BTreeSet;

use muster::domain::error::Error;
use muster::domain::ids::UserPoolId;
use muster::domain::principal::{Pools, Principal, Role};
use muster::operations::Page;

use crate::support::imports::TestJob;
use crate::support::muster::{TestMuster, admin};

/// The four listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Jobs,
    Pools,
    Users,
    Rejected,
}

const KINDS: [Kind; 4] = [Kind::Jobs, Kind::Pools, Kind::Users, Kind::Rejected];

/// A page of a listing, each thing by what names it, and the next page's token.
async fn page(
    test: &TestMuster,
    kind: Kind,
    job: &TestJob,
    size: Option<i32>,
    token: Option<String>,
) -> Result<(Vec<String>, Option<String>), Error> {
    let (muster, caller) = (&test.muster, admin());
    let page = Page { size, token };
    Ok(match kind {
        Kind::Jobs => {
            let (jobs, next) = muster.list_jobs(&caller, &job.pool, &page).await?;
            let ids = jobs.iter().map(|j| j.job.job_id.to_string());
            (ids.collect(), next)
        }
        Kind::Pools => {
            let (pools, next) = muster.list_pools(&caller, &page).await?;
            let ids = pools.iter().map(|p| p.user_pool_id.to_string());
            (ids.collect(), next)
        }
        Kind::Users => {
            let (users, next) = muster.list_users(&caller, &job.pool, &page).await?;
            (users.into_iter().map(|u| u.username).collect(), next)
        }
        Kind::Rejected => {
            let (rows, next) = muster
                .list_rejected_rows(&caller, &job.pool, &job.id, &page)
                .await?;
            (rows.iter().map(|r| r.line.to_string()).collect(), next)
        }
    })
}

/// All pages of a listing.
async fn pages(test: &TestMuster, kind: Kind, job: &TestJob, size: i32) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let (found, next) = page(test, kind, job, Some(size), token)
            .await
            .expect("a page");
        all.push(found);
        if next.is_none() {
            return all;
        }
        token = next;
    }
}

/// A caller that may read in some pools only.
fn reader_of(pools: &[&String]) -> Principal {
    let ids: BTreeSet<UserPoolId> = pools
        .iter()
        .map(|id| UserPoolId::parse(id).expect("a pool id"))
        .collect();
    Principal {
        name: "reader".to_owned(),
        role: Role::Reader,
        pools: Pools::Only(ids),
    }
}
