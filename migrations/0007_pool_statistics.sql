-- No statistics of which pool a row is in. One pool may have nearly all rows or
-- hardly any, and an import changes that within seconds: what was counted
-- before made PostgreSQL take a pool of a million users for one of a single
-- row and read all of it, or take one pool for the whole table. Without
-- statistics a pool counts as a two-hundredth of the table, and the index that
-- has the whole key is always the better one.
ALTER TABLE users ALTER COLUMN user_pool_id SET STATISTICS 0;
ALTER TABLE user_import_jobs ALTER COLUMN user_pool_id SET STATISTICS 0;
ALTER TABLE import_lanes ALTER COLUMN user_pool_id SET STATISTICS 0;
ALTER TABLE rejected_rows ALTER COLUMN user_pool_id SET STATISTICS 0, ALTER COLUMN job_id SET STATISTICS 0;
ALTER TABLE request_ids ALTER COLUMN user_pool_id SET STATISTICS 0;
