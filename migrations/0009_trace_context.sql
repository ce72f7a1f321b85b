-- The trace that a job was started in, so that its import goes on with it in
-- another process. Not validated: the column is new, and null in all rows that
-- there are.
ALTER TABLE user_import_jobs
    ADD COLUMN trace_parent text,
    ADD CONSTRAINT trace_parent_form CHECK (trace_parent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$') NOT VALID;

COMMENT ON COLUMN user_import_jobs.trace_parent IS 'The span of the job''s Start, as W3C''s traceparent has it: 55 characters; null without a trace.';
