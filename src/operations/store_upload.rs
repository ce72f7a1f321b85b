//! The file that a caller put into the store itself: muster signs the URL, and
//! sees the file for the first time at Start.

use std::collections::BTreeMap;

use futures_util::stream::StreamExt as _;
use time::OffsetDateTime;

use super::Muster;
use crate::csv::header::Header;
use crate::csv::rows::RowSplitter;
use crate::domain::error::{Error, Reason};
use crate::domain::job::{Upload, UserImportJob};
use crate::domain::pool::PoolSchema;
use crate::objects::{SMALL, store_upload_name};
use crate::store;

/// How often a file is looked at anew that is replaced under our eyes.
const LOOKS: usize = 3;
/// Blank lines before a header beyond this are left to the import.
const FIRST_BYTES: u64 = 8 * SMALL;

/// A URL for an upload, and the headers that its `PUT` must bear.
pub(super) type SignedUrl = (String, BTreeMap<String, String>);

impl Muster {
    /// A URL of the store for the file of a job; `None` in a job's last second.
    pub(super) async fn store_url(
        &self,
        job: &UserImportJob,
        now: OffsetDateTime,
    ) -> Result<Option<SignedUrl>, Error> {
        let left = job.expires_at - now;
        let good_for = self.0.settings.upload_url_ttl.min(left.unsigned_abs());
        let name = store_upload_name(&job.user_pool_id, job.job_id);
        let signed = self.0.objects.upload_url(&name, good_for).await?;
        Ok(signed.map(|signed| (signed.url, signed.headers.into_iter().collect())))
    }

    /// The file of a job as it lies in the store now; `None` when there is
    /// none. The inner error says why it cannot be imported.
    ///
    /// # Errors
    /// Unavailable; not found (the pool).
    pub(super) async fn look_in_store(
        &self,
        job: &UserImportJob,
    ) -> Result<Option<Result<Upload, Error>>, Error> {
        let name = store_upload_name(&job.user_pool_id, job.job_id);
        let pool = &job.user_pool_id;
        let schema = store::pools::get(&self.0.db, pool)
            .await?
            .ok_or_else(|| Error::user_pool_not_found(pool.as_str()))?
            .schema;
        for _ in 0..LOOKS {
            let Some(head) = self.0.objects.head(&name).await? else {
                return Ok(None);
            };
            let limit = self.0.settings.max_upload_bytes;
            if head.bytes > limit {
                let message = format!("The file is larger than the limit of {limit} bytes.");
                return Ok(Some(Err(refused(job, Reason::UploadTooLarge, message))));
            }
            let upload = Upload {
                object: name.clone(),
                bytes: head.bytes,
                rows: None,
                e_tag: head.e_tag,
                version: head.version,
                blake3: None,
            };
            match self.read_header(job, &schema, &upload).await? {
                Some(Ok(())) => return Ok(Some(Ok(upload))),
                Some(Err(message)) => {
                    return Ok(Some(Err(refused(job, Reason::InvalidUpload, message))));
                }
                // Another file was put in its place.
                None => {}
            }
        }
        Err(Error::unavailable(
            Reason::ObjectStoreUnavailable,
            "The file is being replaced again and again; start the job once it is whole.",
        ))
    }

    /// Reads as far as the header. `None` when the file is another by now; the
    /// inner error says what is wrong with the header.
    async fn read_header(
        &self,
        job: &UserImportJob,
        schema: &PoolSchema,
        upload: &Upload,
    ) -> Result<Option<Result<(), String>>, Error> {
        let first = 0..upload.bytes.min(FIRST_BYTES);
        let Some(mut stream) = self.0.objects.read(upload, first, SMALL).await? else {
            return Ok(None);
        };
        let mut splitter = RowSplitter::new(self.0.settings.max_row_chars);
        let judge = |row: Option<&crate::csv::rows::Row<'_>>| {
            let parsed = Header::parse(row, schema, job.password_hashing_algorithm);
            parsed.map(|_| ()).map_err(|error| error.message)
        };
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => splitter.push(&piece),
                Err(error) if error.reason() == Reason::UploadNotFound => return Ok(None),
                Err(error) => return Err(error),
            }
            if let Some(row) = splitter.next_row() {
                return Ok(Some(judge(Some(&row))));
            }
            if splitter.is_over_limit() {
                let line = splitter.next_line();
                let message = format!("The header on line {line} is longer than the row limit.");
                return Ok(Some(Err(message)));
            }
        }
        if upload.bytes > FIRST_BYTES {
            return Ok(Some(Ok(())));
        }
        splitter.finish();
        Ok(Some(judge(splitter.next_row().as_ref())))
    }
}

fn refused(job: &UserImportJob, reason: Reason, message: String) -> Error {
    Error::precondition(reason, "UserImportJob", job.job_id, message)
}
