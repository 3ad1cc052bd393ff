/*
title: Attested KMS calls
question: Which calls with an attestation document were made, by whose enclaves, with which image, and was it approved?
parameters:
  - {name: client, type: string, doc: only this client}
  - {name: key, type: string, doc: "only this key: its ARN, or its id"}
  - {name: account, type: string, doc: only calls that this account's trail has}
  - {name: region, type: string, doc: only this region}
  - {name: instance, type: string, doc: only documents of enclaves on this instance}
  - name: session
    type: string
    doc: only this session of an enclave
    known:
      as: session
      sql: SELECT 1 FROM enclave_sessions WHERE session_id = :session LIMIT 1
      hint: "`trailhouse sql 'SELECT session_id, enclave_id, ready FROM enclave_sessions'` lists the sessions of enclaves"
  - {name: operation, type: string, doc: "only this operation, Decrypt for example"}
  - {name: kind, type: string, choices: [enclave, nitrotpm], doc: only documents of this kind}
  - {name: match, type: string, choices: [within, uncertain, presumed, outside, no-session, no-log], doc: only calls that stand so to the lives of their enclave}
  - {name: image, type: string, doc: "only this image, by PCR0 or by its first digits"}
  - {name: verdict, type: string, choices: [approved, not-approved, no-list], doc: only calls with this verdict}
  - {name: error, type: string, doc: "only this error code; any for all that failed, none for those that did not"}
  - {name: limit, type: integer, default: 1000, doc: most rows}
columns:
  - {name: eventtime, type: timestamp, doc: "when the call was made, in whole seconds"}
  - {name: operation, type: varchar, doc: operation}
  - {name: key_arn, type: varchar, link: "kms-calls?key={key_arn}", doc: "key; empty where none is named, as for GenerateRandom"}
  - {name: client, type: varchar, link: "client-usage?client={client}", doc: "client of the session; without one, by the rules that what the call shows matches; unattributed where none does"}
  - {name: verdict, type: varchar, doc: "approved or not-approved by approved_images; no-list where no entry is for this client and key; empty for a NitroTPM"}
  - {name: debug, type: boolean, doc: "the document is of debug mode, so its image is not proven; empty where that is not known"}
  - {name: session_match, type: varchar, doc: "within the proven life of the enclave, uncertain (it may have ended before), presumed (it runs, as far as is known), outside (its host's log shows it, but not alive then), no-session (its host's log never shows it), no-log (no log of its host); empty for a NitroTPM"}
  - {name: session_id, type: varchar, format: id, doc: life of the enclave that made the call; empty where its slot has none}
  - {name: enclave_name, type: varchar, doc: "name of the enclave, self-declared"}
  - {name: instance_id, type: varchar, format: id, link: "enclave-usage?instance={instance_id}", doc: instance in the document}
  - {name: caller_instance_id, type: varchar, format: id, doc: "instance whose credentials made the call; where it differs the document was relayed; empty where none shows"}
  - {name: kind, type: varchar, doc: "enclave or nitrotpm; empty where the module id has another form"}
  - {name: module_id, type: varchar, format: id, doc: "module id of the document, as printed"}
  - {name: pcr0, type: varchar, format: id, link: "kms-calls?image={pcr0}", doc: "image, lower-case hex"}
  - {name: pcr8, type: varchar, format: id, doc: "certificate that signed the image, lower-case hex; zeros where none did"}
  - {name: principal, type: varchar, doc: "caller: an ARN, or the best name that the record gives"}
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
within: [kms_calls]
*/
SELECT
  eventtime, operation, key_arn, client, verdict, debug, session_match, session_id, enclave_name,
  instance_id, caller_instance_id, kind, module_id, pcr0, pcr8, principal, sourceipaddress, errorcode, errormessage,
  account_id, awsregion, eventid, object, "position", length, object_sha256
FROM kms_verdicts
WHERE (:from IS NULL OR eventtime >= :from)
  AND (:to IS NULL OR eventtime < :to)
  AND (:client IS NULL OR client = :client)
  AND (:key IS NULL OR key_arn = :key OR key_id = :key OR split_part(key_arn, ':key/', 2) = :key)
  AND (:account IS NULL OR account_id = :account)
  AND (:region IS NULL OR awsregion = :region)
  AND (:instance IS NULL OR instance_id = :instance)
  AND (:session IS NULL OR session_id = :session)
  AND (:operation IS NULL OR operation = :operation)
  AND (:kind IS NULL OR kind = :kind)
  AND (:match IS NULL OR session_match = :match)
  AND (:image IS NULL OR substr(pcr0, 1, length(:image)) = lower(:image))
  AND (:verdict IS NULL OR verdict = :verdict)
  AND (
    :error IS NULL OR errorcode = :error
    OR (:error = 'any' AND failed)
    OR (:error = 'none' AND NOT failed)
  )
ORDER BY eventtime DESC, eventid, object, "position"
LIMIT :limit
