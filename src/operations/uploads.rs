//! Taking in the file of a job through muster's own endpoint.

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _};

use super::Muster;
use super::signing::UploadGrant;
use crate::csv::header::Header;
use crate::csv::rows::RowSplitter;
use crate::domain::error::{Error, Reason};
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::job::{JobStatus, Upload, UserImportJob};
use crate::meters;
use crate::objects::{Stored, Writer, upload_name};
use crate::store;

/// A signed request to upload a file.
#[derive(Clone, Debug)]
pub struct UploadRequest {
    /// From the URL's path.
    pub user_pool_id: String,
    /// From the URL's path.
    pub job_id: String,
    /// From the URL's query: seconds since 1970.
    pub expires: i64,
    /// From the URL's query.
    pub max_bytes: u64,
    /// From the URL's query.
    pub signature: String,
    /// What the caller says the file's size is.
    pub content_length: Option<u64>,
}

/// What was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Its rows, header and blank lines not counted.
    pub rows: u64,
}

impl Muster {
    /// Takes in the file of a CREATED job, checking header and limits while it
    /// streams. A file that is refused, or cut off, leaves what was there before.
    ///
    /// # Errors
    /// Permission denied (the signature), too large, invalid argument (the
    /// file), failed precondition (the job takes no upload any more).
    pub async fn receive_upload(
        &self,
        request: UploadRequest,
        body: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + 'static,
    ) -> Result<Received, Error> {
        let grant = grant(&request)?;
        grant.verify(&self.0.key, &request.signature, self.0.clock.now())?;
        if self.0.objects.takes_uploads() {
            return Err(Error::precondition(
                Reason::UploadClosed,
                "UserImportJob",
                grant.job_id,
                "Files are uploaded to the object store itself: DescribeUserImportJob answers a URL for that.",
            ));
        }
        let limit = grant.max_bytes.min(self.0.settings.max_upload_bytes);
        if request.content_length.is_some_and(|n| n > limit) {
            return Err(too_large(limit));
        }
        let (pool, id) = (&grant.user_pool_id, grant.job_id);
        let job = store::jobs::get(&self.0.db, pool, id)
            .await?
            .ok_or_else(|| Error::job_not_found(id))?;
        if job.status != JobStatus::Created || self.0.clock.now() >= job.expires_at {
            return Err(closed(id, Some(job.status)));
        }
        let schema = store::pools::get(&self.0.db, pool)
            .await?
            .ok_or_else(|| Error::user_pool_not_found(pool.as_str()))?
            .schema;
        let intake = Intake {
            splitter: RowSplitter::new(self.0.settings.max_row_chars),
            header: None,
            rows: 0,
            limit,
            max_rows: self.0.settings.max_rows,
            check: Box::new({
                let algorithm = job.password_hashing_algorithm;
                move |row: Option<&crate::csv::rows::Row<'_>>| {
                    Header::parse(row, &schema, algorithm)
                        .map(|_| ())
                        .map_err(|e| Error::invalid_upload(e.message))
                }
            }),
        };
        let muster = self.clone();
        // Detached: an upload that is whole is kept even when the caller hangs
        // up before it hears of it, and a broken one is cleared away.
        self.detached(async move {
            let taken = muster.take_in(job, intake, body).await;
            meters::upload_ended(taken.is_ok());
            taken
        })
        .await
    }

    async fn take_in(
        &self,
        job: UserImportJob,
        intake: Intake,
        body: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin,
    ) -> Result<Received, Error> {
        match self.store_and_keep(&job, intake, body).await {
            // The end of a job takes its folder away, from under an upload that
            // is still going on.
            Err(error) if error.reason() == Reason::ObjectStoreUnavailable => {
                let now = store::jobs::get(&self.0.db, &job.user_pool_id, job.job_id).await?;
                match now.map(|job| (job.status, job.expires_at)) {
                    Some((JobStatus::Created, expires_at)) if self.0.clock.now() < expires_at => {
                        Err(error)
                    }
                    found => Err(closed(job.job_id, found.map(|(status, _)| status))),
                }
            }
            other => other,
        }
    }

    async fn store_and_keep(
        &self,
        job: &UserImportJob,
        mut intake: Intake,
        mut body: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin,
    ) -> Result<Received, Error> {
        let name = upload_name(&job.user_pool_id, job.job_id, self.0.ids.random());
        let mut writer = self.0.objects.writer(&name).await?;
        let taken = async {
            while let Some(piece) = body.next().await {
                intake.piece(&mut writer, piece?).await?;
            }
            intake.end()
        }
        .await;
        if let Err(error) = taken {
            writer.abort().await;
            return Err(error);
        }
        let stored = writer.finish().await?;
        let received = Received {
            bytes: stored.bytes,
            rows: intake.rows,
        };
        self.keep(job, stored, received).await?;
        Ok(received)
    }

    /// Makes a stored object the job's upload, or deletes it.
    async fn keep(
        &self,
        job: &UserImportJob,
        stored: Stored,
        received: Received,
    ) -> Result<(), Error> {
        let (pool, id) = (&job.user_pool_id, job.job_id);
        let upload = Upload {
            object: stored.name,
            bytes: stored.bytes,
            rows: Some(received.rows),
            e_tag: stored.e_tag,
            version: None,
            blake3: Some(stored.blake3),
        };
        let now = self.0.clock.now();
        let taken = async {
            let mut tx = self.0.db.begin("set_upload").await?;
            let set = store::jobs::set_upload(&mut tx, pool, id, &upload, now).await?;
            Ok::<_, Error>((tx, set))
        };
        let (tx, set) = match taken.await {
            Ok(taken) => taken,
            Err(error) => {
                // Nothing names the object. Should the job be gone, neither
                // would the purge find it.
                if let Err(error) = self.0.objects.delete(&upload.object).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an upload that could not be kept could not be deleted either"
                    );
                }
                return Err(error);
            }
        };
        match set {
            Ok(replaced) => {
                // A lost answer leaves two objects; both go with the job's folder.
                tx.commit().await?;
                if let Some(old) = replaced
                    && let Err(error) = self.0.objects.delete(&old).await
                {
                    // The new upload is in place; the old one goes with the job's folder.
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a replaced upload could not be deleted"
                    );
                }
                tracing::info!(
                    user_pool_id = %pool, job_id = %id,
                    bytes = received.bytes, rows = received.rows, "upload taken in"
                );
                Ok(())
            }
            Err(status) => {
                tx.rollback().await;
                self.0.objects.delete(&upload.object).await?;
                Err(closed(id, status))
            }
        }
    }
}

