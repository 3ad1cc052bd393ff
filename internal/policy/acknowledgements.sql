-- The newest acknowledgement of each finding.
SELECT finding_id, kind, finding, acknowledged_at, acknowledged_by, reason, facts
FROM (
  SELECT *, row_number() OVER (PARTITION BY finding_id ORDER BY acknowledged_at DESC, acknowledgement_id DESC) AS place
  FROM finding_acknowledgements
) AS a
WHERE place = 1
