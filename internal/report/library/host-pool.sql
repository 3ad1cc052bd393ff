/*
title: Host pool
question: How much of the CPUs and memory that each host keeps for enclaves was used, and how much lay idle?
parameters:
  - name: instance
    type: string
    doc: only this host
columns:
  - {name: instance_id, type: varchar, format: id, link: "enclave-usage?instance={instance_id}", doc: host}
  - {name: account_id, type: varchar, doc: account of the host; empty while unknown}
  - {name: instance_type, type: varchar, doc: EC2 instance type of the host; empty while unknown}
  - {name: pool_vcpus, type: bigint, unit: vCPU, doc: "vCPUs of the last pool in the period; this and all pool columns are empty where no journal of nitro-enclaves-allocator tells the pool: missing is not zero"}
  - {name: pool_memory_mib, type: bigint, unit: MiB, doc: memory of the last pool in the period}
  - {name: pool_hours, type: "decimal(18,6)", unit: h, doc: "time in the period for which a pool is known: from a successful run of the allocator to its next start, or to the end of the host's evidence; a host that was switched off counts until it booted again"}
  - {name: reserved_vcpu_hours, type: "decimal(18,6)", unit: vCPU-h, doc: "pool's vCPU-hours = used + unbilled + idle, to the last digit"}
  - {name: used_vcpu_hours, type: "decimal(18,6)", unit: vCPU-h, doc: "billed usage of enclaves while the pool is known, presumed usage too"}
  - {name: unbilled_vcpu_hours, type: "decimal(18,6)", unit: vCPU-h, doc: "held but not billed while the pool is known: boot from memory reserved to ready, starts that gave no enclave, uncertain ends of lost enclaves"}
  - {name: idle_vcpu_hours, type: "decimal(18,6)", unit: vCPU-h, doc: "reserved and held by no enclave; negative only where logs contradict each other"}
  - {name: unpooled_vcpu_hours, type: "decimal(18,6)", unit: vCPU-h, doc: used and unbilled vCPU-hours at times for which no pool is known}
  - {name: reserved_gib_hours, type: "decimal(18,6)", unit: GiB-h, doc: "pool's GiB-hours = used + unbilled + idle, to the last digit"}
  - {name: used_gib_hours, type: "decimal(18,6)", unit: GiB-h, doc: as used_vcpu_hours}
  - {name: unbilled_gib_hours, type: "decimal(18,6)", unit: GiB-h, doc: as unbilled_vcpu_hours}
  - {name: idle_gib_hours, type: "decimal(18,6)", unit: GiB-h, doc: as idle_vcpu_hours}
  - {name: unpooled_gib_hours, type: "decimal(18,6)", unit: GiB-h, doc: as unpooled_vcpu_hours}
  - {name: sessions, type: bigint, doc: lives of enclaves that ran in the period}
  - {name: spans_unsized, type: bigint, doc: "boots, lives, uncertain ends and failed starts of which vCPUs or memory are unknown: they hold part of what shows as idle"}
coverage: [enclave-log, enclave-allocator-journal]
*/
WITH evidence AS (
  SELECT scope AS instance_id, max(covered_through) AS covered_through
  FROM coverage
  WHERE result = 'read'
  GROUP BY scope
), marks AS (
  SELECT
    instance_id, time, kind, vcpus, memory_mib,
    CASE kind WHEN 'allocator_start' THEN 1 WHEN 'allocator_failed' THEN 2 ELSE 3 END AS step,
    CASE WHEN kind = 'allocator_failed' AND detail LIKE '%re-online CPUs%' THEN 1 ELSE 0 END AS busy
  FROM enclave_marks
  WHERE kind IN ('allocator_start', 'allocator_failed', 'pool')
    AND (:instance IS NULL OR instance_id = :instance)
), numbered AS (
  SELECT *, sum(CASE WHEN step = 1 THEN 1 ELSE 0 END) OVER (PARTITION BY instance_id ORDER BY time, step) AS run
  FROM marks
), runs AS (
  SELECT
    *,
    max(busy) OVER (PARTITION BY instance_id, run) AS run_busy,
    max(step) OVER (PARTITION BY instance_id, run) AS run_step
  FROM numbered
), bounds AS (
  -- A run that fails because enclaves are running leaves the pool as it was
  -- (facts/nitro.md 2.8). After any other failure no pool is known.
  SELECT
    instance_id, time, kind, vcpus, memory_mib,
    lead(time) OVER (PARTITION BY instance_id ORDER BY time, step) AS next_time
  FROM runs
  WHERE kind = 'pool'
    OR (kind = 'allocator_failed' AND run_busy = 0)
    OR (kind = 'allocator_start' AND (run_busy = 0 OR run_step = 3))
), pools AS (
  SELECT
    b.instance_id, b.time, b.vcpus AS pool_vcpus, b.memory_mib AS pool_memory_mib,
    date_trunc('millisecond', greatest(b.time, coalesce(:from, b.time))) AS from_ms,
    date_trunc('millisecond', least(
      coalesce(b.next_time, e.covered_through, b.time),
      coalesce(:to, b.next_time, e.covered_through, b.time)
    )) AS to_ms
  FROM bounds AS b
  LEFT JOIN evidence AS e ON e.instance_id = b.instance_id
  WHERE b.kind = 'pool'
), segments AS (
  SELECT
    *,
    date_diff('millisecond', from_ms, to_ms) AS ms,
    row_number() OVER (PARTITION BY instance_id ORDER BY from_ms DESC, time DESC) AS newest
  FROM pools
  WHERE from_ms < to_ms
), pooled AS (
  SELECT
    instance_id,
    max(CASE WHEN newest = 1 THEN pool_vcpus END) AS pool_vcpus,
    max(CASE WHEN newest = 1 THEN pool_memory_mib END) AS pool_memory_mib,
    sum(ms) AS ms,
    sum(pool_vcpus * ms) AS vcpu,
    sum(pool_memory_mib * ms) AS mib
  FROM segments
  GROUP BY instance_id
), lives AS (
  SELECT
    instance_id, session_id, vcpus, memory_mib, reserved, stop_not_before,
    coalesce(ready, started) AS billed_from,
    CASE
      WHEN stop IS NOT NULL THEN stop
      WHEN reason = 'running' THEN greatest(stop_not_before, coalesce(presumed_until, stop_not_before))
      ELSE stop_not_before
    END AS billed_to,
    CASE WHEN stop IS NULL AND reason <> 'running' THEN stop_not_after END AS uncertain_to
  FROM enclave_sessions
), spans AS (
  SELECT instance_id, session_id, 1 AS billed, vcpus, memory_mib, billed_from AS from_time, billed_to AS to_time FROM lives
  UNION ALL
  SELECT instance_id, NULL AS session_id, 0 AS billed, vcpus, memory_mib, reserved, billed_from FROM lives
  UNION ALL
  SELECT instance_id, NULL AS session_id, 0 AS billed, vcpus, memory_mib, greatest(billed_from, stop_not_before), uncertain_to FROM lives
  UNION ALL
  SELECT instance_id, NULL AS session_id, 0 AS billed, vcpus, memory_mib, reserved, time FROM enclave_attempts
), clipped AS (
  SELECT
    instance_id, session_id, billed, vcpus, memory_mib,
    date_trunc('millisecond', greatest(from_time, coalesce(:from, from_time))) AS from_ms,
    date_trunc('millisecond', least(to_time, coalesce(:to, to_time))) AS to_ms
  FROM spans
  WHERE from_time < to_time
    AND (:to IS NULL OR from_time < :to)
    AND (:from IS NULL OR to_time > :from)
    AND (:instance IS NULL OR instance_id = :instance)
), total AS (
  SELECT
    instance_id,
    count(DISTINCT session_id) AS sessions,
    sum(CASE WHEN vcpus IS NULL OR memory_mib IS NULL THEN 1 ELSE 0 END) AS spans_unsized,
    coalesce(sum(vcpus * date_diff('millisecond', from_ms, to_ms)), 0) AS vcpu,
    coalesce(sum(memory_mib * date_diff('millisecond', from_ms, to_ms)), 0) AS mib
  FROM clipped
  GROUP BY instance_id
), shared AS (
  SELECT
    c.instance_id, c.billed, c.vcpus, c.memory_mib,
    date_diff('millisecond', greatest(c.from_ms, s.from_ms), least(c.to_ms, s.to_ms)) AS ms
  FROM clipped AS c
  JOIN segments AS s ON s.instance_id = c.instance_id AND s.from_ms < c.to_ms AND s.to_ms > c.from_ms
), inside AS (
  SELECT
    instance_id,
    coalesce(sum(CASE WHEN billed = 1 THEN vcpus * ms END), 0) AS used_vcpu,
    coalesce(sum(CASE WHEN billed = 0 THEN vcpus * ms END), 0) AS unbilled_vcpu,
    coalesce(sum(CASE WHEN billed = 1 THEN memory_mib * ms END), 0) AS used_mib,
    coalesce(sum(CASE WHEN billed = 0 THEN memory_mib * ms END), 0) AS unbilled_mib
  FROM shared
  GROUP BY instance_id
), used AS (
  SELECT
    t.instance_id, t.sessions, t.spans_unsized,
    coalesce(i.used_vcpu, 0) AS used_vcpu,
    coalesce(i.unbilled_vcpu, 0) AS unbilled_vcpu,
    t.vcpu - coalesce(i.used_vcpu, 0) - coalesce(i.unbilled_vcpu, 0) AS unpooled_vcpu,
    coalesce(i.used_mib, 0) AS used_mib,
    coalesce(i.unbilled_mib, 0) AS unbilled_mib,
    t.mib - coalesce(i.used_mib, 0) - coalesce(i.unbilled_mib, 0) AS unpooled_mib
  FROM total AS t
  LEFT JOIN inside AS i ON i.instance_id = t.instance_id
), millionths AS (
  -- Integers are summed first and divided once, to millionths of an hour, halves
  -- rounded up: 5/18 of a vCPU-millisecond and 5/18432 of a MiB-millisecond.
  SELECT
    coalesce(p.instance_id, u.instance_id) AS instance_id,
    p.pool_vcpus,
    p.pool_memory_mib,
    p.ms / 18 * 5 + (p.ms % 18 * 5 + 9) / 18 AS pool,
    p.vcpu / 18 * 5 + (p.vcpu % 18 * 5 + 9) / 18 AS reserved_vcpu,
    coalesce(u.used_vcpu / 18 * 5 + (u.used_vcpu % 18 * 5 + 9) / 18, 0) AS used_vcpu,
    coalesce(u.unbilled_vcpu / 18 * 5 + (u.unbilled_vcpu % 18 * 5 + 9) / 18, 0) AS unbilled_vcpu,
    coalesce(u.unpooled_vcpu / 18 * 5 + (u.unpooled_vcpu % 18 * 5 + 9) / 18, 0) AS unpooled_vcpu,
    p.mib / 18432 * 5 + (p.mib % 18432 * 5 + 9216) / 18432 AS reserved_mib,
    coalesce(u.used_mib / 18432 * 5 + (u.used_mib % 18432 * 5 + 9216) / 18432, 0) AS used_mib,
    coalesce(u.unbilled_mib / 18432 * 5 + (u.unbilled_mib % 18432 * 5 + 9216) / 18432, 0) AS unbilled_mib,
    coalesce(u.unpooled_mib / 18432 * 5 + (u.unpooled_mib % 18432 * 5 + 9216) / 18432, 0) AS unpooled_mib,
    coalesce(u.sessions, 0) AS sessions,
    coalesce(u.spans_unsized, 0) AS spans_unsized
  FROM pooled AS p
  FULL JOIN used AS u ON u.instance_id = p.instance_id
)
SELECT
  m.instance_id,
  h.account_id,
  h.instance_type,
  m.pool_vcpus,
  m.pool_memory_mib,
  CAST(CAST(m.pool AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS pool_hours,
  CAST(CAST(m.reserved_vcpu AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS reserved_vcpu_hours,
  CASE WHEN m.pool IS NOT NULL THEN CAST(CAST(m.used_vcpu AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) END AS used_vcpu_hours,
  CASE WHEN m.pool IS NOT NULL THEN CAST(CAST(m.unbilled_vcpu AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) END AS unbilled_vcpu_hours,
  CAST(CAST(m.reserved_vcpu - m.used_vcpu - m.unbilled_vcpu AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS idle_vcpu_hours,
  CAST(CAST(m.unpooled_vcpu AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS unpooled_vcpu_hours,
  CAST(CAST(m.reserved_mib AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS reserved_gib_hours,
  CASE WHEN m.pool IS NOT NULL THEN CAST(CAST(m.used_mib AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) END AS used_gib_hours,
  CASE WHEN m.pool IS NOT NULL THEN CAST(CAST(m.unbilled_mib AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) END AS unbilled_gib_hours,
  CAST(CAST(m.reserved_mib - m.used_mib - m.unbilled_mib AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS idle_gib_hours,
  CAST(CAST(m.unpooled_mib AS decimal(20, 0)) * 0.000001 AS decimal(18, 6)) AS unpooled_gib_hours,
  m.sessions,
  m.spans_unsized
FROM millionths AS m
LEFT JOIN hosts AS h ON h.instance_id = m.instance_id
ORDER BY m.instance_id
