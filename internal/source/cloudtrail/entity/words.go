package entity

import "bytes"

// IsARN reports whether a text is an ARN as a whole, as far as its form tells.
func IsARN(v []byte) bool { return len(v) > 8 && v[3] == ':' && isARN(v) }

func isARN(v []byte) bool {
	return v[0] == 'a' && v[1] == 'r' && v[2] == 'n' && bytes.IndexByte(v, ' ') < 0
}

// instanceOfARN returns the instance that an ARN of EC2 names.
func instanceOfARN(v []byte) ([]byte, bool) {
	for _, digits := range [...]int{17, 8} {
		const prefix = ":instance/i-"
		at := len(v) - digits - len(prefix)
		if at > 0 && string(v[at:at+len(prefix)]) == prefix && IsResourceID(v[len(v)-digits-2:]) {
			return v[len(v)-digits-2:], true
		}
	}
	return nil, false
}

// IsResourceID reports whether a text has the form of the ids of EC2 and its like: a
// short word, a hyphen and 8 or 17 hexadecimal digits.
func IsResourceID(v []byte) bool { return len(v) > 9 && len(v) < 35 && isResourceID(v) }

func isResourceID(v []byte) bool {
	digits := 17
	at := len(v) - 18
	if at < 1 || v[at] != '-' {
		digits = 8
		if at = len(v) - 9; at < 1 || v[at] != '-' {
			return false
		}
	}
	if at > 16 {
		return false
	}
	for _, c := range v[:at] {
		if (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	for _, c := range v[len(v)-digits:] {
		if !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// IsNaming reports whether the member of a key holds a name or an id of something that
// people ask for, rather than of a request, an owner or a place.
func IsNaming(key []byte) bool {
	last := len(key) - 1
	if last < 1 {
		return false
	}
	switch key[last] {
	case 'd', 'D': // Id, ID, id
		return key[last-1]|0x20 == 'i' && (last == 1 || key[last-1] == 'I' || key[last-2] == '_') && !isForeign(key)
	case 'e': // Name, name
		return last >= 3 && string(key[last-2:]) == "ame" && key[last-3]|0x20 == 'n' && !isForeign(key)
	case 'n', 'N': // Arn, ARN
		return last >= 2 && key[last-1]|0x20 == 'r' && key[last-2]|0x20 == 'a' && (last == 2 || key[last-2] == 'A')
	case 'r': // Identifier
		return last >= 9 && string(key[last-8:]) == "dentifier"
	}
	return false
}

// IsResource reports whether the member of a key holds the ARNs of a policy's statement,
// each of which is one text.
func IsResource(key []byte) bool { return string(key) == "Resource" || string(key) == "NotResource" }

// isForeign reports whether a key names no resource.
func isForeign(key []byte) bool {
	switch string(key) {
	case "requestId", "requestID", "RequestId", "x-amz-request-id", "accountId", "AccountId", "ownerId", "OwnerId",
		"regionName", "availabilityZoneName", "availabilityZoneId", "availabilityZone", "displayName", "DisplayName",
		"platformName", "agentName", "deviceName", "rootDeviceName", "versionId", "registryId", "hostName", "dnsName", "privateDnsName", "publicDnsName", "attributeName":
		return true
	}
	return false
}

// IsTagName reports whether the key of a tag says that its value names a resource:
// those that AWS sets, aws:ec2launchtemplate:id, aws:autoscaling:groupName,
// aws:cloudformation:stack-name and their like.
func IsTagName(key []byte) bool {
	if !bytes.HasPrefix(key, []byte("aws:")) {
		return false
	}
	for _, end := range [...]string{":id", "-id", "Id", "-name", "Name", "Arn"} {
		if len(key) > len(end) && string(key[len(key)-len(end):]) == end {
			return true
		}
	}
	return false
}
