-- A comparison of two keys in this index began with two equal texts, the pool's
-- ids, and went on with values behind them, whose places have to be counted out
-- each time. Where all rows of a file are rejected, that was a good part of the
-- database's time. Ids of jobs are unique across pools, so the job may come
-- first: then what is compared has a fixed place, and costs little.
-- The pool stays in the key, as a distributed database asks.
--
-- The index is built anew, in which time imports wait.
ALTER TABLE rejected_rows
    DROP CONSTRAINT rejected_rows_pkey,
    ADD PRIMARY KEY (job_id, line, user_pool_id);
