//! Reports: the rows of a job that were not imported, by code and as a file.

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::Muster;
use super::fields::{Fields, Page};
use super::tokens::Listing;
use crate::domain::error::{Error, ErrorKind};
use crate::domain::ids::JobId;
use crate::domain::job::UserImportJob;
use crate::domain::principal::{Principal, Role};
use crate::domain::rejection::Rejection;
use crate::store;

mod rejected_csv;

/// The rows of a file that were not imported, ready to fix and upload again.
pub struct RejectedCsv {
    /// A name for the file.
    pub file_name: String,
    /// Its bytes.
    pub body: BoxStream<'static, Result<Bytes, Error>>,
}

impl Muster {
    /// Answers a page of a job's rejected rows by line, and the next page's token.
    ///
    /// # Errors
    /// Invalid argument, not found.
    pub async fn list_rejected_rows(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        job_id: &str,
        page: &Page,
    ) -> Result<(Vec<Rejection>, Option<String>), Error> {
        let named = self
            .named_job(caller, Role::Reader, user_pool_id, job_id)
            .await?;
        let mut fields = Fields::default();
        let size = fields.page_size(page.size);
        fields.finish()?;
        let job = named.job.to_string();
        let listing = Listing {
            key: &self.0.key,
            name: &["rejected", named.pool.as_str(), &job],
            size,
            token: page.token.as_deref(),
        };
        let after: u64 = listing.after()?.unwrap_or(0);
        self.load_job(&named).await?;
        let (pool, job, limit) = (&named.pool, named.job, listing.limit());
        let rows = store::rejections::list(&self.0.db, pool, job, after, limit).await?;
        listing.page(rows, |r| r.line)
    }

    /// Answers the original rows that were not imported, with the reason beside
    /// each.
    ///
    /// # Errors
    /// Invalid argument; not found, also when the upload is deleted.
    pub async fn rejected_csv(
        &self,
        caller: &Principal,
        job_id: &str,
    ) -> Result<RejectedCsv, Error> {
        caller.require(Role::Reader)?;
        let mut fields = Fields::default();
        let id = fields.job_id(job_id);
        let missing = || Error::job_not_found(job_id);
        let id: JobId = fields.finish_with(id)?.ok_or_else(missing)?;
        let job: UserImportJob = store::jobs::get_by_id(&self.0.db, id)
            .await?
            .ok_or_else(missing)?;
        // A job in a foreign pool is no job.
        self.pool(caller, Role::Reader, &job.user_pool_id)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => missing(),
                _ => error,
            })?;
        let Some(upload) = job.upload.clone() else {
            let why = match (job.total_bytes, job.status.is_terminal()) {
                (None, false) => "No csv file was uploaded for the user import job yet.",
                (None, true) => "No csv file was uploaded for the user import job.",
                (Some(_), _) => {
                    "The uploaded file was deleted after its time; ListRejectedRows still tells lines and codes."
                }
            };
            return Err(Error::upload_not_found(id, why));
        };
        Ok(RejectedCsv {
            file_name: format!("{id}-rejected.csv"),
            body: self.rejected_rows_of(job, upload).await?,
        })
    }
}
