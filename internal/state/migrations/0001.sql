-- Units of evidence that are done: never opened again for the same decoder version.
CREATE TABLE ledger (
  source  TEXT NOT NULL,
  version TEXT NOT NULL,
  unit_id TEXT NOT NULL,
  result  TEXT NOT NULL,
  run_id  TEXT NOT NULL,
  done_at INTEGER NOT NULL, -- microseconds since 1970 UTC
  PRIMARY KEY (source, version, unit_id)
) WITHOUT ROWID;

-- Intents that are begun and not done. One that is done is deleted: the snapshots
-- of its tables carry its batch id from then on.
CREATE TABLE intent (
  batch_id TEXT PRIMARY KEY,
  begun_at INTEGER NOT NULL, -- microseconds since 1970 UTC
  body     TEXT NOT NULL     -- JSON of state.Intent
) WITHOUT ROWID;

-- The tables of open intents. The primary key holds the rule that a table has at
-- most one open intent.
CREATE TABLE intent_table (
  table_name TEXT PRIMARY KEY,
  batch_id   TEXT NOT NULL REFERENCES intent (batch_id) ON DELETE CASCADE
) WITHOUT ROWID;
