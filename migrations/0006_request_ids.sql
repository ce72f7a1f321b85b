-- Request ids, remembered for 24 hours, so that a call that is sent twice acts
-- once. Scoped to the pool, as every key is.

CREATE TABLE request_ids (
    user_pool_id  text        NOT NULL REFERENCES user_pools (user_pool_id),
    request_id    uuid        NOT NULL,
    fingerprint   bytea       NOT NULL,
    job_id        uuid        NOT NULL,
    creation_date timestamptz NOT NULL,
    PRIMARY KEY (user_pool_id, request_id)
);

CREATE INDEX request_ids_by_creation ON request_ids (creation_date);

COMMENT ON TABLE request_ids IS 'Ids that callers gave to Create and Start.';
COMMENT ON COLUMN request_ids.user_pool_id IS 'The pool of the request.';
COMMENT ON COLUMN request_ids.request_id IS 'The caller''s id.';
COMMENT ON COLUMN request_ids.fingerprint IS 'SHA-256 of the operation and its fields: the same id with another request is an error.';
COMMENT ON COLUMN request_ids.job_id IS 'The job that the request was about or made.';
COMMENT ON COLUMN request_ids.creation_date IS 'When the id was first used.';
