/*
title: Failed starts
question: Which starts of enclaves failed, whose were they and why? (Starts whose outcome the log does not show are in unresolved-starts.)
parameters:
  - name: client
    type: string
    doc: only this client
columns:
  - {name: client, type: varchar, link: "client-usage?client={client}", doc: client by the first rule that matches; unattributed where none does}
  - {name: error_code, type: varchar, doc: nitro-cli error code such as E27}
  - {name: error, type: varchar, doc: first line of the error}
  - {name: name, type: varchar, doc: "enclave name, self-declared; empty where the log does not show it"}
  - {name: eif_path, type: varchar, doc: path of the enclave image file}
  - {name: vcpus, type: bigint, unit: vCPU, doc: vCPUs asked for}
  - {name: memory_requested_mib, type: bigint, unit: MiB, doc: memory asked for}
  - {name: instance_id, type: varchar, format: id, link: "host-pool?instance={instance_id}", doc: host}
  - {name: attempt, type: timestamp, doc: daemon started; empty where the log's head is lost}
  - {name: time, type: timestamp, doc: the start failed}
  - {name: reserved_seconds, type: "decimal(15,3)", unit: s, doc: "memory was held from its donation to the failure; empty where none was donated. Not billed, and not clipped to the period"}
coverage: [enclave-log]
*/
SELECT
  client, error_code, error, name, eif_path, vcpus, memory_requested_mib, instance_id, attempt, time,
  CASE
    WHEN reserved IS NOT NULL THEN CAST(CAST(greatest(0, date_diff('millisecond', reserved, time)) AS decimal(18, 0)) * 0.001 AS decimal(15, 3))
  END AS reserved_seconds
FROM enclave_attempts_usage
WHERE outcome = 'failed'
  AND (:from IS NULL OR time >= :from)
  AND (:to IS NULL OR time < :to)
  AND (:client IS NULL OR client = :client)
ORDER BY time, instance_id, attempt, pid, error_code, error
