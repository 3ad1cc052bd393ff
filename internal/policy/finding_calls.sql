WITH sums AS (
  -- One pass over all calls and sessions. Numbers are grouped by, since they are a third
  -- of the work of texts: hash is xxhash64(to_utf8(x)) elsewhere, and what falls together
  -- with odds of 1 to 2^64 is told apart below or in the report. A session without calls
  -- makes a row of its own. A call outside of its session is none of its calls; there are
  -- few, and each is judged by itself.
  SELECT
    e.client_rule,
    c.session_id IS NOT NULL AND c.session_match <> 'outside' AS in_session,
    coalesce(c.debug, false) AS in_debug,
    hash({key_arn}) AS key_arn_hash, hash({key_id}) AS key_id_hash, hash(coalesce(c.key_arn, c.key_id)) AS key_name_hash,
    hash({pcr0}) AS pcr0_hash, hash({pcr8}) AS pcr8_hash,
    c.session_match IN ('within', 'uncertain', 'presumed') AND c.errorcode IS NULL AND c.errormessage IS NULL AS used,
    CASE WHEN c.eventtime IS NULL THEN e.session_id END AS silent_session,
    any_value({key_arn}) AS key_arn, any_value({key_id}) AS key_id, any_value(coalesce(c.key_arn, c.key_id)) AS key_name,
    any_value({pcr0}) AS pcr0, any_value({pcr8}) AS pcr8,
    min(c.eventtime) AS first_call,
    max(c.eventtime) AS last_call
  FROM kms_calls AS c
  FULL JOIN enclave_usage AS e ON e.session_id = CASE WHEN c.session_match <> 'outside' THEN c.session_id END
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
), groups AS (
  SELECT s.*, coalesce(r.client, 'unattributed') AS client
  FROM sums AS s
  LEFT JOIN (SELECT client_rule, min(client) AS client FROM enclave_usage GROUP BY client_rule) AS r ON r.client_rule = s.client_rule
), unsure AS (
  -- Images of which a call may not be approved, null for calls without one.
  SELECT DISTINCT pcr0 AS image
  FROM groups AS u
  WHERE in_session AND NOT in_debug AND {unsure}
), shared AS (
  SELECT key_name
  FROM groups
  WHERE used AND in_session AND key_name IS NOT NULL
  GROUP BY key_name
  HAVING count(DISTINCT client) > 1
), raw AS (
  -- Each kind by itself, and by one column where it can be, not by an expression: files
  -- of calls that are in order are not read then, and of others only that column where
  -- no row has what is looked for. Only what is left is joined to clients.
  SELECT 'debug-attestation' AS finding_kind, *
  FROM kms_calls
  WHERE debug AND kind IS DISTINCT FROM 'nitrotpm'
  UNION ALL
  SELECT 'failed-attested-calls' AS finding_kind, *
  FROM kms_calls
  WHERE errorcode IS NOT NULL AND kind IS DISTINCT FROM 'nitrotpm'
  UNION ALL
  SELECT 'failed-attested-calls' AS finding_kind, *
  FROM kms_calls
  WHERE errormessage IS NOT NULL AND errorcode IS NULL AND kind IS DISTINCT FROM 'nitrotpm'
  UNION ALL
  SELECT 'call-outside-session' AS finding_kind, *
  FROM kms_calls
  WHERE session_match = 'outside'
  UNION ALL
  SELECT 'enclave-without-log' AS finding_kind, *
  FROM kms_calls
  WHERE session_match IN ('no-session', 'no-log')
  UNION ALL
  SELECT 'relayed-document' AS finding_kind, *
  FROM kms_calls
  -- The comparison itself would let all calls be read whole before it.
  WHERE kind IS DISTINCT FROM 'nitrotpm'
    AND (instance_id, caller_instance_id) IN (SELECT instance_id, caller_instance_id FROM kms_calls WHERE caller_instance_id <> instance_id)
  UNION ALL
  SELECT 'image-not-approved' AS finding_kind, *
  FROM kms_calls
  WHERE session_id IS NULL AND kind IS DISTINCT FROM 'nitrotpm'
  UNION ALL
  SELECT 'image-not-approved' AS finding_kind, *
  FROM kms_calls
  WHERE session_match = 'outside'
  UNION ALL
  SELECT 'image-not-approved' AS finding_kind, *
  FROM kms_calls
  WHERE session_match <> 'outside' AND session_id IS NOT NULL AND debug IS DISTINCT FROM true AND pcr0 IN (SELECT image FROM unsure WHERE image IS NOT NULL)
  UNION ALL
  SELECT 'image-not-approved' AS finding_kind, *
  FROM kms_calls
  WHERE pcr0 IS NULL AND session_match <> 'outside' AND session_id IS NOT NULL AND EXISTS (SELECT 1 FROM unsure WHERE image IS NULL)
  UNION ALL
  SELECT 'key-shared-by-clients' AS finding_kind, *
  FROM kms_calls
  WHERE session_match IN ('within', 'uncertain', 'presumed') AND errorcode IS NULL AND errormessage IS NULL
    AND key_arn IN (SELECT key_name FROM shared)
  UNION ALL
  SELECT 'key-shared-by-clients' AS finding_kind, *
  FROM kms_calls
  WHERE key_arn IS NULL AND session_match IN ('within', 'uncertain', 'presumed') AND errorcode IS NULL AND errormessage IS NULL
    AND key_id IN (SELECT key_name FROM shared)
), judged AS (
{judged}
), named AS (
  SELECT *, coalesce(instance_id || '-enc' || slot_key, module_id, '') AS enclave_id, coalesce(key_arn, key_id) AS key_name
  FROM judged
  WHERE finding_kind <> 'image-not-approved' OR verdict = 'not-approved' AND NOT coalesce(debug, false)
), silent AS (
  SELECT
    e.session_id, e.enclave_id, e.instance_id, e.account_id, e.client, e.name, e.eif_path, e.pcr0,
    coalesce(e.ready, e.started) AS began,
    coalesce(e.stop, e.stop_not_before) AS ended
  FROM enclave_usage AS e
  WHERE e.ready IS NOT NULL AND e.session_id IN (SELECT silent_session FROM groups WHERE silent_session IS NOT NULL AND {careful})
), silent_days AS (
  SELECT date_trunc('day', began) AS event_day FROM silent
  UNION
  SELECT date_trunc('day', ended) AS event_day FROM silent
), read_days AS (
  SELECT DISTINCT account_id, date_trunc('day', eventtime) AS event_day
  FROM cloudtrail
  WHERE eventsource = 'kms.amazonaws.com' AND date_trunc('day', eventtime) IN (SELECT event_day FROM silent_days)
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
  eventtime, eventid, operation, key_arn, key_id, key_name, client, verdict, approved_once, debug, failed, session_match, session_id,
  enclave_name, enclave_id, instance_id, caller_instance_id, module_id, pcr0, pcr8, principal, sourceipaddress, errorcode, errormessage,
  account_id, awsregion, object, "position", length, object_sha256,
  CAST(NULL AS timestamp) AS ended, CAST(NULL AS varchar) AS eif_path
FROM named
UNION ALL
SELECT
  'never-attested', session_id, 0,
  began, NULL, NULL, NULL, NULL, NULL, client, NULL, NULL, NULL, false, NULL, session_id,
  name, enclave_id, instance_id, NULL, NULL, pcr0, NULL, NULL, NULL, NULL, NULL,
  account_id, NULL, NULL, NULL, NULL, NULL,
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
