/*
title: Acknowledgements
question: Which findings did somebody acknowledge, and which of these are found no more?
parameters:
  - {name: id, type: string, doc: only this finding}
  - {name: kind, type: string, choices: [debug-attestation, image-not-approved, relayed-document, call-outside-session, enclave-without-log, key-shared-by-clients, never-attested, failed-attested-calls], doc: only findings of this kind}
  - {name: state, type: string, choices: [found, gone], doc: only of findings in this state}
columns:
  - {name: finding_id, type: varchar, format: id, link: "findings?id={finding_id}", doc: id of the finding}
  - {name: state, type: varchar, doc: "found; gone where nothing is evidence of it any more: its image was approved, rules of clients changed, or a log came that explains it"}
  - {name: kind, type: varchar, doc: kind of the finding}
  - {name: finding, type: varchar, doc: "what it said when it was acknowledged, in words"}
  - {name: acknowledged_at, type: timestamp, doc: when it was acknowledged last}
  - {name: acknowledged_by, type: varchar, doc: by whom}
  - {name: acknowledged_reason, type: varchar, doc: why}
coverage: [cloudtrail, enclave-log]
several_clients: true
*/
WITH found AS (
  -- Of all evidence: a finding is not gone because it lies outside of the period.
  SELECT DISTINCT substr(md5(finding_kind || '|' || subject), 1, 16) AS finding_id
  FROM finding_evidence
), stated AS (
  SELECT a.*, CASE WHEN f.finding_id IS NULL THEN 'gone' ELSE 'found' END AS state
  FROM acknowledgements AS a
  LEFT JOIN found AS f ON f.finding_id = a.finding_id
)
SELECT finding_id, state, kind, finding, acknowledged_at, acknowledged_by, reason AS acknowledged_reason
FROM stated
WHERE (:from IS NULL OR acknowledged_at >= :from)
  AND (:to IS NULL OR acknowledged_at < :to)
  AND (:id IS NULL OR finding_id = :id)
  AND (:kind IS NULL OR kind = :kind)
  AND (:state IS NULL OR state = :state)
ORDER BY acknowledged_at DESC, finding_id
