package demo

// place is where in nitro-cli's source a record was printed, as file:line.
type place string

// version is what differs between the tags of nitro-cli, as far as a log shows it
// (facts/nitro.md 2.3, 2.4 and 2.10).
type version struct {
	name string
	// start, args, ready and done are the places of `Start Nitro CLI`, `Run args`,
	// `Enclave ID` and `Enclave has completed termination.`
	start, args, ready, done place
	// named: enclaves have names, and run-enclave asks all others for theirs (1.1.0).
	named bool
	// console: Run args has attach_console (1.2.0).
	console bool
	// plainDebug: debug_mode is a plain bool, not an Option (1.2.1).
	plainDebug bool
	// restarts: the hint of E27 says "restart" and not "enable" (1.2.3).
	restarts bool
	// bootWait is how long a start waits for an enclave that never gets ready.
	bootWait Instant
}

// Places that are the same in every version here. Only the four of version are
// known for each tag; the others are those of 1.5.0 (facts/nitro.md 2.3, 2.4).
const (
	placeProcess   place = "src/enclave_proc/mod.rs:571"
	placeReceived  place = "src/enclave_proc/mod.rs:479"
	placeExited    place = "src/enclave_proc/mod.rs:541"
	placeSignal    place = "src/enclave_proc/mod.rs:178"
	placeHangUp    place = "src/enclave_proc/mod.rs:207"
	placeAllocate  place = "src/enclave_proc/resource_manager.rs:353"
	placeAllocated place = "src/enclave_proc/resource_manager.rs:435"
	placeDonated   place = "src/enclave_proc/resource_manager.rs:675"
	placeDropped   place = "src/enclave_proc/resource_manager.rs:747"
	placeListener  place = "src/enclave_proc/connection_listener.rs:227"
	placeSocket    place = "src/enclave_proc/socket.rs:200"
	placeConnected place = "src/enclave_proc_comm.rs:100"
	placeStale     place = "src/enclave_proc_comm.rs:109"
	placeStaleAll  place = "src/lib.rs:492"
	placeAskCID    place = "src/enclave_proc_comm.rs:379"
	placeAskFlags  place = "src/enclave_proc_comm.rs:406"
	placeSentRun   place = "src/main.rs:107"
	placeSentEnd   place = "src/main.rs:174"
	placeSentShow  place = "src/main.rs:203"
	placeError     place = "src/common/mod.rs:424"
)

// The processes' modules that hold the version's own places.
const (
	fileMain    = "src/main.rs:"
	fileProcess = "src/enclave_proc/mod.rs:"
)

// versions are the tags that the demo runs, oldest first.
func versions() []version {
	old := version{
		start: fileMain + "67", args: fileProcess + "235", ready: fileProcess + "242", done: fileProcess + "276",
		bootWait: 90 * second,
	}
	list := []version{old.tag("1.0.10"), old.tag("1.0.11"), old.tag("1.0.12")}
	v := old
	v.named = true
	v.start, v.args, v.ready, v.done = fileMain+"72", fileProcess+"240", fileProcess+"250", fileProcess+"284"
	list = append(list, v.tag("1.1.0"))
	v.console = true
	v.args, v.ready, v.done = fileProcess+"272", fileProcess+"281", fileProcess+"315"
	list = append(list, v.tag("1.2.0"))
	v.plainDebug = true
	v.start = fileMain + "63"
	list = append(list, v.tag("1.2.1"), v.tag("1.2.2"))
	v.restarts = true
	list = append(list, v.tag("1.2.3"), v.tag("1.3.0"), v.tag("1.3.1"))
	v.bootWait = 180 * second
	list = append(list, v.tag("1.3.2"), v.tag("1.3.4"))
	v.start = fileMain + "64"
	return append(list, v.tag("1.4.0"), v.tag("1.4.2"), v.tag("1.4.3"), v.tag("1.5.0"))
}

// tag returns v under a name.
func (v version) tag(name string) version {
	v.name = name
	return v
}

// versionNamed returns the version of that name, else the newest.
func versionNamed(name string) version {
	list := versions()
	for _, v := range list {
		if v.name == name {
			return v
		}
	}
	return list[len(list)-1]
}
