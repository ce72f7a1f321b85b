-- Users. Plain columns for what every user may have, JSON for the pool's own
-- attributes. No foreign keys: their triggers would fire for every row of an
-- import; a batch is fenced by its lane, whose job holds the pool instead.

CREATE TABLE users (
    user_pool_id             text        NOT NULL,
    username_key             text        NOT NULL,
    username                 text        NOT NULL,
    sub                      uuid        NOT NULL,
    user_status              text        NOT NULL,
    enabled                  boolean     NOT NULL DEFAULT true,
    user_create_date         timestamptz NOT NULL,
    import_job_id            uuid        NOT NULL,
    import_line              bigint      NOT NULL,
    name                     text,
    given_name               text,
    family_name              text,
    middle_name              text,
    nickname                 text,
    preferred_username       text,
    profile                  text,
    picture                  text,
    website                  text,
    email                    text,
    email_verified           boolean,
    gender                   text,
    birthdate                text,
    zoneinfo                 text,
    locale                   text,
    phone_number             text,
    phone_number_verified    boolean,
    address                  text,
    updated_at               bigint,
    mfa_enabled              boolean,
    custom_attributes        jsonb,
    password_hash            text,
    email_alias              text,
    phone_number_alias       text,
    preferred_username_alias text,
    PRIMARY KEY (user_pool_id, username_key),
    CONSTRAINT user_status_known CHECK (user_status IN ('CONFIRMED', 'RESET_REQUIRED'))
);

-- Partial: a pool without aliases pays for none of them.
CREATE UNIQUE INDEX users_by_email_alias ON users (user_pool_id, email_alias) WHERE email_alias IS NOT NULL;
CREATE UNIQUE INDEX users_by_phone_number_alias ON users (user_pool_id, phone_number_alias) WHERE phone_number_alias IS NOT NULL;
CREATE UNIQUE INDEX users_by_preferred_username_alias ON users (user_pool_id, preferred_username_alias) WHERE preferred_username_alias IS NOT NULL;

COMMENT ON TABLE users IS 'The users of all pools.';
COMMENT ON COLUMN users.user_pool_id IS 'The user''s pool.';
COMMENT ON COLUMN users.username_key IS 'What usernames are compared by: the username, in lower case unless the pool is case-sensitive.';
COMMENT ON COLUMN users.username IS 'As it stood in the file.';
COMMENT ON COLUMN users.sub IS 'A random UUID that never changes.';
COMMENT ON COLUMN users.user_status IS 'CONFIRMED with a password hash, else RESET_REQUIRED.';
COMMENT ON COLUMN users.enabled IS 'Whether the user can sign in at all.';
COMMENT ON COLUMN users.user_create_date IS 'When the row was imported.';
COMMENT ON COLUMN users.import_job_id IS 'The job that imported the user.';
COMMENT ON COLUMN users.import_line IS 'The line of that job''s file; the header is line 1.';
COMMENT ON COLUMN users.name IS 'Standard attribute, at most 2,048 characters, as those below.';
COMMENT ON COLUMN users.given_name IS 'Standard attribute.';
COMMENT ON COLUMN users.family_name IS 'Standard attribute.';
COMMENT ON COLUMN users.middle_name IS 'Standard attribute.';
COMMENT ON COLUMN users.nickname IS 'Standard attribute.';
COMMENT ON COLUMN users.preferred_username IS 'Standard attribute.';
COMMENT ON COLUMN users.profile IS 'Standard attribute.';
COMMENT ON COLUMN users.picture IS 'Standard attribute.';
COMMENT ON COLUMN users.website IS 'Standard attribute.';
COMMENT ON COLUMN users.email IS 'Standard attribute, at most 254 bytes.';
COMMENT ON COLUMN users.email_verified IS 'Whether email is verified; null where the file says nothing.';
COMMENT ON COLUMN users.gender IS 'Standard attribute.';
COMMENT ON COLUMN users.birthdate IS 'Standard attribute, yyyy-mm-dd.';
COMMENT ON COLUMN users.zoneinfo IS 'Standard attribute.';
COMMENT ON COLUMN users.locale IS 'Standard attribute.';
COMMENT ON COLUMN users.phone_number IS 'Standard attribute, E.164.';
COMMENT ON COLUMN users.phone_number_verified IS 'Whether phone_number is verified; null where the file says nothing.';
COMMENT ON COLUMN users.address IS 'Standard attribute.';
COMMENT ON COLUMN users.updated_at IS 'Standard attribute, seconds since 1970.';
COMMENT ON COLUMN users.mfa_enabled IS 'cognito:mfa_enabled; null where the file says nothing.';
COMMENT ON COLUMN users.custom_attributes IS 'Object of the pool''s own attributes by name, without the prefix custom:.';
COMMENT ON COLUMN users.password_hash IS 'Never answered by any call.';
COMMENT ON COLUMN users.email_alias IS 'The verified e-mail address by which no other user may go, in a pool with that alias.';
COMMENT ON COLUMN users.phone_number_alias IS 'The verified phone number by which no other user may go, in a pool with that alias.';
COMMENT ON COLUMN users.preferred_username_alias IS 'The preferred username by which no other user may go, in a pool with that alias.';
