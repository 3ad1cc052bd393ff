/*
title: Coverage
question: From when to when does the evidence of each source reach, and what is missing or damaged in it?
parameters:
  - name: source
    type: string
    doc: only this source
columns:
  - {name: source, type: varchar, doc: name of the source}
  - {name: scope, type: varchar, link: "coverage-objects?source={source}&scope={scope}", doc: "what the evidence is about, an instance id for example"}
  - {name: covered_from, type: timestamp, doc: first instant of the evidence; empty where there is none}
  - {name: covered_through, type: timestamp, doc: last instant for which the evidence is known to be complete; gaps between are not told}
  - {name: objects_read, type: bigint, doc: files or objects that were read}
  - {name: objects_damaged, type: bigint, doc: "objects that are in quarantine, whole or in part"}
  - {name: objects_missing, type: bigint, doc: objects or places that could not be read when last tried}
  - {name: objects_ignored, type: bigint, doc: objects that are not evidence of this source}
  - {name: records_quarantined, type: bigint, doc: "damaged records kept in quarantine, an object rejected whole as one; a record counts with each scope that its object speaks of"}
  - {name: starts_unresolved, type: bigint, doc: "starts of which the log does not show the outcome, see unresolved-starts"}
  - {name: sessions_partial, type: bigint, doc: lives of enclaves of which lines of the start are missing}
  - {name: problem, type: varchar, doc: "one missing or damaged object and why, see coverage-objects for all"}
coverage: ["*"]
*/
WITH ranked AS (
  SELECT
    *,
    -- An object that is read again replaces all that an earlier run said of it.
    first_value(run_id) OVER (
      PARTITION BY source, object, CASE WHEN object = '' THEN scope ELSE '' END
      ORDER BY found_at DESC, run_id DESC
    ) AS last_run
  FROM coverage
  WHERE :source IS NULL OR source = :source
), overlapping AS (
  -- What has no time of its own, a missing file for one, belongs to every period.
  SELECT *
  FROM ranked
  WHERE (:from IS NULL OR covered_through IS NULL OR covered_through >= :from)
    AND (:to IS NULL OR covered_from IS NULL OR covered_from < :to)
), latest AS (
  SELECT DISTINCT source, scope, object, result, detail
  FROM overlapping
  WHERE run_id = last_run
), reach AS (
  -- What an earlier run read of a file that has changed since stays read.
  SELECT source, scope,
    min(CASE WHEN result = 'read' THEN covered_from END) AS covered_from,
    max(CASE WHEN result = 'read' THEN covered_through END) AS covered_through
  FROM overlapping
  WHERE covered_from IS NOT NULL OR covered_through IS NOT NULL OR run_id = last_run
  GROUP BY source, scope
), objects AS (
  SELECT
    source,
    scope,
    count(DISTINCT CASE WHEN result = 'read' THEN object END) AS objects_read,
    count(DISTINCT CASE WHEN result = 'damaged' THEN object END) AS objects_damaged,
    count(DISTINCT CASE WHEN result = 'missing' THEN object END) AS objects_missing,
    count(DISTINCT CASE WHEN result = 'ignored' THEN object END) AS objects_ignored,
    min(CASE
      WHEN result IN ('missing', 'damaged') THEN result || ': ' || CASE WHEN object = '' THEN scope ELSE object END || ': ' || detail
    END) AS problem
  FROM latest
  GROUP BY source, scope
), quarantined AS (
  SELECT places.source, places.scope, count(*) AS records_quarantined
  FROM (SELECT DISTINCT source, scope, object FROM overlapping) AS places
  JOIN quarantine AS q ON q.source = places.source AND q.object = places.object
  GROUP BY places.source, places.scope
), unresolved AS (
  SELECT instance_id, count(*) AS starts_unresolved
  FROM enclave_attempts
  WHERE outcome = 'unresolved' AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
  GROUP BY instance_id
), incomplete AS (
  SELECT instance_id, count(*) AS sessions_partial
  FROM enclave_sessions
  WHERE partial AND (:from IS NULL OR started >= :from) AND (:to IS NULL OR started < :to)
  GROUP BY instance_id
)
SELECT
  reach.source,
  reach.scope,
  reach.covered_from,
  reach.covered_through,
  coalesce(objects.objects_read, 0) AS objects_read,
  coalesce(objects.objects_damaged, 0) AS objects_damaged,
  coalesce(objects.objects_missing, 0) AS objects_missing,
  coalesce(objects.objects_ignored, 0) AS objects_ignored,
  coalesce(quarantined.records_quarantined, 0) AS records_quarantined,
  coalesce(unresolved.starts_unresolved, 0) AS starts_unresolved,
  coalesce(incomplete.sessions_partial, 0) AS sessions_partial,
  objects.problem
FROM reach
LEFT JOIN objects ON objects.source = reach.source AND objects.scope = reach.scope
LEFT JOIN quarantined ON quarantined.source = reach.source AND quarantined.scope = reach.scope
LEFT JOIN unresolved ON reach.source = 'enclave-log' AND unresolved.instance_id = reach.scope
LEFT JOIN incomplete ON reach.source = 'enclave-log' AND incomplete.instance_id = reach.scope
ORDER BY reach.source, reach.scope
