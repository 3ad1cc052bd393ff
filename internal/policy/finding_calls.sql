SELECT
  f.finding_kind, f.subject, f.calls,
  f.eventtime, f.eventid, k.operation, k.key_arn, k.key_id, f.key_name, f.client, f.verdict, f.approved_once, k.debug, f.failed,
  f.session_match, f.session_id, f.enclave_name, f.enclave_id, f.instance_id, f.caller_instance_id, k.module_id, f.pcr0, f.pcr8,
  f.principal, k.sourceipaddress, f.errorcode, f.errormessage, f.account_id, f.awsregion, k.object, k."position", k.length, k.object_sha256,
  f.ended, f.eif_path
FROM finding_evidence AS f
LEFT JOIN kms_calls AS k ON k.event_key = f.event_key
