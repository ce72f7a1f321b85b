-- Lanes: the parallel writers of a running job. Each has a checkpoint, its
-- share of the counters, and a lease. They exist from dispatch to the end.

CREATE TABLE import_lanes (
    user_pool_id     text        NOT NULL,
    job_id           uuid        NOT NULL,
    lane             smallint    NOT NULL,
    checkpoint_bytes bigint      NOT NULL DEFAULT 0,
    checkpoint_line  bigint      NOT NULL DEFAULT 1,
    imported_users   bigint      NOT NULL DEFAULT 0,
    skipped_users    bigint      NOT NULL DEFAULT 0,
    failed_users     bigint      NOT NULL DEFAULT 0,
    finished         boolean     NOT NULL DEFAULT false,
    fruitless_claims integer     NOT NULL DEFAULT 0,
    lease_token      uuid,
    lease_worker     uuid,
    lease_expires_at timestamptz,
    PRIMARY KEY (user_pool_id, job_id, lane),
    FOREIGN KEY (user_pool_id, job_id) REFERENCES user_import_jobs (user_pool_id, job_id),
    CONSTRAINT lane_not_negative CHECK (lane >= 0),
    CONSTRAINT checkpoint_not_negative CHECK (checkpoint_bytes >= 0 AND checkpoint_line >= 1),
    CONSTRAINT counters_not_negative CHECK (imported_users >= 0 AND skipped_users >= 0 AND failed_users >= 0),
    CONSTRAINT lease_whole CHECK ((lease_token IS NULL) = (lease_worker IS NULL) AND (lease_token IS NULL) = (lease_expires_at IS NULL))
) WITH (fillfactor = 50); -- every batch updates its lane: leave room for it on the page

COMMENT ON TABLE import_lanes IS 'The parallel writers of jobs that are being imported.';
COMMENT ON COLUMN import_lanes.user_pool_id IS 'The job''s pool.';
COMMENT ON COLUMN import_lanes.job_id IS 'The job.';
COMMENT ON COLUMN import_lanes.lane IS '0 to the job''s number of lanes, less one; a row goes to a lane by the hash of its username key.';
COMMENT ON COLUMN import_lanes.checkpoint_bytes IS 'Offset in the file, at a row''s end: all of this lane''s rows before it are accounted for.';
COMMENT ON COLUMN import_lanes.checkpoint_line IS 'Number of the line that begins at that offset.';
COMMENT ON COLUMN import_lanes.imported_users IS 'This lane''s rows that became users.';
COMMENT ON COLUMN import_lanes.skipped_users IS 'This lane''s rows whose username was there already.';
COMMENT ON COLUMN import_lanes.failed_users IS 'This lane''s rows that break a rule.';
COMMENT ON COLUMN import_lanes.finished IS 'Whether the lane has seen the end of the file.';
COMMENT ON COLUMN import_lanes.fruitless_claims IS 'Times the lane was claimed since it last moved.';
COMMENT ON COLUMN import_lanes.lease_token IS 'Changes with each claim: a batch that does not know it writes nothing.';
COMMENT ON COLUMN import_lanes.lease_worker IS 'The process that holds the lease; random at each start.';
COMMENT ON COLUMN import_lanes.lease_expires_at IS 'By the database''s clock; from then on another worker may claim the lane.';
