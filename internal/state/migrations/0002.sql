-- How far a source has listed a place, so that the next listing begins there. A
-- position that is lost costs a longer listing and nothing else: the ledger knows the
-- units.
CREATE TABLE position (
  source  TEXT NOT NULL,
  version TEXT NOT NULL, -- another decoder reads everything again, so it lists everything
  place   TEXT NOT NULL,
  value   TEXT NOT NULL,
  set_at  INTEGER NOT NULL, -- microseconds since 1970 UTC
  PRIMARY KEY (source, version, place)
) WITHOUT ROWID;
