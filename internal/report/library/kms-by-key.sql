/*
title: Attested KMS calls by key
question: Which clients' enclaves used which key, how often, with how many images and callers?
parameters:
  - {name: client, type: string, doc: only this client}
  - {name: key, type: string, doc: "only this key: its ARN, or its id"}
  - {name: account, type: string, doc: only calls that this account's trail has}
  - {name: region, type: string, doc: only this region}
columns:
  - {name: key_arn, type: varchar, link: "kms-calls?key={key_arn}", doc: "key, by its ARN, else as it was asked for; empty for calls without one, as GenerateRandom"}
  - {name: client, type: varchar, link: "kms-calls?client={client}", doc: "client of the sessions; without one, by the rules that what the call shows matches; unattributed where none does"}
  - {name: calls, type: bigint, doc: attested calls of enclaves}
  - {name: failed, type: bigint, doc: "of these, calls that failed"}
  - {name: not_approved, type: bigint, doc: "of these, calls whose image approved_images does not approve"}
  - {name: images, type: bigint, doc: "different images (PCR0); all of debug mode count as one"}
  - {name: sessions, type: bigint, doc: different sessions of enclaves}
  - {name: instances, type: bigint, doc: different instances in the documents}
  - {name: callers, type: bigint, doc: different callers}
  - {name: first_seen, type: timestamp, doc: first call}
  - {name: last_seen, type: timestamp, doc: last call}
coverage: [cloudtrail, enclave-log]
within: [kms_calls]
*/
SELECT
  coalesce(key_arn, key_id) AS key_arn,
  client,
  count(*) AS calls,
  count(CASE WHEN failed THEN 1 END) AS failed,
  count(CASE WHEN verdict = 'not-approved' THEN 1 END) AS not_approved,
  count(DISTINCT pcr0) AS images,
  count(DISTINCT session_id) AS sessions,
  count(DISTINCT instance_id) AS instances,
  count(DISTINCT principal) AS callers,
  min(eventtime) AS first_seen,
  max(eventtime) AS last_seen
FROM kms_verdicts
WHERE kind IS DISTINCT FROM 'nitrotpm'
  AND (:from IS NULL OR eventtime >= :from)
  AND (:to IS NULL OR eventtime < :to)
  AND (:client IS NULL OR client = :client)
  AND (:key IS NULL OR key_arn = :key OR key_id = :key OR split_part(key_arn, ':key/', 2) = :key)
  AND (:account IS NULL OR account_id = :account)
  AND (:region IS NULL OR awsregion = :region)
GROUP BY coalesce(key_arn, key_id), client
ORDER BY 1 NULLS LAST, 2
