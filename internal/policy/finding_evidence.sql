WITH lives AS (
  SELECT session_id, client_rule, client, name, ready IS NOT NULL AS ran
  FROM enclave_usage
), groups AS (
  -- One pass over the sums of calls, with the client of each session. Where session names
  -- differ with each call there are as many as calls: only what is asked for below is kept.
  SELECT
    u.group_key, u.session_id, u.session_match, u.client, u.unsure,
    coalesce(u.key_arn, u.key_id) AS key_name,
    coalesce(session_match IN ('within', 'uncertain', 'presumed') AND session_id IS NOT NULL AND NOT failed, false) AS used,
    coalesce(
      session_match IN ('outside', 'no-session', 'no-log')
        OR kind IS DISTINCT FROM 'nitrotpm' AND (debug OR failed OR caller_instance_id <> instance_id OR session_id IS NULL OR unsure),
      false
    ) AS suspect
  FROM (
    SELECT u.*, u.debug IS DISTINCT FROM true AND {unsure} AS unsure
    FROM (
      SELECT g.*, coalesce(e.client, 'unattributed') AS client
      FROM kms_call_groups AS g
      LEFT JOIN lives AS e ON e.session_id = g.session_id
    ) AS u
  ) AS u
), shared AS (
  SELECT key_name
  FROM groups
  WHERE used AND key_name IS NOT NULL
  GROUP BY key_name
  HAVING min(client) <> max(client)
), suspects AS (
  -- A group may have several rows, of which one may be unsure and another not.
  SELECT group_key, bool_or(unsure) AS any_unsure, bool_or(used AND coalesce(key_name IN (SELECT key_name FROM shared), false)) AS is_shared
  FROM groups
  WHERE suspect OR used AND key_name IN (SELECT key_name FROM shared)
  GROUP BY group_key
), candidates AS (
  -- What may be a finding: calls outside of sessions and those of images that may not be
  -- approved are judged one by one below.
  SELECT DISTINCT
    s.group_key, s.any_unsure, s.is_shared,
    g.kind, g.account_id, g.awsregion, g.key_arn, g.key_id, coalesce(g.key_arn, g.key_id) AS key_name, g.principal, g.caller_instance_id,
    g.errorcode, g.module_id, g.instance_id, g.slot_key, g.pcr0, g.pcr8, g.debug, g.session_id, g.session_match, g.failed AS any_failed
  FROM suspects AS s
  JOIN kms_call_groups AS g ON g.group_key = s.group_key
), raw AS (
  -- Of each call only what its group does not have: the files hold the rest in large
  -- columns.
  SELECT f.finding_kind, c.*, k.event_key, k.eventid, k.eventtime, k.errormessage, k.sharedeventid
  FROM candidates AS c
  JOIN kms_calls AS k ON k.group_key = c.group_key
  CROSS JOIN UNNEST(ARRAY[
    CASE WHEN c.kind IS DISTINCT FROM 'nitrotpm' AND c.debug THEN 'debug-attestation' END,
    CASE WHEN c.kind IS DISTINCT FROM 'nitrotpm' AND c.any_failed THEN 'failed-attested-calls' END,
    CASE WHEN c.kind IS DISTINCT FROM 'nitrotpm' AND c.caller_instance_id <> c.instance_id THEN 'relayed-document' END,
    CASE WHEN c.kind IS DISTINCT FROM 'nitrotpm' AND (c.session_id IS NULL OR c.session_match = 'outside' OR c.any_unsure) THEN 'image-not-approved' END,
    CASE WHEN c.session_match = 'outside' THEN 'call-outside-session' END,
    CASE WHEN c.session_match IN ('no-session', 'no-log') THEN 'enclave-without-log' END,
    CASE WHEN c.is_shared THEN 'key-shared-by-clients' END
  ]) AS f (finding_kind)
  WHERE f.finding_kind IS NOT NULL
), records AS (
  -- All records of the calls among them that several accounts have.
  SELECT *
  FROM kms_calls
  WHERE sharedeventid IN (
    SELECT k.sharedeventid
    FROM suspects AS c
    JOIN kms_calls AS k ON k.group_key = c.group_key
    WHERE k.sharedeventid IS NOT NULL
  )
), counted AS (
{counted}
), copied AS (
  -- Groups, among those that may be findings, of which no call counts.
  SELECT c.group_key
  FROM (SELECT group_key, count(*) AS calls FROM records WHERE event_key NOT IN (SELECT event_key FROM counted) GROUP BY group_key) AS c
  JOIN kms_call_groups AS g ON g.group_key = c.group_key
  GROUP BY c.group_key
  HAVING sum(g.calls) = max(c.calls)
), shared_by_counted AS (
  -- Another account's record of a call may name the key in another way.
  SELECT key_name
  FROM groups
  WHERE used AND key_name IN (SELECT key_name FROM shared) AND group_key NOT IN (SELECT group_key FROM copied)
  GROUP BY key_name
  HAVING min(client) <> max(client)
), judged AS (
{judged}
), named AS (
  SELECT *, coalesce(instance_id || '-enc' || slot_key, module_id, '') AS enclave_id
  FROM judged
  WHERE (finding_kind <> 'image-not-approved' OR verdict = 'not-approved' AND NOT coalesce(debug, false))
    AND (finding_kind <> 'key-shared-by-clients' OR key_name IN (SELECT key_name FROM shared_by_counted))
    AND (sharedeventid IS NULL OR event_key IN (SELECT event_key FROM counted)) -- a call once, though several accounts have it
), silent AS (
  -- Trails are late by some minutes, so nothing is said of a session before its trail goes
  -- on behind its end, or behind its first hour where it ran longer.
  SELECT
    session_id, enclave_id, instance_id, account_id, client, name, eif_path, pcr0,
    coalesce(ready, started) AS began,
    coalesce(stop, stop_not_before) AS ended,
    least(coalesce(stop, stop_not_before), coalesce(ready, started) + INTERVAL '1' HOUR) AS called_until
  FROM enclave_usage
  WHERE session_id IN (
    SELECT session_id FROM lives WHERE ran AND {careful}
    EXCEPT
    SELECT session_id FROM groups WHERE session_match <> 'outside'
  )
), silent_days AS (
  SELECT date_trunc('day', began) AS event_day FROM silent
  UNION
  SELECT date_trunc('day', ended) AS event_day FROM silent
  UNION
  SELECT date_trunc('day', called_until + INTERVAL '1' DAY) AS event_day FROM silent
), read_days AS (
  SELECT account_id, date_trunc('day', eventtime) AS event_day, max(eventtime) AS last_event
  FROM cloudtrail
  WHERE eventsource = 'kms.amazonaws.com' AND date_trunc('day', eventtime) IN (SELECT event_day FROM silent_days)
  GROUP BY account_id, date_trunc('day', eventtime)
)
SELECT
  finding_kind,
  CASE
    WHEN finding_kind = 'image-not-approved' THEN coalesce(account_id, '') || '|' || coalesce(client, '') || '|' || coalesce(pcr0, '')
    WHEN finding_kind = 'failed-attested-calls'
      THEN coalesce(account_id, '') || '|' || coalesce(client, '') || '|' || coalesce(key_name, '') || '|' || coalesce(pcr0, '')
    WHEN finding_kind = 'key-shared-by-clients' THEN key_name
    WHEN session_match = 'no-log' AND finding_kind = 'enclave-without-log' THEN instance_id
    WHEN finding_kind = 'relayed-document' THEN enclave_id || '|' || caller_instance_id
    ELSE enclave_id
  END AS subject,
  1 AS calls,
  event_key, eventtime, eventid, key_name, client, verdict, approved_once, failed, session_match, session_id,
  enclave_name, enclave_id, instance_id, caller_instance_id, pcr0, pcr8, principal, errorcode, errormessage,
  account_id, awsregion,
  CAST(NULL AS timestamp) AS ended, CAST(NULL AS varchar) AS eif_path
FROM named
UNION ALL
SELECT
  'never-attested', session_id, 0,
  NULL, began, NULL, NULL, client, NULL, NULL, false, NULL, session_id,
  name, enclave_id, instance_id, NULL, pcr0, NULL, NULL, NULL, NULL,
  account_id, NULL,
  ended, eif_path
FROM silent AS s
WHERE EXISTS (
    SELECT 1 FROM read_days AS r
    WHERE r.event_day = date_trunc('day', s.began) AND (s.account_id IS NULL OR r.account_id = s.account_id)
  )
  AND EXISTS (
    SELECT 1 FROM read_days AS r
    WHERE r.event_day = date_trunc('day', s.ended) AND (s.account_id IS NULL OR r.account_id = s.account_id)
  )
  AND EXISTS (
    SELECT 1 FROM read_days AS r
    WHERE r.last_event > s.called_until AND (s.account_id IS NULL OR r.account_id = s.account_id)
  )
