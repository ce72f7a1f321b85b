-- When a lane last got on: a lease that is renewed says only that its worker
-- lives. Not touched by a claim, so that a job which goes from worker to worker
-- and gets nowhere is seen to stand still.
ALTER TABLE import_lanes ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now();

COMMENT ON COLUMN import_lanes.moved_at IS 'When the lane''s checkpoint last moved, by the database''s clock; at first, when the lane was made.';
