package setup

// Severity says how bad a Finding is.
type Severity string

// The severities of findings.
const (
	// Fail is a mistake that loses evidence or gives it to the wrong host.
	Fail Severity = "fail"
	// Warn is something that works and that someone may not have meant.
	Warn Severity = "warn"
)

// Finding is one thing that is wrong with a file.
type Finding struct {
	Severity Severity `json:"severity"`
	// Where names the place in the file, such as logs.logs_collected.files.collect_list[0].
	Where string `json:"where"`
	// What says what is wrong, Hint what to write instead.
	What string `json:"problem"`
	Hint string `json:"hint,omitempty"`
}
