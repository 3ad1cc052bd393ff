# The targets that people use. Each works on a fresh machine with Go, make and
# bash; what else is needed is installed from Debian's or Go's registries.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

BIN := bin/trailhouse
GOLANGCI_VERSION := v2.15.0
GOLANGCI := .bin/golangci-lint-$(GOLANGCI_VERSION)
# moto is an emulator of AWS, written in Python, that the tests of S3 run against. Its
# version is also in internal/testkit.
MOTO_VERSION := 5.2.1
MOTO := .bin/moto-$(MOTO_VERSION)/installed
# cfn-lint checks the CloudFormation template. Its version is also in internal/testkit.
CFNLINT_VERSION := 1.58.0
CFNLINT := .bin/cfn-lint-$(CFNLINT_VERSION)/installed

# The version is in the build info where git can tell it (a checkout of another
# user's, or an archive, cannot).
VCS := $(shell git describe --always >/dev/null 2>&1 && echo true || echo false)
GOBUILD := go build -buildvcs=$(VCS)

# gzip objects of trails are inflated by libdeflate where Debian's libdeflate-dev is
# installed, else by Go alone: the answers are the same, the CPU time is not
# (docs/benchmarks.md).
LIBDEFLATE := $(shell printf '\#include <libdeflate.h>\n' | gcc -E -x c - >/dev/null 2>&1 && echo -tags=libdeflate)

# One set of flags for builds, tests and the linter, so that dependencies are
# compiled once.
export GOFLAGS := $(filter-out -trimpath,$(GOFLAGS)) -trimpath $(LIBDEFLATE)

# Packages with goroutines and locks of ours: they also run with the race detector
# (but for the lake, whose test of kills counts on the speed of a plain build).
RACE := ./internal/aws/... ./internal/ingest/... ./internal/state/... ./internal/dedup/... ./internal/cli/... ./internal/deliver/...

DEMO := demo-data
DEMO_HOUSE := $(BIN) --data $(DEMO)/house --config $(DEMO)/trailhouse.yaml
LAST_MONTH := --from 2025-10-01 --to 2025-11-01
USAGE := client,sessions,billed_seconds,presumed_seconds,uncertain_seconds,vcpu_hours,gib_hours
FINDINGS := kind,client,enclave_id,calls,first_seen,state
CRITICAL := --param severity=critical
LAUNCHES := launched,instance_id,instance_type,account_id,launch_origin,principal
POOL := instance_id,instance_type,pool_vcpus,pool_memory_mib,used_vcpu_hours,idle_vcpu_hours,idle_gib_hours

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 10

.PHONY: build
build: tools ## build bin/trailhouse
	$(GOBUILD) -o $(BIN) ./cmd/trailhouse

.PHONY: tools
tools: # cgo needs a C and a C++ compiler: DuckDB is linked in
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 or newer, see https://go.dev/dl" >&2; exit 1; }
	@command -v gcc >/dev/null && command -v g++ >/dev/null || { \
		echo "installing gcc and g++ with apt-get"; \
		sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc g++ libc6-dev; }

# The reports are wide: some of their columns fit a terminal.
.PHONY: demo
demo: build ## months of invented evidence, imported and asked about
	@rm -rf $(DEMO)
	@$(BIN) demo generate --out $(DEMO)
	@echo; echo "\$$ trailhouse import enclave-log $(DEMO)/logs"; echo
	@$(DEMO_HOUSE) import enclave-log $(DEMO)/logs
	@echo; echo "\$$ trailhouse report client-usage $(LAST_MONTH) --columns $(USAGE)"; echo
	@$(DEMO_HOUSE) report client-usage $(LAST_MONTH) --columns $(USAGE)
	@echo; echo "\$$ trailhouse report host-pool $(LAST_MONTH) --columns $(POOL)"; echo
	@$(DEMO_HOUSE) report host-pool $(LAST_MONTH) --columns $(POOL)
	@echo; echo "\$$ trailhouse import cloudtrail $(DEMO)/trail"; echo
	@$(DEMO_HOUSE) import cloudtrail $(DEMO)/trail
	@echo; echo "\$$ trailhouse report enclave-launches $(LAST_MONTH) --columns $(LAUNCHES)"; echo
	@$(DEMO_HOUSE) report enclave-launches $(LAST_MONTH) --columns $(LAUNCHES)
	@echo; echo "\$$ trailhouse report findings $(LAST_MONTH) $(CRITICAL) --columns $(FINDINGS)"; echo
	@$(DEMO_HOUSE) report findings $(LAST_MONTH) $(CRITICAL) --columns $(FINDINGS)
	@echo; echo "Try next:"; echo
	@echo "  alias th='$(DEMO_HOUSE)'"
	@echo "  th report list"
	@echo "  th report failed-starts $(LAST_MONTH)"
	@echo "  th clients explain acme-tokenizer | head"
	@echo "  th sql 'SELECT reason, count(*) AS n FROM enclave_sessions GROUP BY reason'"
	@echo "  th report events --param error=any --columns eventtime,eventname,principal,errorcode --last 4w"
	@echo "  th lake history enclave_sessions"
	@echo; echo "and then your own logs: $(BIN) import enclave-log /var/log/nitro_enclaves"

.PHONY: test
test: export TEST_TOOLS := required
test: build vet lint test-tools ## everything: build, vet, lint, tidy, all tests, race detector
	go test -count=1 ./internal/tidy
	go test -count=1 -timeout 15m ./...
	GOFLAGS=-trimpath go test -count=1 ./internal/objects # without libdeflate
	go test -count=1 -short -race -timeout 10m $(RACE)

.PHONY: check
check: tools vet ## the fast part of test, before each commit
	go test -short . ./cmd/... ./internal/...

.PHONY: vet
vet: # formatting and go vet
	@unformatted="$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go'))"; \
		[ -z "$$unformatted" ] || { echo "not formatted with gofmt:"; echo "$$unformatted"; exit 1; }
	go vet ./...

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint
	$(GOLANGCI) run ./...

$(GOLANGCI):
	mkdir -p .bin
	GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv .bin/golangci-lint $@

# An emulator of AWS and a linter of templates for the tests; without them go test skips
# what needs them, make test does not.
.PHONY: test-tools
test-tools: $(MOTO) $(CFNLINT) ## install what only tests need, into .bin

$(MOTO): PIP := 'moto[server]==$(MOTO_VERSION)'
$(CFNLINT): PIP := 'cfn-lint==$(CFNLINT_VERSION)'
$(MOTO) $(CFNLINT):
	@command -v python3 >/dev/null && python3 -c 'import ensurepip' 2>/dev/null || { \
		echo "installing python3-venv with apt-get"; \
		sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv; }
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check $(PIP)
	touch $@

.PHONY: docs
docs: ## write the generated pages of docs anew
	go test ./internal/config ./internal/cli -run 'TestReferencePage|TestCommandPage' -update

.PHONY: bench
bench: build ## the figures of the house, measured on this machine, into docs/benchmarks.md
	go run ./test/bench

.PHONY: fuzz
fuzz: tools ## each fuzz target for a while: make fuzz FUZZTIME=1m
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-20s} $$package; \
		done; done

.PHONY: clean
clean: ## remove what make built
	rm -rf bin .bin $(DEMO)
