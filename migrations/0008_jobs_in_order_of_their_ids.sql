-- Jobs are listed by their ids, which are in the order of their making: the
-- primary key serves. With the pool and the job's id in two indexes, the
-- larger one was sometimes taken to look up one job.
DROP INDEX user_import_jobs_by_creation;
