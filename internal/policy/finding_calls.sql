WITH suspicious AS (
  -- One pass over all calls, most of which are in order.
  SELECT *, coalesce(caller_instance_id <> instance_id, false) AS relayed
  FROM kms_verdicts
  WHERE kind IS DISTINCT FROM 'nitrotpm'
    AND (
      debug OR verdict = 'not-approved' OR failed
      OR session_match IN ('outside', 'no-session', 'no-log')
      OR caller_instance_id <> instance_id
    )
), shared AS (
  SELECT coalesce(key_arn, key_id) AS key_name
  FROM kms_usage
  WHERE session_match IN ('within', 'uncertain', 'presumed') AND errorcode IS NULL AND errormessage IS NULL
  GROUP BY 1
  HAVING count(DISTINCT client) > 1 AND coalesce(key_arn, key_id) IS NOT NULL
), calls AS (
  SELECT k.finding_kind, s.*
  FROM suspicious AS s
  CROSS JOIN (
    VALUES
      ('debug-attestation'), ('image-not-approved'), ('relayed-document'),
      ('call-outside-session'), ('enclave-without-log'), ('failed-attested-calls')
  ) AS k (finding_kind)
  WHERE CASE k.finding_kind
      WHEN 'debug-attestation' THEN debug
      WHEN 'image-not-approved' THEN verdict = 'not-approved' AND NOT coalesce(debug, false)
      WHEN 'relayed-document' THEN relayed
      WHEN 'call-outside-session' THEN session_match = 'outside'
      WHEN 'enclave-without-log' THEN session_match IN ('no-session', 'no-log')
      ELSE failed
    END
  UNION ALL
  SELECT 'key-shared-by-clients' AS finding_kind, v.*, coalesce(v.caller_instance_id <> v.instance_id, false) AS relayed
  FROM kms_verdicts AS v
  WHERE v.session_match IN ('within', 'uncertain', 'presumed') AND NOT v.failed
    AND coalesce(v.key_arn, v.key_id) IN (SELECT key_name FROM shared)
)
SELECT
  *,
  coalesce(instance_id || '-enc' || slot_key, module_id, '') AS enclave_id,
  coalesce(key_arn, key_id) AS key_name,
  CASE
    WHEN finding_kind = 'image-not-approved'
      THEN coalesce(account_id, '') || '|' || coalesce(client, '') || '|' || coalesce(pcr0, '')
    WHEN finding_kind = 'failed-attested-calls'
      THEN coalesce(account_id, '') || '|' || coalesce(client, '') || '|' || coalesce(key_arn, key_id, '') || '|' || coalesce(pcr0, '')
    WHEN finding_kind = 'key-shared-by-clients' THEN coalesce(key_arn, key_id)
    WHEN finding_kind = 'relayed-document'
      THEN coalesce(instance_id || '-enc' || slot_key, module_id, '') || '|' || caller_instance_id
    ELSE coalesce(instance_id || '-enc' || slot_key, module_id, '')
  END AS subject
FROM calls
