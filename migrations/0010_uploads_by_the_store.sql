-- Files that callers put into the object store by the store's own signed URL.

ALTER TABLE user_import_jobs ADD COLUMN upload_version text;

COMMENT ON COLUMN user_import_jobs.upload_version IS 'The object store''s version of that content, where it keeps versions.';

-- A URL of the store outlives its job: what is uploaded by it when the job's
-- folder has been deleted would lie there for ever. No foreign key: job and
-- pool are gone by then.
CREATE TABLE uploads_to_sweep (
    user_pool_id text        NOT NULL,
    job_id       uuid        NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (user_pool_id, job_id)
);

CREATE INDEX uploads_to_sweep_due ON uploads_to_sweep (expires_at);

COMMENT ON TABLE uploads_to_sweep IS 'Jobs whose folder in the object store is deleted once more, when no URL for it is good any longer.';
COMMENT ON COLUMN uploads_to_sweep.user_pool_id IS 'The pool of the job.';
COMMENT ON COLUMN uploads_to_sweep.job_id IS 'The job.';
COMMENT ON COLUMN uploads_to_sweep.expires_at IS 'From then on no URL is good; a while later the purge deletes the folder, and this note.';
