/*
title: Attested KMS calls by image
question: Which images called KMS, were they approved, whose are they, and where do they run?
parameters:
  - {name: client, type: string, doc: only this client}
  - {name: key, type: string, doc: "only this key: its ARN, or its id"}
  - {name: account, type: string, doc: only calls that this account's trail has}
  - {name: region, type: string, doc: only this region}
  - {name: image, type: string, doc: "only this image, by PCR0 or by its first digits"}
columns:
  - {name: pcr0, type: varchar, format: id, link: "kms-calls?image={pcr0}", doc: "image, lower-case hex; zeros stand for all images in debug mode"}
  - {name: pcr8, type: varchar, format: id, doc: "certificate that signed the image, lower-case hex; zeros where none did; empty where the record does not print it"}
  - {name: verdict, type: varchar, doc: "approved where all calls were, not-approved where one was not, no-list where approved_images has no entry for any of them, partly-listed where it has for some and approves these"}
  - {name: debug, type: boolean, doc: "the documents are of debug mode; empty where that is not known"}
  - {name: calls, type: bigint, doc: attested calls}
  - {name: not_approved, type: bigint, doc: "of these, calls that approved_images does not approve"}
  - {name: failed, type: bigint, doc: "of these, calls that failed"}
  - {name: clients, type: array(varchar), doc: clients whose calls these are}
  - {name: keys, type: bigint, doc: different keys}
  - {name: sessions, type: bigint, doc: different sessions of enclaves}
  - {name: instances, type: bigint, doc: different instances in the documents}
  - {name: first_seen, type: timestamp, doc: first call}
  - {name: last_seen, type: timestamp, doc: last call}
coverage: [cloudtrail, enclave-log]
within: [kms_calls]
*/
SELECT
  pcr0,
  pcr8,
  CASE
    WHEN count(CASE WHEN verdict = 'not-approved' THEN 1 END) > 0 THEN 'not-approved'
    WHEN count(CASE WHEN verdict = 'approved' THEN 1 END) = count(*) THEN 'approved'
    WHEN count(CASE WHEN verdict = 'approved' THEN 1 END) > 0 THEN 'partly-listed'
    ELSE 'no-list'
  END AS verdict,
  bool_or(debug) AS debug,
  count(*) AS calls,
  count(CASE WHEN verdict = 'not-approved' THEN 1 END) AS not_approved,
  count(CASE WHEN failed THEN 1 END) AS failed,
  array_agg(DISTINCT client ORDER BY client) AS clients,
  count(DISTINCT coalesce(key_arn, key_id)) AS keys,
  count(DISTINCT session_id) AS sessions,
  count(DISTINCT instance_id) AS instances,
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
  AND (:image IS NULL OR substr(pcr0, 1, length(:image)) = lower(:image))
GROUP BY pcr0, pcr8
ORDER BY pcr0 NULLS LAST, pcr8 NULLS LAST
