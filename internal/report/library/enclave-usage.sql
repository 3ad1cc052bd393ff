/*
title: Enclave usage
question: Which enclaves ran, for whom, from when to when, and how much did each use?
parameters:
  - name: client
    type: string
    doc: only this client
  - name: instance
    type: string
    doc: only this host
columns:
  - {name: enclave_id, type: varchar, format: id, doc: enclave id as the log spells it}
  - {name: name, type: varchar, doc: "enclave name, self-declared; empty before nitro-cli 1.1.0"}
  - {name: eif_path, type: varchar, doc: path of the enclave image file}
  - {name: pid, type: bigint, doc: process id of the enclave's daemon}
  - {name: vcpus, type: bigint, unit: vCPU, doc: vCPUs; empty where the log does not show them}
  - {name: cpu_ids, type: array(bigint), doc: "CPU ids as asked for, empty where a count was asked for"}
  - {name: memory_requested_mib, type: bigint, unit: MiB, doc: memory asked for}
  - {name: memory_mib, type: bigint, unit: MiB, doc: "memory that the host gave, which is what is billed: whole pages, so it may exceed what was asked for"}
  - {name: debug, type: boolean, doc: debug mode was asked for}
  - {name: cid_requested, type: bigint, doc: "enclave CID asked for, empty where none was"}
  - {name: ready, type: timestamp, doc: "enclave booted; usage begins here, or where this is empty at the first line that proves it alive"}
  - {name: stop, type: timestamp, doc: "end as the log prints it, or as the host agent saw it; empty where neither did"}
  - {name: stop_not_before, type: timestamp, doc: last proof of life; a lost enclave is billed to here}
  - {name: stop_not_after, type: timestamp, doc: earliest proof that it was gone; empty while running}
  - {name: reason, type: varchar, doc: "terminated, crashed, signal, socket-deleted, ended, lost or running"}
  - {name: instance_id, type: varchar, format: id, link: "host-pool?instance={instance_id}", doc: host that ran the enclave}
  - {name: instance_type, type: varchar, doc: EC2 instance type of the host; empty while unknown}
  - {name: client, type: varchar, link: "client-usage?client={client}", doc: client by the first rule that matches; unattributed where none does}
  - {name: client_rule, type: bigint, doc: "number of that rule in trailhouse.yaml, from 1; empty where none matches"}
  - {name: attempt, type: timestamp, doc: daemon started}
  - {name: reserved, type: timestamp, doc: memory donated; the boot from here to ready is not billed}
  - {name: presumed_until, type: timestamp, doc: "only while running: the host's log is known to be complete up to here and shows no end"}
  - {name: billed_seconds, type: "decimal(15,3)", unit: s, doc: "usage in the period: from ready to stop; to stop_not_before where the enclave was lost; to presumed_until while it runs"}
  - {name: presumed_seconds, type: "decimal(15,3)", unit: s, doc: "part of billed_seconds behind the last proof of life of a running enclave: presumed, not proven"}
  - {name: uncertain_seconds, type: "decimal(15,3)", unit: s, doc: "from stop_not_before to stop_not_after: it may have run or not; never billed"}
  - {name: vcpu_hours, type: "decimal(15,6)", unit: vCPU-h, doc: "billed_seconds times vcpus; empty where vcpus is unknown: missing is not zero"}
  - {name: gib_hours, type: "decimal(15,6)", unit: GiB-h, doc: billed_seconds times memory_mib; empty where that is unknown}
  - {name: evidence, type: varchar, doc: "the record that decided the end, in words"}
  - {name: partial, type: boolean, doc: lines of the start are missing from the log}
  - {name: attach_console, type: boolean, doc: console was asked for; empty before nitro-cli 1.2.0}
  - {name: session_id, type: varchar, format: id, doc: "one life of an enclave: instance-encSLOT, #2, #3 … behind it where a host used a slot again"}
coverage: [enclave-log]
seed: true
*/
WITH spans AS (
  SELECT
    *,
    coalesce(ready, started) AS billed_from,
    CASE
      WHEN stop IS NOT NULL THEN stop
      WHEN reason = 'running' THEN greatest(stop_not_before, coalesce(presumed_until, stop_not_before))
      ELSE stop_not_before
    END AS billed_to,
    CASE WHEN stop IS NULL AND reason <> 'running' THEN stop_not_after END AS uncertain_to
  FROM enclave_usage
  WHERE (:client IS NULL OR client = :client)
    AND (:instance IS NULL OR instance_id = :instance)
), clipped AS (
  -- All bounds are cut to the period and to whole milliseconds, which the log has.
  SELECT
    *,
    date_trunc('millisecond', greatest(billed_from, coalesce(:from, billed_from))) AS from_ms,
    date_trunc('millisecond', least(billed_to, coalesce(:to, billed_to))) AS to_ms,
    date_trunc('millisecond', greatest(billed_from, stop_not_before, coalesce(:from, billed_from))) AS proven_ms,
    date_trunc('millisecond', least(uncertain_to, coalesce(:to, uncertain_to))) AS uncertain_ms
  FROM spans
  WHERE (:to IS NULL OR billed_from < :to)
    AND (:from IS NULL OR billed_from >= :from OR greatest(billed_to, coalesce(uncertain_to, billed_to)) > :from)
), measured AS (
  SELECT
    *,
    greatest(0, date_diff('millisecond', from_ms, to_ms)) AS billed,
    CASE WHEN reason = 'running' THEN greatest(0, date_diff('millisecond', proven_ms, to_ms)) ELSE 0 END AS presumed,
    CASE WHEN uncertain_to IS NULL THEN 0 ELSE greatest(0, date_diff('millisecond', proven_ms, uncertain_ms)) END AS uncertain
  FROM clipped
)
SELECT
  enclave_id, name, eif_path, pid, vcpus, cpu_ids, memory_requested_mib, memory_mib, debug, cid_requested,
  ready, stop, stop_not_before, stop_not_after, reason,
  instance_id, instance_type, client, client_rule, attempt, reserved, presumed_until,
  CAST(CAST(billed AS decimal(18, 0)) * 0.001 AS decimal(15, 3)) AS billed_seconds,
  CAST(CAST(presumed AS decimal(18, 0)) * 0.001 AS decimal(15, 3)) AS presumed_seconds,
  CAST(CAST(uncertain AS decimal(18, 0)) * 0.001 AS decimal(15, 3)) AS uncertain_seconds,
  -- Millionths of an hour in integers, halves rounded up: 5/18 of a vCPU-millisecond
  -- and 5/18432 of a MiB-millisecond.
  CAST(CAST((vcpus * billed * 5 + 9) / 18 AS decimal(18, 0)) * 0.000001 AS decimal(15, 6)) AS vcpu_hours,
  CAST(CAST((memory_mib * billed * 5 + 9216) / 18432 AS decimal(18, 0)) * 0.000001 AS decimal(15, 6)) AS gib_hours,
  evidence, partial, attach_console, session_id
FROM measured
ORDER BY ready NULLS LAST, billed_from, session_id
