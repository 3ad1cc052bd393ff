package trail

// planner says how many events of the noise each cell gets on each day, so that they
// sum to what was asked for, and in which files.
type planner struct {
	from    int64   // first day
	weights []int64 // sums of the days' weights before each day
	mean    int     // events of a file
	quota   []int64 // by cell
	given   []int64
	pending []int64
	next    []int64 // size of the next file
}

// newPlanner shares noise events among cells and days.
func newPlanner(o Options, cells []*cell, noise int64) *planner {
	p := &planner{from: o.From.Unix(), mean: o.EventsPerFile, weights: []int64{0}}
	days := (o.To.Unix() - p.from) / day
	for d := range days {
		weight := int64(10)
		if weekday := unix(p.from + d*day).Weekday(); weekday == 0 || weekday == 6 {
			weight = 4
		}
		p.weights = append(p.weights, p.weights[d]+weight)
	}
	total, reached := int64(0), int64(0)
	for _, c := range cells {
		total += int64(c.weight)
	}
	for _, c := range cells {
		before := noise * reached / total
		reached += int64(c.weight)
		p.quota = append(p.quota, noise*reached/total-before)
	}
	p.given, p.pending, p.next = make([]int64, len(cells)), make([]int64, len(cells)), make([]int64, len(cells))
	return p
}

func (p *planner) days() int64 { return int64(len(p.weights)) - 1 }

// files returns the numbers of events of the cell's files on a day. What is too little
// for a file waits for another day.
func (p *planner) files(c chance, cell int, d int64) []int64 {
	if d < 0 {
		return nil
	}
	reached := p.quota[cell] * p.weights[d+1] / p.weights[p.days()]
	p.pending[cell] += reached - p.given[cell]
	p.given[cell] = reached
	var sizes []int64
	for {
		if p.next[cell] == 0 {
			p.next[cell] = p.size(c)
		}
		if p.pending[cell] < p.next[cell] {
			break
		}
		sizes = append(sizes, p.next[cell])
		p.pending[cell] -= p.next[cell]
		p.next[cell] = 0
	}
	if rest := p.pending[cell]; rest > 0 && d == p.days()-1 {
		sizes = append(sizes, rest)
		p.pending[cell] = 0
	}
	return sizes
}

// size draws the events of a file. Small ones are very unequal (facts/cloudtrail.md
// 2.2).
func (p *planner) size(c chance) int64 {
	percent := 80 + c.below(41)
	if p.mean <= 200 {
		percent = [...]int{8, 12, 20, 30, 50, 80, 100, 150, 200, 350}[c.below(10)]
	}
	return max(1, int64(p.mean*percent/100))
}

// width is how many seconds the events of a file are spread over.
func (p *planner) width() int64 { return min(10*minute*int64(1+p.mean/100), day/2) }

// window returns the first second of a file's events on a day, mostly by daylight.
func (p *planner) window(c chance, d int64) int64 {
	start := p.from + d*day
	if c.below(10) < 6 {
		return start + 7*hour + int64(c.below(int(day/2-min(p.width(), day/2-1))))
	}
	return start + int64(c.below(int(day-p.width())))
}
