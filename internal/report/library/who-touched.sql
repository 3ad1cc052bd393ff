/*
title: Who touched
question: Who did what, and when, with a resource? (Its ARN, id or name as a record spells it, and nothing longer or shorter; a user, a role, a principal id or an access key too, with all that they did.)
argument: resource
parameters:
  - {name: resource, type: string, doc: "an ARN, an id or a name, as the records spell it"}
  - {name: principal, type: string, doc: "only this caller: an ARN, or its end from behind a / or :"}
  - {name: readonly, type: boolean, doc: "true: only operations that read; false: only those that do not"}
  - {name: limit, type: integer, default: 1000, doc: most rows}
columns:
  - {name: eventtime, type: timestamp, doc: when the call was made}
  - {name: principal, type: varchar, link: "events?principal={principal}", doc: "caller: an ARN, or the best name that the record gives"}
  - {name: eventname, type: varchar, doc: operation}
  - {name: eventsource, type: varchar, doc: service}
  - {name: errorcode, type: varchar, doc: "error code; empty where there is none"}
  - {name: errormessage, type: varchar, doc: error text; either may be alone}
  - {name: sourceipaddress, type: varchar, doc: address or service that the call came from}
  - {name: account_id, type: varchar, doc: account whose event it is}
  - {name: awsregion, type: varchar, doc: region}
  - {name: readonly, type: boolean, doc: the operation only reads}
  - {name: network_activity, type: boolean, doc: "the event is a call through a VPC endpoint, of the table cloudtrail_network_activity"}
  - {name: eventid, type: varchar, format: id, doc: "id of the event, for trailhouse show event; empty in records of version 1.0"}
  - {name: object, type: varchar, format: origin, doc: file or address that the record was first read from}
  - {name: position, type: bigint, unit: B, format: origin, doc: where the record begins in the inflated object}
  - {name: length, type: bigint, unit: B, format: origin, doc: length of the record}
  - {name: object_sha256, type: varchar, format: origin, doc: SHA-256 of the inflated object}
coverage: [cloudtrail]
within: [cloudtrail, cloudtrail_network_activity]
*/
SELECT
  eventtime, principal, eventname, eventsource, errorcode, errormessage, sourceipaddress, account_id, awsregion,
  readonly, network_activity, eventid, object, "position", length, object_sha256
FROM (
  SELECT
    eventtime, principal, eventname, eventsource, errorcode, errormessage, sourceipaddress, account_id, awsregion,
    readonly, false AS network_activity, eventid, object, "position", length, object_sha256, entities, useridentity
  FROM cloudtrail
  UNION ALL
  SELECT
    eventtime, principal, eventname, eventsource, errorcode, errormessage, sourceipaddress, account_id, awsregion,
    readonly, true AS network_activity, eventid, object, "position", length, object_sha256, entities, useridentity
  FROM cloudtrail_network_activity
) AS events
WHERE (:from IS NULL OR eventtime >= :from)
  AND (:to IS NULL OR eventtime < :to)
  AND (
    contains(entities, :resource) OR useridentity.accesskeyid = :resource OR useridentity.principalid = :resource
    OR useridentity.username = :resource OR useridentity.sessioncontext.sessionissuer.principalid = :resource
    OR useridentity.sessioncontext.sessionissuer.username = :resource
  )
  AND (:readonly IS NULL OR readonly = :readonly)
  AND (
    :principal IS NULL OR principal = :principal
    OR (
      length(principal) > length(:principal) AND substr(principal, -length(:principal)) = :principal
      AND substr(principal, -length(:principal) - 1, 1) IN ('/', ':')
    )
  )
ORDER BY eventtime DESC, eventid, object, "position"
LIMIT :limit
