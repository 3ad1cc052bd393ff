/*
title: Coverage by object
question: What became of each file or object that was read, and which are missing or damaged?
parameters:
  - name: source
    type: string
    doc: only this source
  - name: result
    type: string
    choices: [read, damaged, missing, ignored]
    doc: only objects with this result
  - name: scope
    type: string
    doc: only this scope, an instance id for example
columns:
  - name: source
    type: varchar
    doc: name of the source
  - name: scope
    type: varchar
    doc: what the evidence is about, an instance id for example
  - name: object
    type: varchar
    doc: file or address, empty where a scope has none
  - name: result
    type: varchar
    doc: read, damaged, missing or ignored
  - name: covered_from
    type: timestamp
    doc: first instant of the evidence
  - name: covered_through
    type: timestamp
    doc: last instant for which the evidence is known to be complete
  - name: read_at
    type: timestamp
    doc: when this was found
  - name: detail
    type: varchar
    doc: why, and which permission is missing
coverage: ["*"]
*/
WITH latest AS (
  SELECT
    source, scope, object, result, covered_from, covered_through, found_at, detail, run_id,
    -- An object that is read again replaces all that an earlier run said of it.
    first_value(run_id) OVER (
      PARTITION BY source, object, CASE WHEN object = '' THEN scope ELSE '' END
      ORDER BY found_at DESC, run_id DESC
    ) AS last_run
  FROM coverage
)
SELECT DISTINCT
  source, scope, object, result, covered_from, covered_through, found_at AS read_at, detail
FROM latest
WHERE run_id = last_run
  AND (:source IS NULL OR source = :source)
  AND (:result IS NULL OR result = :result)
  AND (:scope IS NULL OR scope = :scope)
  AND (:from IS NULL OR covered_through IS NULL OR covered_through >= :from)
  AND (:to IS NULL OR covered_from IS NULL OR covered_from < :to)
ORDER BY source, scope, object, result, covered_from, covered_through, read_at, detail
