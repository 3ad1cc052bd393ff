/*
title: Events
question: Which calls and other management and data events are in the trails, newest first?
parameters:
  - {name: account, type: string, doc: only this account}
  - {name: region, type: string, doc: only this region}
  - {name: name, type: string, doc: "only this operation, RunInstances for example"}
  - {name: source, type: string, doc: "only this service, ec2 or ec2.amazonaws.com for example"}
  - {name: principal, type: string, doc: "only this caller: an ARN, or its end from behind a / or :"}
  - {name: ip, type: string, doc: only this address or service that calls came from}
  - {name: error, type: string, doc: "only this error code; any for all events that failed, none for those that did not"}
  - {name: resource, type: string, doc: "only events whose record names exactly this ARN, id or name, of the caller too"}
  - {name: limit, type: integer, default: 1000, doc: most rows}
columns:
  - {name: eventtime, type: timestamp, doc: when the call was made}
  - {name: eventname, type: varchar, doc: operation}
  - {name: eventsource, type: varchar, doc: service}
  - {name: account_id, type: varchar, doc: account whose event it is}
  - {name: awsregion, type: varchar, doc: region}
  - {name: principal, type: varchar, doc: "caller: an ARN, or the best name that the record gives"}
  - {name: sourceipaddress, type: varchar, doc: address or service that the call came from}
  - {name: errorcode, type: varchar, doc: "error code; empty where there is none, which need not mean that the call did not fail: see errormessage"}
  - {name: errormessage, type: varchar, doc: error text; either may be alone}
  - {name: resources, type: varchar, link: "who-touched?resource={resources}", doc: "first resource of the record, else the first instance that it names"}
  - {name: more_resources, type: boolean, doc: there are more of them}
  - {name: readonly, type: boolean, doc: the operation only reads}
  - {name: eventid, type: varchar, format: id, doc: "id of the event, for trailhouse show event; empty in records of version 1.0"}
  - {name: object, type: varchar, format: origin, doc: file or address that the record was first read from}
  - {name: position, type: bigint, unit: B, format: origin, doc: where the record begins in the inflated object}
  - {name: length, type: bigint, unit: B, format: origin, doc: length of the record}
  - {name: object_sha256, type: varchar, format: origin, doc: SHA-256 of the inflated object}
coverage: [cloudtrail]
within: [cloudtrail]
*/
SELECT
  eventtime, eventname, eventsource, account_id, awsregion, principal, sourceipaddress, errorcode, errormessage,
  coalesce(
    element_at(resources, 1).arn, element_at(resources, 1).arnprefix, element_at(instance_ids, 1)
  ) AS resources,
  element_at(resources, 2) IS NOT NULL OR (element_at(resources, 1) IS NULL AND element_at(instance_ids, 2) IS NOT NULL) AS more_resources,
  readonly, eventid, object, "position", length, object_sha256
FROM cloudtrail
WHERE (:from IS NULL OR eventtime >= :from)
  AND (:to IS NULL OR eventtime < :to)
  AND (:account IS NULL OR account_id = :account)
  AND (:region IS NULL OR awsregion = :region)
  AND (:name IS NULL OR eventname = :name)
  AND (:source IS NULL OR eventsource = :source OR eventsource = :source || '.amazonaws.com')
  AND (
    :principal IS NULL OR principal = :principal
    OR (
      length(principal) > length(:principal) AND substr(principal, -length(:principal)) = :principal
      AND substr(principal, -length(:principal) - 1, 1) IN ('/', ':')
    )
  )
  AND (:ip IS NULL OR sourceipaddress = :ip)
  -- Code and text may each be alone, and EC2 puts Client. or Server. before its codes
  -- (facts/cloudtrail.md 2.1).
  AND (
    :error IS NULL
    OR (:error = 'any' AND (errorcode IS NOT NULL OR errormessage IS NOT NULL))
    OR (:error = 'none' AND errorcode IS NULL AND errormessage IS NULL)
    OR errorcode = :error OR errorcode = 'Client.' || :error OR errorcode = 'Server.' || :error
  )
  AND (
    :resource IS NULL OR contains(entities, :resource) OR useridentity.accesskeyid = :resource OR useridentity.principalid = :resource
    OR useridentity.username = :resource OR useridentity.sessioncontext.sessionissuer.principalid = :resource
    OR useridentity.sessioncontext.sessionissuer.username = :resource
  )
ORDER BY eventtime DESC, eventid, object, "position"
LIMIT :limit
