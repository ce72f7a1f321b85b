-- User pools. The pool leads every key of every table, so that the schema can
-- be distributed by pool.

CREATE TABLE user_pools (
    user_pool_id             text        PRIMARY KEY,
    pool_name                text        NOT NULL,
    auto_verified_attributes text[]      NOT NULL DEFAULT '{}',
    alias_attributes         text[]      NOT NULL DEFAULT '{}',
    username_attributes      text[]      NOT NULL DEFAULT '{}',
    required_attributes      text[]      NOT NULL DEFAULT '{}',
    custom_attributes        jsonb       NOT NULL DEFAULT '[]',
    mfa_configuration        text        NOT NULL DEFAULT 'OFF',
    case_sensitive           boolean     NOT NULL DEFAULT false,
    creation_date            timestamptz NOT NULL,
    import_job_count         integer     NOT NULL DEFAULT 0,
    deletion_date            timestamptz,
    CONSTRAINT user_pool_id_form CHECK (user_pool_id ~ '^[A-Za-z0-9_-]+_[0-9a-zA-Z]+$' AND length(user_pool_id) <= 55),
    CONSTRAINT pool_name_length CHECK (length(pool_name) BETWEEN 1 AND 128),
    CONSTRAINT auto_verified_attributes_known CHECK (auto_verified_attributes <@ ARRAY['email', 'phone_number']),
    CONSTRAINT alias_attributes_known CHECK (alias_attributes <@ ARRAY['email', 'phone_number', 'preferred_username']),
    CONSTRAINT username_attributes_known CHECK (username_attributes <@ ARRAY['email', 'phone_number']),
    CONSTRAINT mfa_configuration_known CHECK (mfa_configuration IN ('OFF', 'OPTIONAL', 'ON')),
    CONSTRAINT import_job_count_not_negative CHECK (import_job_count >= 0)
);

CREATE INDEX user_pools_by_creation ON user_pools (creation_date DESC, user_pool_id DESC) WHERE deletion_date IS NULL;
CREATE INDEX user_pools_deleted ON user_pools (deletion_date) WHERE deletion_date IS NOT NULL;

COMMENT ON TABLE user_pools IS 'User pools and what each asks of its users.';
COMMENT ON COLUMN user_pools.user_pool_id IS 'Issued by muster: a region, an underscore, letters and digits.';
COMMENT ON COLUMN user_pools.pool_name IS 'The name that the caller gave; need not be unique.';
COMMENT ON COLUMN user_pools.auto_verified_attributes IS 'At least one of these must be verified in each imported row.';
COMMENT ON COLUMN user_pools.alias_attributes IS 'Values of these name one user of the pool only.';
COMMENT ON COLUMN user_pools.username_attributes IS 'When not empty, usernames are values of one of these.';
COMMENT ON COLUMN user_pools.required_attributes IS 'Standard attributes that each user must have.';
COMMENT ON COLUMN user_pools.custom_attributes IS 'Array of {name, data_type, minimum, maximum, required}, in the order of the CSV header.';
COMMENT ON COLUMN user_pools.mfa_configuration IS 'OFF, OPTIONAL or ON.';
COMMENT ON COLUMN user_pools.case_sensitive IS 'Whether usernames that differ in case differ.';
COMMENT ON COLUMN user_pools.creation_date IS 'When the pool was made.';
COMMENT ON COLUMN user_pools.import_job_count IS 'Jobs that are not deleted; the quota is checked against it without counting.';
COMMENT ON COLUMN user_pools.deletion_date IS 'Set by DeleteUserPool: hidden from then on, and removed with all its rows by the purge.';
