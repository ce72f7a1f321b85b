-- A user's status is CONFIRMED with a password hash, else RESET_REQUIRED, and
-- has never been anything else. As a column it was 15 bytes of each row, one
-- more value to take off the wire, and a CHECK of words for each user.
--
-- No row is written anew. There is no release yet whose processes would miss it.
ALTER TABLE users DROP COLUMN user_status;

COMMENT ON COLUMN users.password_hash IS 'Never answered by any call. With it the user''s status is CONFIRMED, else RESET_REQUIRED.';
