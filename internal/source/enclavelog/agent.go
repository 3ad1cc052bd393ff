package enclavelog

import (
	"bytes"
	"crypto/sha256"
	"strconv"

	"github.com/trailhouse/trailhouse"
)

// isAgent reports whether a unit of which this is the beginning is the host agent's: one
// JSON object on each line, which are taken as lines and not as events of CloudWatch. A
// log of nitro-cli is none, whatever stands in it.
func isAgent(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	if len(head) == 0 || head[0] == '[' {
		return false
	}
	if stamp, rest, ok := bytes.Cut(head, []byte(" ")); ok && len(stamp) > 0 && isDigit(stamp[0]) {
		head = rest // the time of an export task
	}
	return bytes.HasPrefix(head, []byte(trailhouse.AgentPrefix)) || bytes.Contains(head, []byte("\n"+trailhouse.AgentPrefix))
}

// fromAgent reports whether a piece is a line of the host agent that is not taken apart
// yet. It takes off the time that an export task puts before it.
func fromAgent(p *piece) bool {
	if p.agent != nil || p.broken != "" {
		return false
	}
	if stamp, rest, ok := bytes.Cut(p.text, []byte(" ")); ok && isDigit(p.text[0]) && bytes.HasPrefix(rest, []byte(trailhouse.AgentPrefix)) {
		if at, ok := parseInstant(stamp); ok {
			p.text, p.at, p.hasAt = rest, at, true
		}
	}
	return bytes.HasPrefix(p.text, []byte(trailhouse.AgentPrefix))
}

// reasonForged is why a line of the agent is not taken from the log of nitro-cli.
const reasonForged = "a line of trailhouse agent within the log of nitro-cli, which anyone on the host may write"

// unwrap gives the lines of the log that a line of the host agent carries, as they stood
// there, so that they are the same records as those of the file itself; another line of
// the agent it gives as it is. The host is the one that the line names.
func (s *survey) unwrap(outer *piece, give func(*piece) error) error {
	p := *outer
	l, ok := trailhouse.ParseAgentLine(p.text)
	if !ok || l.Cut {
		return give(p.refused(&l, "not a whole line of trailhouse agent"))
	}
	if !s.agent {
		return give(p.refused(&l, reasonForged))
	}
	if p.agent = &l; len(p.stream) == 0 && l.Instance.Valid() {
		p.stream = []byte(l.Instance)
	}
	if l.Event != trailhouse.AgentLog {
		return give(&p)
	}
	p.event = true
	lines := bytes.Split(l.Logged(), []byte("\n"))
	for i, text := range lines {
		q := p
		q.text, q.open = text, l.Open && i == len(lines)-1
		if bytes.HasPrefix(text, []byte(trailhouse.AgentPrefix)) {
			q.refused(&l, reasonForged)
		}
		if err := give(&q); err != nil {
			return err
		}
	}
	return nil
}

// refused makes the piece a broken one.
func (p *piece) refused(l *trailhouse.AgentLine, reason string) *piece {
	p.agent, p.broken, p.hash = l, reason, sha256.Sum256(p.text)
	return p
}

// agentRecord returns a line of the agent's own as a record of the log.
func agentRecord(text []byte) (Record, bool) {
	l, ok := trailhouse.ParseAgentLine(text)
	level := "INFO"
	if l.Event == trailhouse.AgentFailed || l.Event == trailhouse.AgentEnded {
		level = "WARN"
	}
	return Record{
		Micros: l.Time.UnixMicro(), Logger: []byte(trailhouse.AgentLogger + strconv.FormatInt(l.PID, 10)), Level: []byte(level),
		File: []byte("agent"), Message: text, Pid: l.PID, HasPid: true,
	}, ok
}
