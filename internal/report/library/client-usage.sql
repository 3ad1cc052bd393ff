/*
title: Client usage
question: How much did each client's enclaves use in each month?
parameters:
  - name: client
    type: string
    doc: only this client
columns:
  - {name: month, type: varchar, format: month, doc: "calendar month in UTC, such as 2025-11; the first and last are cut to the period"}
  - {name: client, type: varchar, link: "enclave-usage?client={client}", doc: client by the first rule that matches; unattributed where none does}
  - {name: sessions, type: bigint, doc: "lives of enclaves that ran, or may have run, in the month; one that spans months counts in each"}
  - {name: sessions_unsized, type: bigint, doc: "of these, lives of which vCPUs or memory are unknown: they are missing from the hours, not zero"}
  - {name: billed_seconds, type: "decimal(18,3)", unit: s, doc: "from ready to stop; to the last proof of life where the enclave was lost; to presumed_until while it runs"}
  - {name: presumed_seconds, type: "decimal(18,3)", unit: s, doc: "part of billed_seconds behind the last proof of life of running enclaves: presumed, not proven"}
  - {name: uncertain_seconds, type: "decimal(18,3)", unit: s, doc: "between the last proof of life of lost enclaves and the proof that they were gone; never billed"}
  - {name: vcpu_hours, type: "decimal(18,6)", unit: vCPU-h, doc: billed; empty where no session's vCPUs are known}
  - {name: gib_hours, type: "decimal(18,6)", unit: GiB-h, doc: "billed, of the memory that the host gave; empty where no session's memory is known"}
  - {name: uncertain_vcpu_hours, type: "decimal(18,6)", unit: vCPU-h, doc: vCPU-hours of uncertain_seconds; never billed}
  - {name: uncertain_gib_hours, type: "decimal(18,6)", unit: GiB-h, doc: GiB-hours of uncertain_seconds; never billed}
coverage: [enclave-log]
*/
WITH spans AS (
  SELECT
    client, vcpus, memory_mib, stop_not_before, reason,
    coalesce(ready, started) AS billed_from,
    CASE
      WHEN stop IS NOT NULL THEN stop
      WHEN reason = 'running' THEN greatest(stop_not_before, coalesce(presumed_until, stop_not_before))
      ELSE stop_not_before
    END AS billed_to,
    CASE WHEN stop IS NULL AND reason <> 'running' THEN stop_not_after END AS uncertain_to
  FROM enclave_usage
  WHERE (:client IS NULL OR client = :client)
), reaching AS (
  SELECT *, greatest(billed_from, billed_to, coalesce(uncertain_to, billed_to)) AS last_instant
  FROM spans
), monthly AS (
  SELECT
    r.*,
    m.month,
    greatest(m.month, coalesce(:from, m.month)) AS period_from,
    least(m.month + INTERVAL '1' MONTH, coalesce(:to, m.month + INTERVAL '1' MONTH)) AS period_to
  FROM reaching AS r
  CROSS JOIN UNNEST(sequence(date_trunc('month', r.billed_from), date_trunc('month', r.last_instant), INTERVAL '1' MONTH)) AS m (month)
), clipped AS (
  SELECT
    *,
    date_trunc('millisecond', greatest(billed_from, period_from)) AS from_ms,
    date_trunc('millisecond', least(billed_to, period_to)) AS to_ms,
    date_trunc('millisecond', greatest(billed_from, stop_not_before, period_from)) AS proven_ms,
    date_trunc('millisecond', least(uncertain_to, period_to)) AS uncertain_ms
  FROM monthly
  WHERE period_from < period_to
    AND billed_from < period_to
    AND (billed_from >= period_from OR last_instant > period_from)
), measured AS (
  SELECT
    *,
    greatest(0, date_diff('millisecond', from_ms, to_ms)) AS billed,
    CASE WHEN reason = 'running' THEN greatest(0, date_diff('millisecond', proven_ms, to_ms)) ELSE 0 END AS presumed,
    CASE WHEN uncertain_to IS NULL THEN 0 ELSE greatest(0, date_diff('millisecond', proven_ms, uncertain_ms)) END AS uncertain
  FROM clipped
), summed AS (
  SELECT
    month,
    client,
    count(*) AS sessions,
    sum(CASE WHEN vcpus IS NULL OR memory_mib IS NULL THEN 1 ELSE 0 END) AS sessions_unsized,
    sum(billed) AS billed,
    sum(presumed) AS presumed,
    sum(uncertain) AS uncertain,
    sum(vcpus * billed) AS vcpu,
    sum(memory_mib * billed) AS mib,
    sum(vcpus * uncertain) AS uncertain_vcpu,
    sum(memory_mib * uncertain) AS uncertain_mib
  FROM measured
  GROUP BY month, client
)
-- Integers are summed first and divided once, to millionths of an hour, halves
-- rounded up: 5/18 of a vCPU-millisecond and 5/18432 of a MiB-millisecond. The
-- whole part is divided first, so that fleets of years stay in 64 bits.
SELECT
  substr(CAST(CAST(month AS date) AS varchar), 1, 7) AS month,
  client,
  sessions,
  sessions_unsized,
  CAST(CAST(billed AS decimal(20, 0)) * 0.001 AS decimal(18, 3)) AS billed_seconds,
  CAST(CAST(presumed AS decimal(20, 0)) * 0.001 AS decimal(18, 3)) AS presumed_seconds,
  CAST(CAST(uncertain AS decimal(20, 0)) * 0.001 AS decimal(18, 3)) AS uncertain_seconds,
  CAST(CAST(vcpu / 18 * 5 + (vcpu % 18 * 5 + 9) / 18 AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS vcpu_hours,
  CAST(CAST(mib / 18432 * 5 + (mib % 18432 * 5 + 9216) / 18432 AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS gib_hours,
  CAST(CAST(uncertain_vcpu / 18 * 5 + (uncertain_vcpu % 18 * 5 + 9) / 18 AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS uncertain_vcpu_hours,
  CAST(CAST(uncertain_mib / 18432 * 5 + (uncertain_mib % 18432 * 5 + 9216) / 18432 AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS uncertain_gib_hours
FROM summed
ORDER BY month, client
