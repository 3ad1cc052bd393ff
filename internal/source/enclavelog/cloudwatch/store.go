// Package cloudwatch is where hosts leave their logs in CloudWatch Logs: it finds groups
// and streams, remembers for each stream how far it was read, and fetches what came since,
// with a look-back. It knows nothing of what is in the events.
//
// A stream is read from the newest event that an import saw, less the look-back, because
// events come late and in the order of their own clocks. That clock is the writer's; where
// it runs ahead of the service's, the service's counts. This machine's clock is not asked.
package cloudwatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// DefaultLookBack stands where Options holds zero.
const DefaultLookBack = 48 * time.Hour

// Options say which logs are read.
type Options struct {
	// Source and Version are the source that reads, and its decoder's version.
	Source, Version string
	// Regions are CloudWatch Logs of each region, seen by one account.
	Regions []*aws.Logs
	// Groups are names of log groups; * is any text and ? any character.
	Groups []string
	// LookBack is how long before the newest event known reading begins; zero stands for
	// DefaultLookBack.
	LookBack time.Duration
	// Positions, where not nil, let reading begin where the last import ended.
	Positions trailhouse.Positions
	// TempDir is where events are put while they are read.
	TempDir string
}

// Store is the streams of some groups. Its methods may be called by several goroutines.
type Store struct {
	options Options

	mu      sync.Mutex
	streams map[string]*stream // by id of the unit
	before  map[string]position
	after   map[string]position // of streams that were read
}

// stream is one stream as List found it.
type stream struct {
	logs    *aws.Logs
	account string
	group   string
	name    string
	place   string
	from    int64 // milliseconds, 0 for its beginning
	known   position
}

// New returns the store. No request is made.
func New(o Options) *Store {
	if o.LookBack <= 0 {
		o.LookBack = DefaultLookBack
	}
	return &Store{options: o, streams: map[string]*stream{}, after: map[string]position{}}
}

// Address returns the address of a stream, by which rows name it:
// cloudwatch://account/region/group/stream. A slash at the beginning of the group's name
// is not written twice.
func Address(account, region, group, stream string) string {
	return Scheme + strings.Join([]string{account, region, strings.TrimPrefix(group, "/"), stream}, "/")
}

// Scheme is how addresses of streams begin.
const Scheme = "cloudwatch://"

// address returns the stream's address.
func (s *stream) address() string { return Address(s.account, s.logs.Region(), s.group, s.name) }

// unit returns the stream from its position on as a unit. What is read later is another
// unit, so that what is missing of one is not healed by the other. A stream that may still
// grow is read at each import, since the service tells late that it has.
func (s *stream) unit(info aws.LogStream, growing bool) trailhouse.Unit {
	object := s.address()
	if s.from > 0 {
		object += "?from=" + instant(s.from).Format("2006-01-02T15:04:05.000Z")
	}
	h := sha256.New()
	for _, part := range []string{s.place, strconv.FormatInt(s.from, 10), strconv.FormatInt(info.LastIngestion, 10), strconv.FormatInt(info.LastEvent, 10)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	u := trailhouse.Unit{ID: hex.EncodeToString(h.Sum(nil)[:16]), Object: object, Size: -1, Again: growing}
	if info.LastEvent > 0 {
		u.Modified = instant(info.LastEvent)
	}
	return u
}

func instant(millis int64) time.Time { return time.UnixMilli(millis).UTC() }

// Settled notes how far each stream was read. It is called when everything that was read
// is in the lake or in quarantine.
func (s *Store) Settled(ctx context.Context) error {
	s.mu.Lock()
	changed := map[string]string{}
	for place, p := range s.after {
		if p != s.before[place] {
			changed[place] = p.String()
		}
	}
	s.mu.Unlock()
	if s.options.Positions == nil || len(changed) == 0 {
		return nil
	}
	return s.options.Positions.SetPositions(ctx, s.options.Source, s.options.Version, changed)
}

// Instance returns the host that the stream of a unit was found to come from when it was
// read before, empty where that is not known.
func (s *Store) Instance(u trailhouse.Unit) trailhouse.InstanceID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.streams[u.ID]; st != nil {
		return st.known.instance
	}
	return ""
}

// position is how far a stream was read.
type position struct {
	newest   int64 // milliseconds, of the newest event
	instance trailhouse.InstanceID
	gone     bool // it was not there any more, and that was told
}

// String writes a position as it is kept: milliseconds, instance or "-", and "gone".
func (p position) String() string {
	text := strconv.FormatInt(p.newest, 10) + " -"
	if p.instance != "" {
		text = strconv.FormatInt(p.newest, 10) + " " + string(p.instance)
	}
	if p.gone {
		text += " gone"
	}
	return text
}

// parsePosition reads what String wrote; anything else is no position.
func parsePosition(text string) position {
	words := strings.Fields(text)
	if len(words) < 2 {
		return position{}
	}
	newest, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return position{}
	}
	p := position{newest: newest, gone: len(words) > 2 && words[2] == "gone"}
	if words[1] != "-" {
		p.instance = trailhouse.InstanceID(words[1])
	}
	return p
}
