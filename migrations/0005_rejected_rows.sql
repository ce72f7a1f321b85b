-- Rows that were not imported, and why. Never a value of a row. No foreign
-- key, for the reason given at `users`.

CREATE TABLE rejected_rows (
    user_pool_id text   NOT NULL,
    job_id       uuid   NOT NULL,
    line         bigint NOT NULL,
    code         text   NOT NULL,
    column_name  text,
    detail       bigint,
    PRIMARY KEY (user_pool_id, job_id, line),
    CONSTRAINT line_after_header CHECK (line >= 2)
);

COMMENT ON TABLE rejected_rows IS 'Rows that were skipped or failed.';
COMMENT ON COLUMN rejected_rows.user_pool_id IS 'The job''s pool.';
COMMENT ON COLUMN rejected_rows.job_id IS 'The job.';
COMMENT ON COLUMN rejected_rows.line IS 'The line of the file on which the row begins; the header is line 1.';
COMMENT ON COLUMN rejected_rows.code IS 'The rule that the row breaks; the outcome and the message follow from it.';
COMMENT ON COLUMN rejected_rows.column_name IS 'The column at fault; null where it is the row as a whole.';
COMMENT ON COLUMN rejected_rows.detail IS 'WRONG_FIELD_COUNT: the number of fields. DUPLICATE_IN_FILE: the earlier line.';
