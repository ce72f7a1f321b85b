-- Keys are compared by their bytes. Most databases are made with the order of a
-- language, in which each comparison costs several times as much: with
-- en_US.UTF-8 an import took the database half as long again. Worse, when
-- an upgrade of the C library changes that order, a unique index no longer
-- finds what is in it, and lets a username in twice. Nothing here is put in
-- order for a human reader.
--
-- No table is written anew, but indexes are, and calls and imports wait or are
-- told to come again meanwhile: some seconds for each 1,000,000 users. All
-- tables are locked first, in the order of Start and of a batch: a batch that
-- had its lane and waited for the users would be waited for in turn.
LOCK TABLE user_pools, import_lanes, user_import_jobs, users, rejected_rows, request_ids, uploads_to_sweep
    IN ACCESS EXCLUSIVE MODE;
ALTER TABLE user_pools ALTER COLUMN user_pool_id TYPE text COLLATE "C";
ALTER TABLE users
    ALTER COLUMN user_pool_id TYPE text COLLATE "C",
    ALTER COLUMN username_key TYPE text COLLATE "C",
    ALTER COLUMN email_alias TYPE text COLLATE "C",
    ALTER COLUMN phone_number_alias TYPE text COLLATE "C",
    ALTER COLUMN preferred_username_alias TYPE text COLLATE "C";
ALTER TABLE user_import_jobs
    ALTER COLUMN user_pool_id TYPE text COLLATE "C",
    ALTER COLUMN status TYPE text COLLATE "C";
ALTER TABLE import_lanes ALTER COLUMN user_pool_id TYPE text COLLATE "C";
ALTER TABLE rejected_rows ALTER COLUMN user_pool_id TYPE text COLLATE "C";
ALTER TABLE request_ids ALTER COLUMN user_pool_id TYPE text COLLATE "C";
ALTER TABLE uploads_to_sweep ALTER COLUMN user_pool_id TYPE text COLLATE "C";
