package entity

import "bytes"

// MayHoldID reports whether a text may have an id of EC2 in it besides other words. It is
// asked for every text of every payload: a hyphen with eight hexadecimal digits behind
// it is rare.
func MayHoldID(v []byte) bool { return len(v) > 9 && mayHoldID(v) }

func mayHoldID(v []byte) bool {
	for at := 0; at+9 < len(v); {
		found := bytes.IndexByte(v[at:], '-')
		if found < 0 {
			return false
		}
		at += found + 1
		if at >= 2 && digits(v[at:]) != 0 {
			return true
		}
	}
	return false
}

// digits returns 8 or 17 where so many hexadecimal digits, in lower case, stand at the
// beginning of a text and no more, else 0.
func digits(v []byte) int {
	if len(v) < 8 || v[4] == '-' { // as in a GUID
		return 0
	}
	n := 0
	for n < len(v) && n < 18 && (isDigit(v[n]) || v[n] >= 'a' && v[n] <= 'f') {
		n++
	}
	if n == 8 || n == 17 {
		return n
	}
	return 0
}

// AddIDsWithin adds the ids of EC2 and its like in a text that has no JSON escapes of its
// own: those of the kinds that are known, as words, so that neither a part of a path, of
// an ARN or of a host name nor a name with a date is one.
func (c *Names) AddIDsWithin(text []byte) {
	for at := 0; ; {
		found := bytes.IndexByte(text[at:], '-')
		if found < 0 {
			return
		}
		hyphen := at + found
		at = hyphen + 1
		n := digits(text[at:])
		if n == 0 || !endsID(text[at+n:]) {
			continue
		}
		from := kindFrom(text, hyphen)
		if from == hyphen || !isKind(text[from:hyphen]) {
			continue
		}
		at += n
		id := text[from:at]
		c.Add(id)
		if id[0] == 'i' && id[1] == '-' {
			c.AddInstance(id)
		}
	}
}

// kindFrom returns where the kind in front of a hyphen begins, or the hyphen where it is
// a part of something else.
func kindFrom(text []byte, hyphen int) int {
	from := hyphen
	for from > 0 && hyphen-from <= longestKind && (text[from-1] >= 'a' && text[from-1] <= 'z' || text[from-1] == '-') {
		from--
	}
	if from > 0 && text[from-1] == '\\' && from < hyphen { // an escape: a text in a text
		from++
	}
	if from > 0 && (bytes.IndexByte([]byte("/.%@$+"), text[from-1]) >= 0 || isInWord(text, from)) {
		return hyphen
	}
	return from
}

// endsID reports whether an id may end in front of a text.
func endsID(rest []byte) bool {
	if len(rest) == 0 {
		return true
	}
	switch c := rest[0]; c {
	case '.':
		return len(rest) == 1 || !isWord(rest[1])
	case '-', '@', '%':
		return false
	default:
		return !isWord(c)
	}
}

const longestKind = 15

// isKind reports whether a word is the kind in the ids of EC2 and of what belongs to it.
func isKind(v []byte) bool {
	switch string(v) {
	case "i", "r", "ami", "aki", "ari", "vol", "snap", "eni", "eni-attach", "lt", "sg", "sgr", "vpc", "vpce", "vpce-svc", "vpce-rule", "vpc-cidr-assoc",
		"subnet", "rtb", "rtbassoc", "igw", "eigw", "nat", "acl", "aclassoc", "eipalloc", "eipassoc", "dopt", "pcx", "pl", "key", "pg", "fleet", "sir", "sfr",
		"cr", "cr-fleet", "crbr", "h", "hr", "lgw", "lgw-rtb", "lgw-vif", "cgw", "vgw", "vpn", "tgw", "tgw-attach", "tgw-rtb", "tgw-mcast-domain", "cvpn-endpoint",
		"ipam", "ipam-pool", "ipam-scope", "fl", "tmf", "tmr", "tms", "tmt", "eice", "export-i", "import-ami", "import-snap", "import-i", "iip-assoc", "carrier-gw",
		"fs", "fsap", "fsmt", "fsvol", "vai", "vaig", "vatp", "mi", "afi":
		return true
	}
	return false
}
