/*
title: Enclave launches
question: Which instances were launched with enclaves enabled, by whom and how? (Launches that failed started nothing and are not in it.)
parameters:
  - {name: account, type: string, doc: only this account}
  - {name: region, type: string, doc: only this region}
  - {name: instance, type: string, doc: only this instance}
columns:
  - {name: instance_id, type: varchar, format: id, link: "enclave-usage?instance={instance_id}", doc: instance that was launched}
  - {name: launched, type: timestamp, doc: when the call was made}
  - {name: account_id, type: varchar, doc: account of the instance}
  - {name: awsregion, type: varchar, doc: region of the instance}
  - {name: instance_type, type: varchar, doc: instance type}
  - {name: principal, type: varchar, link: "events?principal={principal}", doc: "who launched it: an ARN, or the best name that the record gives"}
  - {name: launch_origin, type: varchar, doc: "user, autoscaling, fleet or service"}
  - {name: launch_template_id, type: varchar, format: id, doc: "launch template; empty where none was used, or where the record gives only its name"}
  - {name: launch_template_name, type: varchar, doc: name of the launch template where the request gives one}
  - {name: launch_template_version, type: varchar, doc: "version of the launch template: the resolved one where the record tells, else as asked for"}
  - {name: sourceipaddress, type: varchar, doc: address or service that the call came from}
  - {name: eventid, type: varchar, format: id, doc: id of the event}
  - {name: object, type: varchar, format: origin, doc: file or address that the record was first read from}
  - {name: position, type: bigint, unit: B, format: origin, doc: where the record begins in the inflated object}
  - {name: length, type: bigint, unit: B, format: origin, doc: length of the record}
  - {name: object_sha256, type: varchar, format: origin, doc: SHA-256 of the inflated object}
coverage: [cloudtrail]
within: [cloudtrail]
*/
WITH launches AS (
  -- One call launches any number of instances, and a fleet's call may be told of
  -- beside those that EC2 made for it (facts/cloudtrail.md 2.4): RunInstances first.
  SELECT
    launched.instance_id, eventtime, eventname, account_id, awsregion, instance_type, principal, launch_origin,
    launch_template_id, launch_template_name, launch_template_version, sourceipaddress, eventid,
    object, "position", length, object_sha256,
    row_number() OVER (
      PARTITION BY launched.instance_id
      ORDER BY CASE WHEN eventname = 'RunInstances' THEN 0 ELSE 1 END, eventtime, eventid, object, "position"
    ) AS telling
  FROM cloudtrail
  CROSS JOIN UNNEST(instance_ids) AS launched(instance_id)
  WHERE enclave_enabled
    AND errorcode IS NULL
    AND errormessage IS NULL
    AND (:from IS NULL OR eventtime >= :from)
    AND (:to IS NULL OR eventtime < :to)
    AND (:account IS NULL OR account_id = :account)
    AND (:region IS NULL OR awsregion = :region)
)
SELECT
  instance_id, eventtime AS launched, account_id, awsregion, instance_type, principal, launch_origin,
  launch_template_id, launch_template_name, launch_template_version, sourceipaddress, eventid,
  object, "position", length, object_sha256
FROM launches
WHERE telling = 1
  AND (:instance IS NULL OR instance_id = :instance)
ORDER BY launched, instance_id
