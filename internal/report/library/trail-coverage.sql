/*
title: Trail coverage
question: For which accounts, regions and days are there events, where are gaps, are KMS events there, and which files came late? (A day without events is a gap between two with events; a quiet region looks like one that is missing.)
parameters:
  - {name: account, type: string, doc: only this account}
  - {name: region, type: string, doc: only this region}
columns:
  - {name: account_id, type: varchar, link: "events?account={account_id}", doc: account of the events; empty where no record and no file name tells}
  - {name: awsregion, type: varchar, doc: region of the events}
  - {name: first_event, type: timestamp, doc: oldest event}
  - {name: last_event, type: timestamp, doc: newest event}
  - {name: days_seen, type: bigint, unit: d, doc: days (UTC) with events}
  - {name: days_missing, type: bigint, unit: d, doc: days without events between the first and the last day}
  - {name: gaps, type: array(varchar), doc: those days}
  - {name: events, type: bigint, doc: "events, each once"}
  - {name: kms_events, type: bigint, doc: events of KMS among them}
  - {name: kms, type: varchar, doc: "seen; excluded: none seen, and the newest event selectors of a trail of the account that were set in the period leave KMS out; not seen: a trail without KMS and an account that does not use it look alike"}
  - {name: files, type: bigint, doc: files or objects that the events were first read from}
  - {name: late_files, type: bigint, doc: "files among them that were delivered, by their name, more than an hour after an event in them"}
  - {name: longest_delay, type: bigint, unit: s, format: duration, doc: "longest time from an event to its file's delivery, which names tell to the minute; empty where no name tells"}
coverage: [cloudtrail]
within: [cloudtrail]
*/
WITH events AS (
  SELECT account_id, awsregion, eventtime, eventsource, object
  FROM cloudtrail
  WHERE (:from IS NULL OR eventtime >= :from)
    AND (:to IS NULL OR eventtime < :to)
    AND (:account IS NULL OR account_id = :account)
    AND (:region IS NULL OR awsregion = :region)
), pieces AS (
  -- What one file holds of one day, so that a file's name is looked at once.
  SELECT
    account_id, awsregion, date_trunc('day', eventtime) AS event_day, object,
    count(*) AS events,
    sum(CASE WHEN eventsource = 'kms.amazonaws.com' THEN 1 ELSE 0 END) AS kms_events,
    min(eventtime) AS first_event,
    max(eventtime) AS last_event,
    regexp_extract(object, '_([0-9]{8}T[0-9]{4})Z_[A-Za-z0-9]{16}[.]json', 1) AS delivery
  FROM events
  GROUP BY account_id, awsregion, date_trunc('day', eventtime), object
), dated AS (
  SELECT
    *,
    date_diff('second', first_event, TRY_CAST(
      substr(delivery, 1, 4) || '-' || substr(delivery, 5, 2) || '-' || substr(delivery, 7, 2) || ' '
      || substr(delivery, 10, 2) || ':' || substr(delivery, 12, 2) || ':00' AS timestamp
    )) AS delay
  FROM pieces
), places AS (
  SELECT
    account_id, awsregion,
    min(first_event) AS first_event,
    max(last_event) AS last_event,
    sum(events) AS events,
    sum(kms_events) AS kms_events,
    count(DISTINCT object) AS files,
    count(DISTINCT CASE WHEN delay > 3600 THEN object END) AS late_files,
    max(delay) AS longest_delay
  FROM dated
  GROUP BY account_id, awsregion
), days AS (
  SELECT
    account_id, awsregion, event_day,
    lag(event_day) OVER (PARTITION BY account_id, awsregion ORDER BY event_day) AS day_before
  FROM (SELECT DISTINCT account_id, awsregion, event_day FROM pieces) AS seen
), jumps AS (
  SELECT
    account_id, awsregion, event_day,
    coalesce(date_diff('day', day_before, event_day) - 1, 0) AS missing,
    CAST(CAST(date_add('day', 1, day_before) AS date) AS varchar) AS gap_from,
    CAST(CAST(date_add('day', -1, event_day) AS date) AS varchar) AS gap_to
  FROM days
), calendar AS (
  SELECT
    account_id, awsregion,
    count(*) AS days_seen,
    sum(missing) AS days_missing,
    array_agg(CASE WHEN missing = 1 THEN gap_from ELSE gap_from || ' to ' || gap_to END ORDER BY event_day)
      FILTER (WHERE missing > 0) AS gaps
  FROM jumps
  GROUP BY account_id, awsregion
), selectors AS (
  -- The few events of this name are the only ones whose payload is read.
  SELECT
    account_id,
    coalesce(element_at(requestparameters, 'eventSelectors'), '') AS basic,
    coalesce(element_at(requestparameters, 'advancedEventSelectors'), '') AS advanced,
    row_number() OVER (
      PARTITION BY account_id, element_at(requestparameters, 'trailName')
      ORDER BY eventtime DESC, eventid, object, "position"
    ) AS newest
  FROM cloudtrail
  WHERE eventname = 'PutEventSelectors'
    AND eventsource = 'cloudtrail.amazonaws.com'
    AND errorcode IS NULL
    AND (:from IS NULL OR eventtime >= :from)
    AND (:to IS NULL OR eventtime < :to)
), without_kms AS (
  SELECT DISTINCT account_id
  FROM selectors
  WHERE newest = 1
    AND (
      basic LIKE '%"excludeManagementEventSources":[%"kms.amazonaws.com"%'
      OR advanced LIKE '%"notEquals":[%"kms.amazonaws.com"%'
    )
)
SELECT
  places.account_id, places.awsregion, first_event, last_event, days_seen, days_missing, gaps, events, kms_events,
  CASE WHEN kms_events > 0 THEN 'seen' WHEN without_kms.account_id IS NOT NULL THEN 'excluded' ELSE 'not seen' END AS kms,
  files, late_files, longest_delay
FROM places
JOIN calendar ON calendar.account_id IS NOT DISTINCT FROM places.account_id AND calendar.awsregion IS NOT DISTINCT FROM places.awsregion
LEFT JOIN without_kms ON without_kms.account_id = places.account_id
ORDER BY places.account_id NULLS LAST, places.awsregion NULLS LAST
