SELECT event_key
FROM (
  SELECT
    event_key,
    row_number() OVER (
      PARTITION BY sharedeventid
      ORDER BY CASE WHEN account_id = split_part(principal, ':', 5) THEN 0 ELSE 1 END, account_id, eventid, event_key
    ) AS place
  FROM kms_calls
  WHERE sharedeventid IS NOT NULL
) AS records
WHERE place > 1
