# Everything here needs only Go, git and make. Tools are pinned in tools/go.mod and built into the
# user's cache directory (the Pulumi CLI) or into bin/.

GO       ?= go
BIN      := bin
TIMEOUT  ?= 14m
PACKAGES ?= ./...

.PHONY: all build demo test test-long check fmt generate golden keep-golden growth bench bench-transform engine clean help

all: build

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the command line into bin/logarchive
	@echo "building $(BIN)/logarchive (the first time compiles pulumi-aws: some minutes)"
	@$(GO) build -o $(BIN)/logarchive ./cmd/logarchive

engine: build ## Find the Pulumi CLI, or build the pinned one (about three minutes, once)
	@$(BIN)/logarchive engine

demo: build ## Run the main job without AWS: Beijing's logs land in Ningxia
	@$(BIN)/logarchive demo

test: build engine ## Run the tests (about ten minutes on two cores from a clean clone)
	$(GO) test -timeout $(TIMEOUT) $(PACKAGES)

test-long: test ## Run the long tests too: race detector, more random runs, bounded fuzzing
	LOGARCHIVE_LONG=1 $(GO) test -race -timeout 60m $(PACKAGES)
	@tests/fuzz.sh

check: ## gofmt, vet, staticcheck, and govulncheck where its database can be reached
	@unformatted="$$(git ls-files -z '*.go' | xargs -0 gofmt -l)"; \
	  if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	@$(GO) -C tools/check build -o ../../$(BIN)/staticcheck honnef.co/go/tools/cmd/staticcheck
	$(BIN)/staticcheck ./...
	@$(GO) -C tools/check build -o ../../$(BIN)/govulncheck golang.org/x/vuln/cmd/govulncheck
	@tests/govulncheck.sh $(BIN)/govulncheck

fmt: ## Format the code
	@git ls-files -z '*.go' | xargs -0 gofmt -w

generate: ## Regenerate what is derived: catalog schema, Pulumi.yaml, docs/configuration.md
	$(GO) generate ./...

golden: ## Rewrite the golden graphs of both stacks; read the diff before you commit it
	$(GO) test ./tests -run TestGolden -update

keep-golden: ## Keep the golden graphs of what is checked out: later versions must upgrade it without loss
	@tests/upgrade/keep.sh

growth: ## Print the cost of growth: resources and policy bytes for each further account, VPC, log group and database
	@$(GO) run ./tests/growth

bench: ## Run the benchmarks behind docs/performance.md
	$(GO) test -run '^$$' -bench . -benchmem ./policy ./graph ./verify ./tests

bench-transform: ## The transform function beside its peers: throughput, cold start, zip size
	@GO="$(GO)" tests/bench/transform/run.sh

clean: ## Remove what was built here (not the user's cache directory)
	rm -rf $(BIN) .sandbox
