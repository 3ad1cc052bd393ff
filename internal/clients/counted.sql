SELECT
  min_by(event_key, ROW(
    CASE WHEN account_id = split_part(principal, ':', 5) THEN 0 ELSE 1 END, coalesce(account_id, ''), coalesce(eventid, ''), event_key
  )) AS event_key
FROM {calls}
WHERE sharedeventid IS NOT NULL
GROUP BY sharedeventid
