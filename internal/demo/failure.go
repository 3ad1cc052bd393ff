package demo

import "fmt"

// failure is a way in which a start gives no enclave (facts/nitro.md 2.4, 2.10).
type failure uint8

const (
	startsFine    failure = iota
	failsCPUs             // E22: more vCPUs than the pool has
	failsSmall            // E26: less memory than four times the image
	failsMemory           // E27: not enough huge pages
	failsBusy             // E29 before any memory line: no CPU of the pool is free
	failsIoctl            // E29 after the memory was donated: half a core
	failsBoot             // E36 after the boot timeout
	failsTogether         // E36 at once: another start holds the port
	failsKilled           // E39 of the command alone: the daemon was killed
)

// code returns the error code of the failed start.
func (f failure) code() string {
	return [...]string{"", "E22", "E26", "E27", "E29", "E29", "E36", "E36", "E39"}[f]
}

// donates reports whether memory is donated before the start fails.
func (f failure) donates() bool {
	return f == failsIoctl || f == failsBoot || f == failsTogether || f == failsKilled
}

// dropsHandle reports whether the failure comes after the slot was created, so that
// the daemon prints `Enclave terminated.` for a start with a CID of its own although
// nothing ran (facts/nitro.md 2.4, the trap).
func (f failure) dropsHandle() bool {
	return f == failsMemory || f == failsIoctl || f == failsBoot || f == failsTogether
}

// errorText returns the multi-line message of an error. errFile is the path of the
// backtrace that nitro-cli writes beside the log.
func errorText(code string, r request, v version, errFile string) string {
	const docs = "https://docs.aws.amazon.com/enclaves/latest/user/cli-errors.html#"
	return fmt.Sprintf("[ %s ] %s\n\nFor more details, please visit %s%s\n\n"+
		"If you open a support ticket, please provide the error log found at %q",
		code, errorDetail(code, r, v), docs, code, errFile)
}

func errorDetail(code string, r request, v version) string {
	switch code {
	case "E22":
		return fmt.Sprintf("Insufficient CPUs available in the pool. User provided `cpu-count` is %d, which is more than the configured CPU pool size.\n"+
			"You can increase the CPU pool size by editing the `cpu_count` value from '/etc/nitro_enclaves/allocator.yaml' and then enable the nitro-enclaves-allocator.service.", r.vcpus())
	case "E26":
		return fmt.Sprintf("Insufficient memory requested. User provided `memory` is %d MB, but based on the EIF file size, the minimum memory should be %d MB", r.mib, 4*r.mib)
	case "E27":
		verb := "enable"
		if v.restarts {
			verb = "restart"
		}
		return fmt.Sprintf("Insufficient memory available. User provided `memory` is %d MB, which is more than the available hugepage memory.\n"+
			"You can increase the available memory by editing the `memory_mib` value from '/etc/nitro_enclaves/allocator.yaml' and then %s the nitro-enclaves-allocator.service.", r.mib, verb)
	case "E29":
		return "Ioctl failure. Such error is used as a general ioctl error and appears whenever an ioctl fails. In this case, the error backtrace provides detailed information on what specifically failed during the ioctl."
	case "E36":
		return "Enclave boot failure. Such error appears when attempting to receive the `ready` signal from a freshly booted enclave. It arises in several contexts, for instance, when the enclave is booted from an invalid EIF file and the enclave process immediately exits, failing to submit the `ready` signal. In this case, the error backtrace provides detailed information on what specifically failed during the enclave boot process."
	}
	return "Enclave process connection failure. Such error appears when the enclave manager fails to connect to at least one enclave process for retrieving the description information."
}
