-- User import jobs. The CHECKs restate the status machine of
-- `domain::job::Transition`.

CREATE TABLE user_import_jobs (
    user_pool_id               text        NOT NULL REFERENCES user_pools (user_pool_id),
    job_id                     uuid        NOT NULL,
    job_name                   text        NOT NULL,
    status                     text        NOT NULL DEFAULT 'CREATED',
    cloud_watch_logs_role_arn  text,
    password_hashing_algorithm text,
    max_rejected_percent       smallint    NOT NULL,
    creation_date              timestamptz NOT NULL,
    expires_at                 timestamptz NOT NULL,
    start_date                 timestamptz,
    completion_date            timestamptz,
    completion_message         text,
    failure_reason             text,
    imported_users             bigint      NOT NULL DEFAULT 0,
    skipped_users              bigint      NOT NULL DEFAULT 0,
    failed_users               bigint      NOT NULL DEFAULT 0,
    processed_bytes            bigint      NOT NULL DEFAULT 0,
    total_rows                 bigint,
    total_bytes                bigint,
    upload_object              text,
    upload_e_tag               text,
    upload_sha256              bytea,
    upload_purge_at            timestamptz,
    deletion_date              timestamptz,
    PRIMARY KEY (user_pool_id, job_id),
    CONSTRAINT job_name_length CHECK (length(job_name) BETWEEN 1 AND 128),
    CONSTRAINT status_known CHECK (status IN ('CREATED', 'PENDING', 'IN_PROGRESS', 'STOPPING', 'STOPPED', 'SUCCEEDED', 'FAILED', 'EXPIRED')),
    CONSTRAINT password_hashing_algorithm_known CHECK (password_hashing_algorithm IN ('BCRYPT', 'SCRYPT', 'ARGON2ID', 'PBKDF2_SHA256')),
    CONSTRAINT max_rejected_percent_range CHECK (max_rejected_percent BETWEEN 0 AND 100),
    CONSTRAINT completed_when_terminal CHECK ((status IN ('STOPPED', 'SUCCEEDED', 'FAILED', 'EXPIRED')) = (completion_date IS NOT NULL)),
    CONSTRAINT message_when_terminal CHECK ((completion_date IS NULL) = (completion_message IS NULL)),
    CONSTRAINT message_length CHECK (length(completion_message) <= 128),
    CONSTRAINT reason_when_failed CHECK ((status = 'FAILED') = (failure_reason IS NOT NULL)),
    CONSTRAINT started_unless_created_or_expired CHECK ((status IN ('CREATED', 'EXPIRED')) = (start_date IS NULL)),
    CONSTRAINT started_with_an_upload CHECK (start_date IS NULL OR total_bytes IS NOT NULL),
    CONSTRAINT active_with_its_upload CHECK (status NOT IN ('PENDING', 'IN_PROGRESS') OR upload_object IS NOT NULL),
    CONSTRAINT counters_not_negative CHECK (imported_users >= 0 AND skipped_users >= 0 AND failed_users >= 0 AND processed_bytes >= 0),
    CONSTRAINT deleted_only_at_rest CHECK (deletion_date IS NULL OR status NOT IN ('PENDING', 'IN_PROGRESS', 'STOPPING'))
);

CREATE INDEX user_import_jobs_by_creation ON user_import_jobs (user_pool_id, creation_date DESC, job_id DESC) WHERE deletion_date IS NULL;
-- The download of a report names the job alone.
CREATE INDEX user_import_jobs_by_job_id ON user_import_jobs (job_id);
CREATE INDEX user_import_jobs_to_expire ON user_import_jobs (expires_at) WHERE status = 'CREATED';
CREATE INDEX user_import_jobs_active ON user_import_jobs (status, start_date) WHERE status IN ('PENDING', 'IN_PROGRESS', 'STOPPING');
CREATE INDEX user_import_jobs_active_in_pool ON user_import_jobs (user_pool_id) WHERE status IN ('PENDING', 'IN_PROGRESS', 'STOPPING');
CREATE INDEX user_import_jobs_upload_to_purge ON user_import_jobs (upload_purge_at) WHERE upload_purge_at IS NOT NULL;
CREATE INDEX user_import_jobs_deleted ON user_import_jobs (deletion_date) WHERE deletion_date IS NOT NULL;

COMMENT ON TABLE user_import_jobs IS 'User import jobs; one that is deleted stays until its files and reports are gone.';
COMMENT ON COLUMN user_import_jobs.user_pool_id IS 'The pool that the users go to.';
COMMENT ON COLUMN user_import_jobs.job_id IS 'UUID version 7; callers see it behind import-.';
COMMENT ON COLUMN user_import_jobs.job_name IS 'The name that the caller gave; need not be unique.';
COMMENT ON COLUMN user_import_jobs.status IS 'Where the job is in its life.';
COMMENT ON COLUMN user_import_jobs.cloud_watch_logs_role_arn IS 'Echoed to callers that come from Cognito; not used.';
COMMENT ON COLUMN user_import_jobs.password_hashing_algorithm IS 'The one format of the file''s password hashes; null: each is recognised by itself.';
COMMENT ON COLUMN user_import_jobs.max_rejected_percent IS 'More rejected rows than this share of all rows make the job FAILED.';
COMMENT ON COLUMN user_import_jobs.creation_date IS 'When the job was made.';
COMMENT ON COLUMN user_import_jobs.expires_at IS 'From then on the job cannot be started.';
COMMENT ON COLUMN user_import_jobs.start_date IS 'When the job was started.';
COMMENT ON COLUMN user_import_jobs.completion_date IS 'When the job reached a final status.';
COMMENT ON COLUMN user_import_jobs.completion_message IS 'How the job ended; holds no value of a row.';
COMMENT ON COLUMN user_import_jobs.failure_reason IS 'Why the job is FAILED.';
COMMENT ON COLUMN user_import_jobs.imported_users IS 'Rows imported, without those that the job''s lanes still count.';
COMMENT ON COLUMN user_import_jobs.skipped_users IS 'Rows skipped, without those that the job''s lanes still count.';
COMMENT ON COLUMN user_import_jobs.failed_users IS 'Rows failed, without those that the job''s lanes still count.';
COMMENT ON COLUMN user_import_jobs.processed_bytes IS 'Bytes whose rows are all accounted for, once the lanes are gone.';
COMMENT ON COLUMN user_import_jobs.total_rows IS 'Rows in the file, header and blank lines not counted; null until known.';
COMMENT ON COLUMN user_import_jobs.total_bytes IS 'Size of the upload in bytes; stays when the upload is deleted.';
COMMENT ON COLUMN user_import_jobs.upload_object IS 'The name of the upload in the object store; null when there is none (any more).';
COMMENT ON COLUMN user_import_jobs.upload_e_tag IS 'The object store''s tag of that content.';
COMMENT ON COLUMN user_import_jobs.upload_sha256 IS 'SHA-256 of that content, where the bytes passed through muster.';
COMMENT ON COLUMN user_import_jobs.upload_purge_at IS 'From then on the purge deletes the upload; null: nothing to delete, or not yet.';
COMMENT ON COLUMN user_import_jobs.deletion_date IS 'Set by DeleteUserImportJob: hidden from then on, and removed by the purge.';
