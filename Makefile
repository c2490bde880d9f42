# Every target that people use is listed by `make help`, from the text behind its ##.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GOLANGCI_LINT_VERSION := v2.15.0
CYCLONEDX_VERSION := v1.10.0
GOVULNCHECK_VERSION := v1.9.0
BENCHSTAT_VERSION := v0.0.0-20260908200009-22c9c6c9d4da
TOOLS := $(CURDIR)/.tools
LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
# A slow or shared machine may need more: TEST_TIMEOUT=20m make test
TEST_TIMEOUT ?= 10m
TEST_FLAGS ?=

.PHONY: help build demo test mutants chaos chaos-quick lint check-deploy sbom vulncheck fmt vet deps clean bench bench-quick bench-limits benchstat

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the programs into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/...

demo: ## provision the example in one process, without Redis or Airbyte, and show what came of it
	@CGO_ENABLED=0 go build -o bin/ ./cmd/api ./cmd/provisionctl
	@./deploy/demo.sh

# Several tests build the programs, at the same time: what those are made of is compiled once, before.
test: deps ## run every test, with a real redis-server and the race detector
	@CGO_ENABLED=0 go build ./internal/...
	go test -race -timeout $(TEST_TIMEOUT) $(TEST_FLAGS) ./...

# How much chaos; CHAOS_SEED=7 make chaos repeats what the seed decided.
CHAOS_SEED ?= 0
CHAOS_FOR ?= 5m
CHAOS_OPERATIONS ?= 5000
CHAOS_COMPONENTS ?= 300

chaos: deps ## kill everything at random for minutes, with thousands of operations; measure recoveries
	go test ./internal/chaos -count=1 -v -timeout 2h -chaos.long -chaos.seed $(CHAOS_SEED) \
		-chaos.for $(CHAOS_FOR) -chaos.operations $(CHAOS_OPERATIONS) -chaos.components $(CHAOS_COMPONENTS)

chaos-quick: deps ## the same for a minute, as it is a part of the tests
	go test ./internal/chaos -count=1 -v -timeout $(TEST_TIMEOUT) -chaos.seed $(CHAOS_SEED)

mutants: deps ## break the product once for each row of docs/checklist.md, and see that its test notices
	go run ./internal/e2e/mutants/kill

bench: deps ## measure against floors of the same run; prints the table and writes it to docs/performance.md (some ten minutes)
	@go run ./internal/bench

bench-quick: deps ## the same in a minute, one line a goal: name measured goal ok|short
	@go run ./internal/bench -quick

bench-limits: deps ## measure where growth ends; writes the table of docs/scaling.md (two minutes)
	@go run ./internal/bench -limits

benchstat: deps ## measure the hot functions here and at the commit before, and compare them with benchstat (half a minute)
	@GOBIN=$(TOOLS) GOFLAGS=-buildvcs=false go install golang.org/x/perf/cmd/benchstat@$(BENCHSTAT_VERSION)
	@BENCHSTAT=$(TOOLS)/benchstat ./.ci/benchstat

# Without cgo, as the programs are built: what was compiled for them serves here, too.
lint: $(LINT) ## go vet and golangci-lint, as CI runs them
	CGO_ENABLED=0 go vet ./...
	CGO_ENABLED=0 $(LINT) run ./...

check-deploy: ## check chart, compose file, image, rules, dashboard and policy with their own projects' code
	cd deploy/checks && go mod tidy -diff && go test -count=1 ./...

# cyclonedx-gomod asks the repository for the version, and does not understand git's worktrees.
sbom: ## write a CycloneDX SBOM of each program into bin/
	@mkdir -p bin
	@GOBIN=$(TOOLS) GOFLAGS=-buildvcs=false go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
	@[ -e .git ] || { echo "not written: this is no git repository"; exit; }; \
	tree=.; if [ -f .git ]; then tree=$$(mktemp -d); trap 'rm -rf "$$tree"' EXIT; git clone -q . "$$tree"; fi; \
	for p in api worker provisionctl airbytesim; do \
		CGO_ENABLED=0 $(TOOLS)/cyclonedx-gomod app -json -licenses -std -main cmd/$$p -output bin/$$p.cdx.json "$$tree" || exit 1; \
		echo "bin/$$p.cdx.json"; done

vulncheck: ## look for known vulnerabilities, where their database can be reached
	@GOBIN=$(TOOLS) GOFLAGS=-buildvcs=false go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@out=$$($(TOOLS)/govulncheck ./... 2>&1); code=$$?; case $$out in \
		*"fetching vulnerabilities"*) echo "not checked: the vulnerability database cannot be reached";; \
		*) echo "$$out"; exit $$code;; esac

fmt: $(LINT) ## format the code
	$(LINT) fmt ./...

deps: ## see that a redis-server is there; install it where that is possible (Debian, as root)
	@./.ci/deps

$(LINT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS=-buildvcs=false go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@

clean: ## remove what was built
	rm -rf bin $(TOOLS)
