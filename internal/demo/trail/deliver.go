package trail

// carry holds records of a cell that a later object repeats, as CloudTrail does
// (facts/cloudtrail.md 2.2, duplicates).
type carry struct {
	due, fresh []byte // separated by commas
	dues, news int64
	// last and latest are the times of the last event in either.
	last, latest int64
}

// The shares of duplicates: single records that a later object of the cell repeats, and
// whole objects that a second trail delivers again. Together some 3 in 100.
const (
	carriedPermille = 26
	twinPermille    = 6
)

// maxCarried bounds what a cell carries, in bytes.
const maxCarried = 1 << 18

// maxLate bounds the list of late files.
const maxLate = 500

// open returns an empty object.
func (m *maker) open(kind string, c *cell) *object {
	obj := m.sink.take()
	obj.kind, obj.cell = kind, c
	if kind == KindAggregated {
		obj.raw = append(obj.raw, '[')
	} else {
		obj.raw = append(obj.raw, `{"Records":[`...)
	}
	return obj
}

// carry keeps the record that starts there for a later object, now and then.
func (m *maker) carry(obj *object, start int) {
	c := &m.carried[obj.cell.index]
	if !m.permille(carriedPermille) || len(c.fresh) > maxCarried {
		return
	}
	if c.news > 0 {
		c.fresh = append(c.fresh, ',')
	}
	c.fresh = append(c.fresh, obj.raw[start:]...)
	c.news++
	c.latest = max(c.latest, m.at)
}

// repeat adds what was carried from earlier objects of the cell.
func (m *maker) repeat(obj *object) {
	if obj.kind != KindEvents {
		return
	}
	c := &m.carried[obj.cell.index]
	if c.dues > 0 {
		if obj.records > 0 {
			obj.raw = append(obj.raw, ',')
		}
		obj.raw = append(obj.raw, c.due...)
		obj.records += c.dues
		obj.last = max(obj.last, c.last)
	}
	*c = carry{due: append(c.due[:0], c.fresh...), dues: c.news, last: c.latest, fresh: c.fresh[:0]}
}

// deliver ends an object and hands it to the sink: some minutes behind its last event,
// sometimes two days late, sometimes twice.
func (m *maker) deliver(obj *object) error {
	m.repeat(obj)
	if obj.kind == KindAggregated {
		obj.raw = append(obj.raw, ']')
	} else {
		obj.raw = append(obj.raw, "]}"...)
	}
	table := tableOf(obj.kind)
	obj.delivered = obj.last + m.lag()
	if n := m.truth.Files[obj.kind]; obj.kind == KindEvents && (n == 40 || m.permille(4)) {
		obj.delivered += 2 * day
		obj.path = m.path(obj)
		if len(m.truth.Late) < maxLate {
			m.truth.Late = append(m.truth.Late, obj.path)
		}
	}
	if obj.path == "" {
		obj.path = m.path(obj)
	}
	m.truth.Files[obj.kind]++
	m.truth.Inflated += int64(len(obj.raw))
	m.truth.Duplicates[table] += obj.records - obj.own
	m.done(obj)
	m.digested(obj)
	if m.truth.Files[obj.kind] != 8 && !m.permille(twinPermille) {
		return m.sink.put(obj)
	}
	twin := m.sink.take()
	twin.kind, twin.cell, twin.raw = obj.kind, obj.cell, append(twin.raw, obj.raw...)
	twin.delivered = obj.delivered + int64(m.below(3))*minute
	if m.below(3) == 0 {
		twin.delivered += day
	}
	twin.path = m.path(twin)
	m.truth.Files[obj.kind]++
	m.truth.Inflated += int64(len(obj.raw))
	m.truth.Duplicates[table] += obj.records
	if err := m.sink.put(obj); err != nil {
		return err
	}
	return m.sink.put(twin)
}

// done tells how far the trail is.
func (m *maker) done(obj *object) {
	if obj.kind == KindEvents {
		m.made += obj.own
		if m.progress != nil {
			m.progress(m.made, m.o.Events)
		}
	}
}

// lag is how long a delivery takes, in seconds: half of them some 190, few more than
// 540 (facts/cloudtrail.md 2.2).
func (m *maker) lag() int64 {
	lag := 90 + m.below(220)
	if m.below(10) < 3 {
		lag += m.below(310)
	}
	return int64(lag)
}

// path returns the object's path (facts/cloudtrail.md 2.2). The day is that of the
// delivery.
func (m *maker) path(obj *object) string {
	at := unix(obj.delivered)
	suffix := m.base64(nil, 16)
	for i, b := range suffix {
		if b == '+' || b == '/' {
			suffix[i] = 'x'
		}
	}
	return Folder + "/AWSLogs/" + OrgID + "/" + obj.cell.account + "/" + obj.kind + "/" + obj.cell.region + at.Format("/2006/01/02/") +
		obj.cell.account + "_" + obj.kind + "_" + obj.cell.region + at.Format("_20060102T1504Z_") + string(suffix) + ".json.gz"
}

// leftovers delivers what cells still carry.
func (m *maker) leftovers() error {
	for _, c := range m.org.cells {
		for m.carried[c.index].dues+m.carried[c.index].news > 0 {
			if kept := m.carried[c.index]; kept.dues == 0 {
				m.carried[c.index] = carry{due: kept.fresh, dues: kept.news, last: kept.latest}
			}
			obj := m.open(KindEvents, c)
			obj.last = m.plan.from + m.plan.days()*day + hour
			if err := m.deliver(obj); err != nil {
				return err
			}
		}
	}
	return nil
}