fn grant(request: &UploadRequest) -> Result<UploadGrant, Error> {
    // A path that names no job carries no signature of ours either.
    let invalid = || {
        Error::permission_denied(
            Reason::InvalidSignature,
            "The signature of the upload URL is not valid.",
        )
    };
    Ok(UploadGrant {
        user_pool_id: UserPoolId::parse(&request.user_pool_id).ok_or_else(invalid)?,
        job_id: JobId::parse(&request.job_id)
            .ok()
            .flatten()
            .ok_or_else(invalid)?,
        expires: request.expires,
        max_bytes: request.max_bytes,
    })
}

fn too_large(limit: u64) -> Error {
    Error::too_large(format!(
        "The file is larger than the limit of {limit} bytes."
    ))
}

fn closed(job: JobId, status: Option<JobStatus>) -> Error {
    let message = match status {
        Some(JobStatus::Created) => "The user import job has expired.".to_owned(),
        Some(status) => format!(
            "The user import job is {}; only a job that is CREATED takes an upload.",
            status.as_str()
        ),
        None => "The user import job was deleted.".to_owned(),
    };
    Error::precondition(Reason::UploadClosed, "UserImportJob", job, message)
}

type CheckHeader = Box<dyn Fn(Option<&crate::csv::rows::Row<'_>>) -> Result<(), Error> + Send>;

/// Looks at a file while it streams by: header, number of rows, size.
struct Intake {
    splitter: RowSplitter,
    header: Option<()>,
    rows: u64,
    limit: u64,
    max_rows: u64,
    check: CheckHeader,
}

impl Intake {
    async fn piece(&mut self, writer: &mut Writer, piece: Bytes) -> Result<(), Error> {
        if writer.bytes() + piece.len() as u64 > self.limit {
            return Err(too_large(self.limit));
        }
        meters::upload_bytes(piece.len() as u64);
        self.splitter.push(&piece);
        self.rows()?;
        writer.write(piece).await
    }

    fn end(&mut self) -> Result<(), Error> {
        self.splitter.finish();
        self.rows()?;
        if self.header.is_none() {
            (self.check)(None)?;
        }
        Ok(())
    }

    fn rows(&mut self) -> Result<(), Error> {
        while let Some(row) = self.splitter.next_row() {
            if self.header.is_none() {
                (self.check)(Some(&row))?;
                self.header = Some(());
                continue;
            }
            self.rows += 1;
            if self.rows > self.max_rows {
                return Err(Error::too_large(format!(
                    "The file has more rows than the limit of {}.",
                    self.max_rows
                )));
            }
        }
        // Its end may be far away, and would make it no better.
        if self.header.is_none() && self.splitter.is_over_limit() {
            return Err(Error::invalid_upload(format!(
                "The header on line {} is longer than the row limit.",
                self.splitter.next_line()
            )));
        }
        Ok(())
    }
}
