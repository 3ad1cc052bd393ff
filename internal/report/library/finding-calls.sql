/*
title: Calls of findings
question: Which calls are the evidence of a finding?
argument: id
parameters:
  - name: id
    type: string
    doc: id of the finding
    known:
      as: finding
      sql: SELECT 1 FROM finding_calls WHERE substr(md5(finding_kind || '|' || subject), 1, 16) = :id LIMIT 1
      hint: "`trailhouse findings list` shows the findings with their ids"
  - {name: limit, type: integer, default: 1000, doc: most rows}
columns:
  - {name: finding_id, type: varchar, format: id, link: "findings?id={finding_id}", doc: id of the finding}
  - {name: kind, type: varchar, doc: kind of the finding}
  - {name: eventtime, type: timestamp, doc: "when the call was made, in whole seconds"}
  - {name: operation, type: varchar, doc: operation}
  - {name: key_arn, type: varchar, doc: "key; empty where none is named"}
  - {name: client, type: varchar, doc: client}
  - {name: verdict, type: varchar, doc: "approved, not-approved or no-list"}
  - {name: debug, type: boolean, doc: the document is of debug mode}
  - {name: session_match, type: varchar, doc: "how the call stands to the lives of its enclave, as in kms-calls"}
  - {name: session_id, type: varchar, format: id, doc: session of the enclave}
  - {name: instance_id, type: varchar, format: id, doc: instance in the document}
  - {name: caller_instance_id, type: varchar, format: id, doc: instance whose credentials made the call}
  - {name: module_id, type: varchar, format: id, doc: "module id of the document, as printed"}
  - {name: pcr0, type: varchar, format: id, doc: "image, lower-case hex"}
  - {name: principal, type: varchar, doc: caller}
  - {name: sourceipaddress, type: varchar, doc: address or service that the call came from}
  - {name: errorcode, type: varchar, doc: error code where the call failed}
  - {name: errormessage, type: varchar, doc: error text; either may be alone}
  - {name: account_id, type: varchar, doc: account whose event it is}
  - {name: awsregion, type: varchar, doc: region}
  - {name: eventid, type: varchar, format: id, doc: "id of the event, for trailhouse show event"}
  - {name: object, type: varchar, format: origin, doc: file or address that the record was first read from}
  - {name: position, type: bigint, unit: B, format: origin, doc: where the record begins in the inflated object}
  - {name: length, type: bigint, unit: B, format: origin, doc: length of the record}
  - {name: object_sha256, type: varchar, format: origin, doc: SHA-256 of the inflated object}
coverage: [cloudtrail, enclave-log]
several_clients: true
*/
SELECT
  substr(md5(finding_kind || '|' || subject), 1, 16) AS finding_id,
  finding_kind AS kind,
  eventtime, operation, key_arn, client, verdict, debug, session_match, session_id, instance_id, caller_instance_id, module_id, pcr0,
  principal, sourceipaddress, errorcode, errormessage, account_id, awsregion, eventid, object, "position", length, object_sha256
FROM finding_calls
WHERE calls = 1
  AND substr(md5(finding_kind || '|' || subject), 1, 16) = :id
  AND (:from IS NULL OR eventtime >= :from)
  AND (:to IS NULL OR eventtime < :to)
ORDER BY eventtime DESC, eventid, object, "position"
LIMIT :limit
