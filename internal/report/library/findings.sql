/*
title: Findings
question: What did enclaves do with KMS that nobody allowed, or that the logs of their hosts do not explain?
parameters:
  - name: id
    type: string
    doc: only this finding
    known:
      as: finding
      sql: SELECT 1 FROM finding_calls WHERE substr(md5(finding_kind || '|' || subject), 1, 16) = :id LIMIT 1
      hint: "`trailhouse findings list` shows the findings with their ids"
  - {name: kind, type: string, choices: [debug-attestation, image-not-approved, relayed-document, call-outside-session, enclave-without-log, key-shared-by-clients, never-attested, failed-attested-calls], doc: only this kind}
  - {name: severity, type: string, choices: [critical, high, medium, low], doc: only this severity}
  - {name: state, type: string, choices: [open, acknowledged, returned], doc: only findings in this state}
  - {name: client, type: string, doc: only findings that this client has a part in}
  - {name: account, type: string, doc: only findings that this account has a part in}
  - {name: region, type: string, doc: only findings that this region has a part in}
  - {name: instance, type: string, doc: only findings that this instance has a part in}
  - {name: key, type: string, doc: "only findings that this key has a part in, by its ARN"}
columns:
  - {name: finding_id, type: varchar, format: id, link: "finding-calls?id={finding_id}", doc: "id of the finding, the same as long as it is about the same thing; for trailhouse findings acknowledge"}
  - {name: kind, type: varchar, link: "findings?kind={kind}", doc: kind of the finding}
  - {name: severity, type: varchar, doc: "critical, high, medium or low"}
  - {name: state, type: varchar, doc: "open; acknowledged; returned where it was acknowledged and has a fact that it had not then"}
  - {name: reason, type: varchar, doc: "what was found, in words"}
  - {name: client, type: varchar, link: "kms-calls?client={client}", doc: "client, where it is about one"}
  - {name: account_id, type: varchar, doc: "account whose trail has the calls, that of the host where there are none; where it is about one"}
  - {name: awsregion, type: varchar, doc: "region, where it is about one"}
  - {name: instance_id, type: varchar, format: id, link: "enclave-usage?instance={instance_id}", doc: "instance in the documents, where it is about one"}
  - {name: enclave_id, type: varchar, format: id, doc: "enclave, its slot without padding, where it is about one"}
  - {name: session_id, type: varchar, format: id, doc: "session of the enclave, where it is about one"}
  - {name: key_arn, type: varchar, link: "kms-by-key?key={key_arn}", doc: "key, where it is about one"}
  - {name: pcr0, type: varchar, format: id, link: "kms-calls?image={pcr0}", doc: "image, lower-case hex, where it is about one"}
  - {name: principal, type: varchar, doc: "caller, where it is about one"}
  - {name: calls, type: bigint, link: "finding-calls?id={finding_id}", doc: calls in the period; 0 for never-attested}
  - {name: failed, type: bigint, doc: "of these, calls that failed"}
  - {name: first_seen, type: timestamp, doc: first of the calls; for never-attested when the session began}
  - {name: last_seen, type: timestamp, doc: "last of the calls; for never-attested when the session ended, or the last proof of its life"}
  - {name: event_ids, type: array(varchar), doc: "ids of the first 20 of the calls, for trailhouse show event; finding-calls has all"}
  - {name: facts, type: array(varchar), doc: "what distinguishes the calls: images, keys, clients, callers, error codes; a new one brings an acknowledged finding back"}
  - {name: acknowledged_at, type: timestamp, doc: when it was acknowledged last}
  - {name: acknowledged_by, type: varchar, doc: by whom}
  - {name: acknowledged_reason, type: varchar, doc: why}
coverage: [cloudtrail, enclave-log]
several_clients: true
*/
WITH calls AS (
  -- Calls with equal facts become one row here, however many there are. Of what is no
  -- fact the least and the greatest are kept: where they are equal, there is only one.
  SELECT
    finding_kind AS kind, subject, client, key_name, pcr0, pcr8, principal, session_match, eif_path,
    coalesce(errorcode, CASE WHEN errormessage IS NOT NULL THEN 'without a code' END) AS error,
    min(account_id) AS account_id, max(account_id) AS last_account,
    min(awsregion) AS awsregion, max(awsregion) AS last_region,
    min(instance_id) AS instance_id, max(instance_id) AS last_instance,
    min(enclave_id) AS enclave_id, max(enclave_id) AS last_enclave,
    min(session_id) AS session_id, max(session_id) AS last_session,
    min(caller_instance_id) AS caller_instance_id,
    min(enclave_name) AS enclave_name,
    bool_or(approved_once) AS approved_once,
    bool_or(account_id = :account) AS of_account,
    bool_or(awsregion = :region) AS of_region,
    bool_or(instance_id = :instance OR caller_instance_id = :instance) AS of_instance,
    sum(calls) AS calls,
    count(CASE WHEN failed THEN 1 END) AS failed,
    min(eventtime) AS first_seen,
    max(coalesce(ended, eventtime)) AS last_seen,
    min(date_format(eventtime, '%Y-%m-%d %H:%i:%s') || ' ' || eventid, 20) AS first_events
  FROM finding_evidence
  WHERE (:from IS NULL OR coalesce(ended, eventtime) >= :from)
    AND (:to IS NULL OR eventtime < :to)
    AND (:kind IS NULL OR finding_kind = :kind)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
), first_events AS (
  SELECT c.kind, c.subject, min(e.event, 20) AS first_events
  FROM calls AS c
  CROSS JOIN UNNEST(c.first_events) AS e (event)
  GROUP BY c.kind, c.subject
), events AS (
  SELECT f.kind, f.subject, array_agg(substr(e.event, 21) ORDER BY e.event) AS event_ids
  FROM first_events AS f
  CROSS JOIN UNNEST(f.first_events) AS e (event)
  GROUP BY f.kind, f.subject
), fact_texts AS (
  SELECT DISTINCT c.kind, c.subject, f.fact
  FROM calls AS c
  CROSS JOIN UNNEST(ARRAY[
    CASE WHEN c.kind <> 'never-attested' THEN 'image ' || c.pcr0 END, 'eif ' || c.eif_path, 'signer ' || c.pcr8, 'key ' || c.key_name, 'client ' || c.client,
    CASE WHEN c.kind <> 'key-shared-by-clients' THEN 'caller ' || c.principal END,
    'error ' || c.error,
    CASE WHEN c.kind = 'enclave-without-log' THEN 'match ' || c.session_match END
  ]) AS f (fact)
  WHERE f.fact IS NOT NULL AND (c.kind <> 'key-shared-by-clients' OR f.fact LIKE 'client %')
), facts AS (
  SELECT kind, subject, array_agg(fact ORDER BY fact) AS facts
  FROM fact_texts
  GROUP BY kind, subject
), grouped AS (
  SELECT
    kind, subject,
    CASE WHEN min(client) = max(client) THEN min(client) END AS client,
    CASE WHEN min(account_id) = max(last_account) THEN min(account_id) END AS account_id,
    CASE WHEN min(awsregion) = max(last_region) THEN min(awsregion) END AS awsregion,
    CASE WHEN min(instance_id) = max(last_instance) THEN min(instance_id) END AS instance_id,
    CASE WHEN min(enclave_id) = max(last_enclave) THEN min(enclave_id) END AS enclave_id,
    CASE WHEN min(session_id) = max(last_session) THEN min(session_id) END AS session_id,
    CASE WHEN min(key_name) = max(key_name) AND count(key_name) = count(*) THEN min(key_name) END AS key_arn,
    min(key_name) AS key_name,
    CAST(sum(CASE WHEN key_name IS NULL THEN calls ELSE 0 END) AS bigint) AS keyless,
    CASE WHEN min(pcr0) = max(pcr0) THEN min(pcr0) END AS pcr0,
    CASE WHEN min(principal) = max(principal) THEN min(principal) END AS principal,
    count(DISTINCT key_name) AS keys,
    count(DISTINCT pcr0) AS images,
    min(caller_instance_id) AS caller_instance_id,
    bool_or(approved_once) AS approved_once,
    max(session_match) AS session_match,
    min(enclave_name) AS enclave_name,
    array_join(array_agg(DISTINCT client ORDER BY client) FILTER (WHERE client IS NOT NULL), ', ') AS clients,
    array_join(array_agg(DISTINCT error ORDER BY error) FILTER (WHERE error IS NOT NULL), ', ') AS errors,
    CAST(sum(calls) AS bigint) AS calls,
    CAST(sum(failed) AS bigint) AS failed,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
  FROM calls
  GROUP BY kind, subject
  HAVING (kind <> 'key-shared-by-clients' OR min(client) <> max(client))
    AND (:client IS NULL OR bool_or(client = :client))
    AND (:account IS NULL OR bool_or(of_account))
    AND (:region IS NULL OR bool_or(of_region))
    AND (:instance IS NULL OR bool_or(of_instance))
    AND (:key IS NULL OR bool_or(key_name = :key))
), worded AS (
  SELECT
    *,
    CASE calls WHEN 1 THEN '1 call' ELSE CAST(calls AS varchar) || ' calls' END
      || CASE WHEN failed = 0 THEN '' WHEN failed = calls AND calls = 1 THEN ' that failed'
           WHEN failed = calls THEN ' that all failed' ELSE ', of which ' || CAST(failed AS varchar) || ' failed,' END AS calls_text,
    CASE WHEN keys = 0 THEN ' without a key' WHEN keys = 1 THEN ' with key ' || key_name ELSE ' with ' || CAST(keys AS varchar) || ' keys' END
      || CASE WHEN keys = 0 OR keyless = 0 THEN '' ELSE ', but ' || CAST(keyless AS varchar) || ' of them without a key' END AS keys_text,
    CASE WHEN pcr0 IS NULL AND images = 0 THEN 'an image without PCR0' WHEN pcr0 IS NULL THEN CAST(images AS varchar) || ' images' ELSE 'image ' || substr(pcr0, 1, 12) END AS image_text
  FROM grouped
), found AS (
  SELECT
    w.kind, w.subject,
    CASE
      WHEN w.kind IN ('debug-attestation', 'image-not-approved', 'relayed-document') THEN 'critical'
      WHEN w.kind = 'enclave-without-log' AND session_match = 'no-log' THEN 'medium'
      WHEN w.kind IN ('failed-attested-calls', 'never-attested') THEN 'medium'
      ELSE 'high'
    END AS severity,
    CASE w.kind
      WHEN 'debug-attestation' THEN 'enclave ' || enclave_id || ' of ' || clients || ' attested in debug mode, in which PCR0, PCR1 and PCR2 are zero: its image is not proven and its host can read its console; '
        || calls_text || keys_text
      WHEN 'image-not-approved' THEN image_text || ' of ' || clients || CASE WHEN approved_once
          THEN ' was not approved at the time, though approved_images approves it at another; ' ELSE ' is not among the approved_images that are for its calls; ' END
        || calls_text || keys_text
      WHEN 'relayed-document' THEN 'the attestation document of enclave ' || enclave_id || ' was sent with the credentials of another instance, ' || caller_instance_id || ': it was relayed; '
        || calls_text || keys_text
      WHEN 'call-outside-session' THEN 'enclave ' || enclave_id || ' of ' || clients || ' called KMS at a time at which it did not run by the log of its host; ' || calls_text || keys_text
      WHEN 'enclave-without-log' THEN CASE WHEN session_match = 'no-log'
          THEN 'there is no log of instance ' || instance_id || ' at all, and ' || coalesce('enclave ' || enclave_id, 'more than one enclave') || ' on it called KMS: nothing that runs there is metered; '
          ELSE 'enclave ' || enclave_id || ' called KMS and the log of its host, which there is, never shows it: lines are missing or were removed, and it is not metered; ' END
        || calls_text || keys_text
      WHEN 'key-shared-by-clients' THEN 'key ' || key_arn || ' is used by enclaves of more than one client: ' || clients || '; ' || calls_text
      WHEN 'never-attested' THEN 'session ' || session_id || ' of ' || clients || coalesce(', named ' || enclave_name || ',', '')
        || ' never made an attested call while it ran, though approved_images names its client and a trail with KMS events of its days was read'
      ELSE 'attested calls of ' || image_text || ' of ' || clients || keys_text || ' failed with ' || errors || '; '
        || CASE calls WHEN 1 THEN '1 call' ELSE CAST(calls AS varchar) || ' calls' END
        || CASE WHEN enclave_id IS NULL THEN ' of more than one enclave' ELSE ' of enclave ' || enclave_id END
    END AS reason,
    client, account_id, awsregion, instance_id, enclave_id, session_id, key_arn, pcr0, principal, calls, failed, first_seen, last_seen,
    e.event_ids,
    f.facts
  FROM worded AS w
  LEFT JOIN events AS e ON e.kind = w.kind AND e.subject = w.subject
  LEFT JOIN facts AS f ON f.kind = w.kind AND f.subject = w.subject
), identified AS (
  SELECT substr(md5(kind || '|' || subject), 1, 16) AS finding_id, *
  FROM found
), stated AS (
  SELECT
    i.*, a.acknowledged_at, a.acknowledged_by, a.reason AS acknowledged_reason,
    CASE
      WHEN a.finding_id IS NULL THEN 'open'
      WHEN i.facts IS NULL OR array_sort(array_intersect(i.facts, a.facts)) = i.facts THEN 'acknowledged'
      ELSE 'returned'
    END AS state
  FROM identified AS i
  LEFT JOIN acknowledgements AS a ON a.finding_id = i.finding_id
  WHERE :id IS NULL OR i.finding_id = :id
)
SELECT
  finding_id, kind, severity, state, reason, client, account_id, awsregion, instance_id, enclave_id, session_id, key_arn, pcr0, principal,
  calls, failed, first_seen, last_seen, event_ids, facts, acknowledged_at, acknowledged_by, acknowledged_reason
FROM stated
WHERE (:state IS NULL OR state = :state)
  AND (:severity IS NULL OR severity = :severity)
ORDER BY
  CASE state WHEN 'acknowledged' THEN 1 ELSE 0 END,
  CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
  last_seen DESC, kind, finding_id
