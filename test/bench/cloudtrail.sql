-- What DuckDB does with the same gz files: the columns of the table cloudtrail
-- (internal/source/cloudtrail/tables.go), as far as SQL can give them, as zstd Parquet.
-- It is the other side of the figure "gz files to queryable rows" of docs/benchmarks.md.
--
-- $IN stands for a glob of files, $OUT for the file to write. The statement is written to
-- be fast: the reader is typed, so that a record is parsed once, the order of rows need
-- not be kept, and what only a few records have stands behind a CASE. Payloads are read
-- as JSON and cast: read as MAP, one record that has a text there ends the statement.
--
-- It does not do: leave out records that were there before, hash files and records, keep
-- unknown fields, remember where the original bytes are, cut files by day, commit.
-- PCRs are base64 in real records and hex in older examples.
CREATE MACRO pcr(text) AS CASE length(text)
  WHEN 64 THEN lower(hex(from_base64(text)))
  WHEN 96 THEN lower(text)
  WHEN 128 THEN lower(text) END;

COPY (
  WITH files AS (
    SELECT filename, Records
    FROM read_json('$IN', format = 'unstructured', filename = true, maximum_object_size = 67108864, columns = {
      Records: 'STRUCT(
        eventVersion VARCHAR,
        userIdentity STRUCT(
          type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR, userName VARCHAR,
          sessionContext STRUCT(
            attributes STRUCT(creationDate TIMESTAMP, mfaAuthenticated VARCHAR),
            sessionIssuer STRUCT(type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, userName VARCHAR),
            webIdFederationData STRUCT(federatedProvider VARCHAR, attributes MAP(VARCHAR, VARCHAR)),
            sourceIdentity VARCHAR, ec2RoleDelivery VARCHAR, ec2IssuedInVpc VARCHAR, assumedRoot VARCHAR),
          onBehalfOf STRUCT(userId VARCHAR, identityStoreArn VARCHAR),
          inScopeOf STRUCT(sourceArn VARCHAR, sourceAccount VARCHAR, issuerType VARCHAR, credentialsIssuedTo VARCHAR),
          invokedBy VARCHAR, identityProvider VARCHAR, credentialId VARCHAR,
          invokedByDelegate STRUCT(accountId VARCHAR)),
        eventTime TIMESTAMP, eventSource VARCHAR, eventName VARCHAR, awsRegion VARCHAR, sourceIPAddress VARCHAR,
        userAgent VARCHAR, errorCode VARCHAR, errorMessage VARCHAR,
        requestParameters JSON, responseElements JSON, additionalEventData JSON,
        requestID VARCHAR, eventID VARCHAR, readOnly BOOLEAN,
        resources STRUCT(accountId VARCHAR, type VARCHAR, ARN VARCHAR, ARNPrefix VARCHAR)[],
        eventType VARCHAR, apiVersion VARCHAR, managementEvent BOOLEAN, recipientAccountId VARCHAR, sharedEventID VARCHAR,
        annotation VARCHAR, vpcEndpointId VARCHAR, vpcEndpointAccountId VARCHAR,
        serviceEventDetails JSON, addendum MAP(VARCHAR, VARCHAR), edgeDeviceDetails MAP(VARCHAR, VARCHAR),
        insightDetails MAP(VARCHAR, VARCHAR), eventCategory VARCHAR,
        tlsDetails STRUCT(tlsVersion VARCHAR, cipherSuite VARCHAR, clientProvidedHostHeader VARCHAR, keyExchange VARCHAR),
        sessionCredentialFromConsole VARCHAR, eventContext MAP(VARCHAR, VARCHAR))[]'})
  ),
  records AS (
    SELECT filename, unnest(Records) AS r, generate_subscripts(Records, 1) - 1 AS record_index FROM files
  ),
  -- A record in columns, and where each launch, attestation and name is looked for.
  events AS (
    SELECT filename, record_index, r.*,
           concat_ws(' ', r.requestParameters, r.responseElements, r.additionalEventData, r.serviceEventDetails) AS bodies,
           r.eventSource = 'ec2.amazonaws.com' AND r.eventName IN ('RunInstances', 'CreateFleet') AS launch,
           CASE WHEN contains(r.additionalEventData, '"attestationDocument') THEN r.additionalEventData -> '$.recipient' END AS recipient
    FROM records
  ),
  named AS (
    SELECT *,
           recipient ->> '$.attestationDocumentModuleId' AS module,
           CASE WHEN launch THEN responseElements -> '$.instancesSet.items[0]' END AS instance,
           CASE WHEN launch THEN coalesce(requestParameters -> '$.launchTemplate',
                requestParameters -> '$.CreateFleetRequest.LaunchTemplateConfigs.LaunchTemplateSpecification') END AS template
    FROM events
  )
  SELECT
    eventVersion AS eventversion, userIdentity AS useridentity, eventTime AS eventtime, eventSource AS eventsource,
    eventName AS eventname, awsRegion AS awsregion, sourceIPAddress AS sourceipaddress, userAgent AS useragent,
    errorCode AS errorcode, errorMessage AS errormessage,
    try_cast(requestParameters AS MAP(VARCHAR, VARCHAR)) AS requestparameters,
    try_cast(responseElements AS MAP(VARCHAR, VARCHAR)) AS responseelements,
    try_cast(additionalEventData AS MAP(VARCHAR, VARCHAR)) AS additionaleventdata,
    requestID AS requestid, eventID AS eventid, readOnly AS readonly, resources, eventType AS eventtype,
    apiVersion AS apiversion, managementEvent AS managementevent, recipientAccountId AS recipientaccountid,
    sharedEventID AS sharedeventid, annotation, vpcEndpointId AS vpcendpointid, vpcEndpointAccountId AS vpcendpointaccountid,
    try_cast(serviceEventDetails AS MAP(VARCHAR, VARCHAR)) AS serviceeventdetails, addendum,
    edgeDeviceDetails AS edgedevicedetails, insightDetails AS insightdetails, eventCategory AS eventcategory,
    tlsDetails AS tlsdetails, sessionCredentialFromConsole AS sessioncredentialfromconsole, eventContext AS eventcontext,
    coalesce(nullif(userIdentity.arn, ''), nullif(userIdentity.invokedBy, ''), nullif(userIdentity.userName, ''),
             nullif(userIdentity.principalId, ''), nullif(userIdentity.accountId, '')) AS principal,
    -- Extracted: begin
    -- Which names and ids to leave out, as the product does, is more than SQL should say.
    nullif(list_sort(list_distinct(list_concat(
      regexp_extract_all(bodies, '"(arn:[^" ]+|[a-z][a-z-]{0,15}-(?:[0-9a-f]{17}|[0-9a-f]{8}))"', 1),
      regexp_extract_all(bodies, '"(?:[A-Za-z]*(?:Name|I[dD]|A[rR][nN])|name|id|arn)":"([^"\\]+)"', 1),
      list_transform(resources, lambda x : coalesce(x.ARN, x.ARNPrefix)),
      [userIdentity.arn, userIdentity.accessKeyId, userIdentity.sessionContext.sessionIssuer.arn, vpcEndpointId]))), []) AS entities,
    nullif(list_distinct(regexp_extract_all(bodies, '["/](i-(?:[0-9a-f]{17}|[0-9a-f]{8}))["-]', 1)), []) AS instance_ids,
    CASE WHEN launch THEN coalesce(instance ->> '$.instanceType', responseElements ->> '$.CreateFleetResponse.fleetInstanceSet.item.instanceType', responseElements ->> '$.CreateFleetResponse.fleetInstanceSet.item[0].instanceType', requestParameters ->> '$.instanceType') END AS instance_type,
    CASE WHEN launch THEN try_cast(coalesce(instance ->> '$.cpuOptions.coreCount', requestParameters ->> '$.cpuOptions.coreCount') AS BIGINT) END AS cpu_core_count,
    CASE WHEN launch THEN try_cast(coalesce(instance ->> '$.cpuOptions.threadsPerCore', requestParameters ->> '$.cpuOptions.threadsPerCore') AS BIGINT) END AS cpu_threads_per_core,
    CASE WHEN launch THEN coalesce(template ->> '$.launchTemplateId', template ->> '$.LaunchTemplateId',
      nullif(regexp_extract(instance, '"key":"aws:ec2launchtemplate:id","value":"([^"]*)"', 1), '')) END AS launch_template_id,
    CASE WHEN launch THEN coalesce(template ->> '$.launchTemplateName', template ->> '$.LaunchTemplateName') END AS launch_template_name,
    CASE WHEN launch THEN coalesce(nullif(regexp_extract(instance, '"key":"aws:ec2launchtemplate:version","value":"([^"]*)"', 1), ''),
      template ->> '$.version', template ->> '$.Version') END AS launch_template_version,
    CASE WHEN NOT launch THEN NULL
         WHEN userIdentity.invokedBy = 'autoscaling.amazonaws.com' OR contains(userIdentity.arn, '/AWSServiceRoleForAutoScaling') THEN 'autoscaling'
         WHEN eventName = 'CreateFleet' OR starts_with(requestParameters ->> '$.clientToken', 'fleet-') THEN 'fleet'
         WHEN ends_with(userIdentity.invokedBy, '.amazonaws.com') THEN 'service'
         ELSE 'user' END AS launch_origin,
    CASE WHEN launch THEN try_cast(coalesce(instance ->> '$.enclaveOptions.enabled', requestParameters ->> '$.enclaveOptions.enabled') AS BOOLEAN) END AS enclave_enabled,
    module AS attestation_module_id,
    nullif(regexp_extract(module, '^(.*)-(?:enc|tpm)', 1), '') AS attestation_instance_id,
    nullif(regexp_extract(module, '-enc(.*)$', 1), '') AS attestation_slot,
    nullif(ltrim(regexp_extract(module, '-enc(.*)$', 1), '0'), '') AS attestation_slot_key,
    CASE WHEN contains(module, '-enc') THEN 'enclave' WHEN contains(module, '-tpm') THEN 'nitrotpm' END AS attestation_kind,
    pcr(recipient ->> '$.attestationDocumentEnclaveImageDigest') AS pcr0,
    pcr(recipient ->> '$.attestationDocumentEnclavePCR1') AS pcr1,
    pcr(recipient ->> '$.attestationDocumentEnclavePCR2') AS pcr2,
    pcr(recipient ->> '$.attestationDocumentEnclavePCR3') AS pcr3,
    pcr(coalesce(recipient ->> '$.attestationDocumentEnclavePCR4', recipient ->> '$.attestationDocumentNitroTPMPCR4')) AS pcr4,
    pcr(coalesce(recipient ->> '$.attestationDocumentEnclavePCR8', recipient ->> '$.attestationDocumentNitroTPMPCR8')) AS pcr8,
    -- Extracted: end
    coalesce(recipientAccountId, userIdentity.accountId) AS account_id,
    try_cast(eventID AS UUID) AS event_key, filename AS object, record_index
  FROM named
) TO '$OUT' (FORMAT parquet, COMPRESSION zstd)
