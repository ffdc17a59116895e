# Salvor. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINTER  := .cache/tools/golangci-lint
PACKAGES := ./...
# The packages whose tests start real control planes. The small ones run beside test/restores, which mostly waits; test/e2e runs alone, or it would starve.
REAL := ./test/restores ./events/kube ./events/probe ./responders/responderstest ./internal/doctor ./test/stack
# The packages whose tests hold generated and golden files: schemas, tables of the guides, RBAC, reports, timelines, stories.
GENERATED := ./deploy ./internal/config ./internal/rbac ./internal/timeline ./policies ./policies/rego/regotest ./test/scenarios
export CGO_ENABLED := 0
# The parts of the stack, and salvor as tests build it, are built with this, too: what they share is compiled once.
export GOFLAGS := $(strip $(GOFLAGS) -trimpath)

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/salvor
	@mkdir -p bin
	go build -ldflags "-s -w -X main.version=$(VERSION)" -o bin/salvor ./cmd/salvor

.PHONY: demo
demo: $(if $(filter data,$(SCENARIO)),stack-build,cluster-build) build ## lose a node of a real control plane and watch it being recovered (about 4 minutes, first time 15); SCENARIO=zone region data config security storm
	go run ./test/demo $(if $(SCENARIO),-scenario $(SCENARIO))

.PHONY: test
test: build chromium ## all tests: the quick ones side by side, the browser, the simulation, those on real parts (about 40 minutes)
	go vet $(PACKAGES)
	go test -vet=off -short -timeout 10m $(PACKAGES)
	cd test/browser && go test -count 1 -timeout 15m ./...
	go test -vet=off -v -timeout 20m ./test/sim
	$(MAKE) stack-build
	cd test/stack/volumes && go test ./hostdir-csi
	go test -vet=off -p 2 -timeout 40m $(REAL)
	go test -vet=off -timeout 40m ./test/e2e

.PHONY: check
check: lint ## the fast loop: build, lint, short tests, generated files and go.mod current
	go build $(PACKAGES)
	go mod tidy -diff
	go test -short $(PACKAGES)

.PHONY: lint
lint: $(LINTER) ## run the linter, the import law included
	$(LINTER) run

$(LINTER): test/tools/go.mod test/tools/go.sum
	@echo "building the linter (about a minute, once)"
	@mkdir -p $(dir $@)
	cd test/tools && go build -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: e2e
e2e: stack-build build chromium ## only the end-to-end tests on the real stack; ARGS=-external keeps their records in a NATS server process
	go test -v -timeout 60m ./test/e2e/... $(if $(ARGS),-args $(ARGS))

.PHONY: chromium
chromium: # install Chromium from Debian where there is none and that can be done; tests that need it are skipped without it, or vote by command
	@command -v chromium >/dev/null || (apt-get update -q && apt-get install -qy --no-install-recommends chromium) || echo "there is no chromium, and it cannot be installed here"

.PHONY: browser
browser: chromium ## try the console in a real Chromium (about a minute; installs it from Debian where there is none); pictures go to test/browser/shots
	cd test/browser && SALVOR_BROWSER=1 go test -v -count 1 -timeout 15m ./...

.PHONY: sim
sim: ## run the simulation; SEEDS=1000 FROM=1, TRACE=1 prints all of one seed, BUG="trusts one witness" plants a bug
	go run ./test/sim/cmd/sim -seeds $(or $(SEEDS),1000) -from $(or $(FROM),1) $(if $(TRACE),-trace) $(if $(BUG),-bug "$(BUG)")

.PHONY: bench
bench: stack-build build ## measure; ONLY=name for one figure, SEEDS=1000 for fewer of the simulation; writes bench.json
	go run ./test/bench $(if $(ONLY),-only $(ONLY)) $(if $(SEEDS),-seeds $(SEEDS))

.PHONY: generate
generate: ## rewrite generated files and golden files
	go test $(GENERATED) -update

.PHONY: stack-build
stack-build: ## build the real parts into .cache/stack (about 14 minutes, once)
	go run ./test/stack/cmd/stack build

.PHONY: cluster-build
cluster-build: ## build only the parts of a stack without volumes and backups (about 8 minutes, once)
	go run ./test/stack/cmd/stack build cluster

.PHONY: backups-build
backups-build: ## build only the parts for volumes and backups (about 6 minutes, once)
	go run ./test/stack/cmd/stack build backups

.PHONY: stack-up
stack-up: ## start a real control plane and say how to break it
	go run ./test/stack/cmd/stack up

.PHONY: stack-down
stack-down: ## stop it
	go run ./test/stack/cmd/stack down
