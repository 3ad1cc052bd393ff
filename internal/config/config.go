package config

import "time"

// Config is everything that the user can decide. The comment of each field is its
// text in docs/configuration.md, which a test generates. Tags: min and max bound a
// number, oneof lists the choices of a text, dir marks a path.
type Config struct {
	// Directory of the lake and of Trailhouse's state, made with mode 0700. It can be
	// moved as a whole. In a file a relative path starts at the file's directory.
	DataDir string   `yaml:"data_dir" dir:"true"`
	Log     Log      `yaml:"log"`
	Ingest  Ingest   `yaml:"ingest"`
	Limits  Limits   `yaml:"limits"`
	Query   Query    `yaml:"query"`
	Reports Reports  `yaml:"reports"`
	Lake    LakeKeep `yaml:"lake"`
	AWS     AWS      `yaml:"aws"`
	// Places with evidence. A command that imports a kind of evidence and names no place
	// reads all of that kind; one that names a place takes profile, role and rules from
	// the source that it lies in.
	Sources []Source `yaml:"sources"`
	// What only you know about your hosts, by instance id: account, instance type, tags.
	Hosts map[string]Host `yaml:"hosts"`
	// Whom enclaves belong to: an ordered list of rules, of which the first that
	// matches wins. What no rule matches is shown as `unattributed`.
	Clients []ClientRule `yaml:"clients"`
	// Images that enclaves may run: what the findings and verdicts of attested KMS calls go
	// by. Where no entry is for a call's client and key there is no list, and no verdict.
	ApprovedImages []ApprovedImage `yaml:"approved_images"`
	// Reports that `trailhouse run` sends by a schedule, see docs/deliver.md.
	Deliver []Deliver `yaml:"deliver"`

	origins map[string]string // key → where its value comes from
	file    string            // the trailhouse.yaml that was read, "" where none
	unknown []string          // TRAILHOUSE_* variables that are no setting
	broken  map[string]bool   // keys whose values could not be read, which is told already
	faulty  map[string]bool   // sections in which something is wrong
}

// Log says what goes to stderr beside results.
type Log struct {
	// Least level of a log line that is printed.
	Level string `yaml:"level" oneof:"debug info warn error"`
	// Form of log lines: text for people, json for machines.
	Format string `yaml:"format" oneof:"text json"`
}

// Ingest bounds one commit of an import.
type Ingest struct {
	// Most records of one commit. More are faster, fewer are visible sooner.
	BatchRecords int64 `yaml:"batch_records" min:"1" max:"10000000"`
	// Most memory of the rows of one commit, in MiB.
	BatchMiB int64 `yaml:"batch_mib" min:"1" max:"4096"`
}

// Limits guard against compressed files that inflate without end.
type Limits struct {
	// Most MiB that one compressed object may inflate to. A larger one goes to
	// quarantine whole.
	InflatedMiB int64 `yaml:"inflated_mib" min:"1" max:"1048576"`
	// Most bytes that one compressed byte may inflate to.
	Ratio int64 `yaml:"ratio" min:"2" max:"2000"`
}

// Query bounds one report or SQL statement.
type Query struct {
	// Most memory that the engine works in, in MiB.
	MemoryMiB int64 `yaml:"memory_mib" min:"64" max:"1048576"`
	// Threads of the engine; 0 for one a processor.
	Threads int64 `yaml:"threads" min:"0" max:"1024"`
	// Longest time that one statement may take.
	Timeout time.Duration `yaml:"timeout" min:"100ms" max:"24h"`
	// Most rows of one result.
	Rows int64 `yaml:"rows" min:"1" max:"1000000000"`
	// Most bytes of one result.
	Bytes int64 `yaml:"bytes" min:"1024" max:"1099511627776"`
}

// Reports says where further reports are.
type Reports struct {
	// Folder with reports of your own (docs/reports.md). A report there hides a
	// built-in one of the same name. Empty for none.
	Folder string `yaml:"folder" dir:"true"`
}

// LakeKeep says how long the lake keeps what it no longer needs.
type LakeKeep struct {
	// How long old snapshots of a table, and files that only they use, are kept after
	// they were replaced. A statement that runs longer than this may fail.
	Keep time.Duration `yaml:"keep" min:"1h" max:"87600h"`
}

// Default returns the configuration of someone who decides nothing. dataHome is the
// user's data directory, see DataHome.
func Default(dataHome string) *Config {
	return &Config{
		DataDir: dataHome,
		Log:     Log{Level: "info", Format: "text"},
		Ingest:  Ingest{BatchRecords: 100_000, BatchMiB: 64},
		Limits:  Limits{InflatedMiB: 1024, Ratio: 250},
		Query: Query{
			MemoryMiB: 1024,
			Timeout:   5 * time.Minute,
			Rows:      1_000_000,
			Bytes:     256 << 20,
		},
		Lake: LakeKeep{Keep: 24 * time.Hour},
		AWS: AWS{
			SessionName: "trailhouse", Attempts: 10, Parallel: 8, IdleTimeout: 30 * time.Second, LookBackDays: 2,
		},
		origins: map[string]string{}, broken: map[string]bool{}, faulty: map[string]bool{},
	}
}

// File returns the path of the trailhouse.yaml that was read, empty where none was.
func (c *Config) File() string { return c.file }

// UnknownVariables returns the names of TRAILHOUSE_* variables that are no setting,
// sorted. They are not errors, because Kubernetes sets such variables for a service
// of that name in every pod; config check shows them.
func (c *Config) UnknownVariables() []string { return c.unknown }
