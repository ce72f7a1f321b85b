-- Where all rows of a file are rejected, a row of the table for each of them
-- took a third of the database's time. Rows that are rejected for the same
-- reason mostly come in crowds, and a crowd in one row makes hundreds of times
-- fewer rows.
--
-- With so few, the pool may lead the key again, as everywhere.
--
-- Batches wait meanwhile: one that is still under way must not add a report
-- that is not taken along.
LOCK TABLE rejected_rows IN ACCESS EXCLUSIVE MODE;

CREATE TABLE rejected_lines (
    user_pool_id text COLLATE "C" NOT NULL,
    job_id       uuid       NOT NULL,
    first_line   bigint     NOT NULL,
    code         text       NOT NULL,
    column_name  text,
    offsets      smallint[] NOT NULL,
    details      bigint[],
    PRIMARY KEY (user_pool_id, job_id, first_line),
    CONSTRAINT line_after_header CHECK (first_line >= 2),
    CONSTRAINT first_line_is_the_first CHECK (offsets[1] = 0),
    -- Who lists by line reads a span whole, and need look no further.
    CONSTRAINT within_one_span CHECK (first_line % 512 + offsets[cardinality(offsets)] < 512),
    CONSTRAINT a_detail_for_each_line CHECK (cardinality(details) = cardinality(offsets))
);

COMMENT ON TABLE rejected_lines IS 'Rows that were skipped or failed, those of the same reason and span of 512 lines together, as one batch found them.';
COMMENT ON COLUMN rejected_lines.user_pool_id IS 'The job''s pool.';
COMMENT ON COLUMN rejected_lines.job_id IS 'The job.';
COMMENT ON COLUMN rejected_lines.first_line IS 'The line of the file on which the first of the rows begins; the header is line 1.';
COMMENT ON COLUMN rejected_lines.code IS 'The rule that the rows break; the outcome and the message follow from it.';
COMMENT ON COLUMN rejected_lines.column_name IS 'The column at fault; null where it is the row as a whole.';
COMMENT ON COLUMN rejected_lines.offsets IS 'How many lines after the first each row begins, in rising order.';
COMMENT ON COLUMN rejected_lines.details IS 'For each row: WRONG_FIELD_COUNT: the number of fields. DUPLICATE_IN_FILE: the earlier line. Null for other codes.';

-- As for all tables (migration 0007).
ALTER TABLE rejected_lines ALTER COLUMN user_pool_id SET STATISTICS 0, ALTER COLUMN job_id SET STATISTICS 0;

INSERT INTO rejected_lines (user_pool_id, job_id, first_line, code, column_name, offsets, details)
SELECT user_pool_id, job_id, first_line, code, column_name,
       array_agg((line - first_line)::smallint ORDER BY line),
       CASE WHEN bool_or(detail IS NOT NULL) THEN array_agg(detail ORDER BY line) END
FROM (SELECT *, min(line) OVER (PARTITION BY user_pool_id, job_id, line / 512, code, column_name) AS first_line
      FROM rejected_rows) AS r
GROUP BY user_pool_id, job_id, first_line, code, column_name;

-- There is no release yet whose processes would miss the table.
DROP TABLE rejected_rows;

CREATE VIEW rejected_rows AS
SELECT r.user_pool_id, r.job_id, r.first_line + o.line_offset AS line, r.code, r.column_name, o.detail
FROM rejected_lines r CROSS JOIN LATERAL unnest(r.offsets, r.details) AS o (line_offset, detail);

COMMENT ON VIEW rejected_rows IS 'Rows that were skipped or failed, one by one, for people; muster itself reads and writes rejected_lines.';
COMMENT ON COLUMN rejected_rows.user_pool_id IS 'The job''s pool.';
COMMENT ON COLUMN rejected_rows.job_id IS 'The job.';
COMMENT ON COLUMN rejected_rows.line IS 'The line of the file on which the row begins; the header is line 1.';
COMMENT ON COLUMN rejected_rows.code IS 'The rule that the row breaks.';
COMMENT ON COLUMN rejected_rows.column_name IS 'The column at fault; null where it is the row as a whole.';
COMMENT ON COLUMN rejected_rows.detail IS 'WRONG_FIELD_COUNT: the number of fields. DUPLICATE_IN_FILE: the earlier line. Otherwise null.';
