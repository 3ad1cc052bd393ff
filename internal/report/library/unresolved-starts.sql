/*
title: Unresolved starts
question: Of which starts does the log not show how they ended, because a reboot, a rotation or the end of the log cut them off?
parameters:
  - name: client
    type: string
    doc: only this client
columns:
  - {name: client, type: varchar, link: "client-usage?client={client}", doc: client by the first rule that matches; unattributed where none does}
  - {name: name, type: varchar, doc: "enclave name, self-declared; empty where the log does not show it"}
  - {name: eif_path, type: varchar, doc: path of the enclave image file}
  - {name: vcpus, type: bigint, unit: vCPU, doc: vCPUs asked for}
  - {name: memory_requested_mib, type: bigint, unit: MiB, doc: memory asked for}
  - {name: instance_id, type: varchar, format: id, link: "host-pool?instance={instance_id}", doc: host}
  - {name: pid, type: bigint, doc: process id of the daemon}
  - {name: attempt, type: timestamp, doc: daemon started; empty where the log's head is lost}
  - {name: time, type: timestamp, doc: last line of the attempt}
  - {name: evidence, type: varchar, doc: "the record that was last, in words"}
coverage: [enclave-log]
*/
SELECT client, name, eif_path, vcpus, memory_requested_mib, instance_id, pid, attempt, time, evidence
FROM enclave_attempts_usage
WHERE outcome = 'unresolved'
  AND (:from IS NULL OR time >= :from)
  AND (:to IS NULL OR time < :to)
  AND (:client IS NULL OR client = :client)
ORDER BY time, instance_id, attempt, pid, evidence
