WITH silent AS (
  SELECT
    session_id, enclave_id, instance_id, account_id, client, name, eif_path, pcr0,
    coalesce(ready, started) AS began,
    coalesce(stop, stop_not_before) AS ended
  FROM enclave_usage
  WHERE ready IS NOT NULL
    AND client IN (SELECT client FROM approved_images)
    AND session_id NOT IN (SELECT session_id FROM kms_calls WHERE session_id IS NOT NULL)
), read_days AS (
  SELECT DISTINCT account_id, date_trunc('day', eventtime) AS event_day
  FROM cloudtrail
  WHERE eventsource = 'kms.amazonaws.com'
)
SELECT *
FROM silent AS s
WHERE EXISTS (
    SELECT 1 FROM read_days AS r
    WHERE r.event_day = date_trunc('day', s.began) AND (s.account_id IS NULL OR r.account_id = s.account_id)
  )
  AND EXISTS (
    SELECT 1 FROM read_days AS r
    WHERE r.event_day = date_trunc('day', s.ended) AND (s.account_id IS NULL OR r.account_id = s.account_id)
  )
