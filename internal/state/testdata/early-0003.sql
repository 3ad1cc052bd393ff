-- Deliveries that were due: one row for each name, instant of the schedule and client.
-- It is written before anything is sent, and never removed.
CREATE TABLE delivery (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  client       TEXT NOT NULL,    -- '' where it is for all
  scheduled_at INTEGER NOT NULL, -- this and all times: microseconds since 1970 UTC
  forced       INTEGER NOT NULL, -- 1 where a user asked for it and no schedule
  period_from  INTEGER,
  period_to    INTEGER,
  missed       INTEGER NOT NULL, -- earlier instants of the schedule at which nothing ran
  created_at   INTEGER NOT NULL,
  content      TEXT NOT NULL,    -- SHA-256 of what is sent, '' until it is made
  incomplete   INTEGER NOT NULL  -- objects of evidence that were missing or damaged
) WITHOUT ROWID;
CREATE INDEX delivery_by_name ON delivery (name, client, scheduled_at);

-- The targets of a delivery and how far they are.
CREATE TABLE delivery_target (
  delivery_id TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
  position    INTEGER NOT NULL, -- order of sending
  target      TEXT NOT NULL,    -- such as mail, or mail 2
  address     TEXT NOT NULL,
  state       TEXT NOT NULL,    -- open, failed, sent or given-up
  attempts    INTEGER NOT NULL, -- begun ones
  tried_at    INTEGER,
  sent_at     INTEGER,
  receipt     TEXT NOT NULL,
  error       TEXT NOT NULL,    -- of the last attempt
  PRIMARY KEY (delivery_id, target)
) WITHOUT ROWID;
