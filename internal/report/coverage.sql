-- The newest word on each object of each source, for the coverage list of reports.
WITH latest AS (
  SELECT
    source, scope, object, result, covered_from, covered_through, detail, run_id,
    -- An object that is read again replaces all that an earlier run said of it.
    first_value(run_id) OVER (
      PARTITION BY source, object, CASE WHEN object = '' THEN scope ELSE '' END
      ORDER BY found_at DESC, run_id DESC
    ) AS last_run
  FROM coverage
)
SELECT DISTINCT source, scope, object, result, covered_from, covered_through, detail
FROM latest
WHERE run_id = last_run
  AND (:from IS NULL OR covered_through IS NULL OR covered_through >= :from)
  AND (:to IS NULL OR covered_from IS NULL OR covered_from < :to)
ORDER BY source, scope, object, result, covered_from, covered_through, detail
