# What a developer and CI run. It needs Go, a C compiler for the race detector,
# and Node.js with npm for the Azurite emulator.

# TIMEOUT is for the tests of one package, FUZZTIME for one fuzz target.
TIMEOUT ?= 15m
FUZZTIME ?= 10s

azurite := internal/azurite
installed := $(azurite)/node_modules/.stamp
peers := bench/peers/js

.PHONY: test vet soak tracing bench-blobtest azurite peers lint gofmt tidy staticcheck govulncheck tools fuzz clean

test: azurite vet tracing
	AZUREBLOB_REQUIRE_AZURITE=1 go test -race -timeout $(TIMEOUT) ./...
	go test -run 'Allocat|Cost' ./...

vet:
	go vet -tags soak ./...

# The example with OpenTelemetry has a module of its own. Where its modules cannot
# be had there is nothing to build; every other failure counts.
tracing:
	@out=$$(go mod -C examples/tracing download 2>&1) && status=0 || status=$$?; \
	case "$$status:$$out" in \
	0:*) cd examples/tracing && go vet ./... && go test ./... ;; \
	*'dial tcp'*|*'no such host'*|*'i/o timeout'*) echo "tracing: modules not reachable, skipped" ;; \
	*) echo "$$out"; exit $$status ;; \
	esac

# Transfers through all that can go wrong at once, appends whose answers get lost, and
# processes that are killed: all of it has to come out right. It prints what it met.
# SHORT=1 is a part of it with the race detector, in less than a minute; SEED repeats
# the choices of a run.
soak:
	SOAK_SEED=$(SEED) go test -tags soak -count 1 -v -timeout $(TIMEOUT) $(if $(SHORT),-race -short) ./internal/soak

# What blobtest costs: the processor time of a put and get of 1 KiB in the
# process as a part of that of the client alone (service/client, to be at most
# 1), and the speed of an upload of 256 MiB over a socket as a part of that to a
# bare net/http server (service/bare, to be at least 0.5).
bench-blobtest:
	go test ./blobtest -run '^$$' -bench 'PutGet/share' -benchtime 3s -count 3
	go test ./blobtest -run '^$$' -bench 'Upload/ratio' -benchtime 9x -count 3

azurite: $(installed)

$(installed): $(azurite)/package.json $(azurite)/package-lock.json $(azurite)/.npmrc $(wildcard $(azurite)/stub/*)
	cd $(azurite) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The official SDKs for Go and JavaScript on blobtest. They have a module of
# their own, so that neither enters the graph of the library.
peers: $(peers)/node_modules/.stamp
	cd bench && go vet ./peers && go test -timeout $(TIMEOUT) ./peers

$(peers)/node_modules/.stamp: $(peers)/package.json $(peers)/package-lock.json $(peers)/.npmrc
	cd $(peers) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

lint: gofmt tidy staticcheck govulncheck

gofmt:
	@files=$$(gofmt -l .) || exit 1; \
	if [ -n "$$files" ]; then echo "not formatted by gofmt:"; echo "$$files"; exit 1; fi

tidy:
	go mod tidy -diff
	go mod -C examples/tracing tidy -diff

staticcheck: tools
	.bin/staticcheck -tags soak ./...

# The database of vulnerabilities is on the network. Where it cannot be reached
# there is nothing to compare with; every other failure counts.
govulncheck: tools
	@out=$$(.bin/govulncheck ./... 2>&1) && status=0 || status=$$?; \
	case "$$status:$$out" in \
	1:*'fetching vulnerabilities: Get "'*) echo "govulncheck: database not reachable, skipped" ;; \
	*) echo "$$out"; exit $$status ;; \
	esac

# The tools have a module of their own, so that none of their dependencies
# enters the graph of the library. Go rebuilds only what has changed.
tools:
	@go build -C internal/tools -o ../../.bin/ tool

# A short run of every fuzz target, one after the other. What is new is made small
# for a second at the most, or some would do little else.
fuzz:
	@list=$$(go test -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	echo "$$list" | awk '/^Fuzz/ { name[n++] = $$1 } \
		$$1 == "ok" { for (i = 0; i < n; i++) print $$2, name[i]; n = 0 }' | \
	while read -r package name; do \
		echo "fuzz $$package $$name"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$package" || exit 1; \
	done

clean:
	rm -rf .bin $(azurite)/node_modules $(peers)/node_modules
