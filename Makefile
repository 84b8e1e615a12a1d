# Everything this project does, one target each. `make help` lists them.

# What is slow to make and safe to keep lives outside the checkout: C++ builds, the
# Python environment (keyed by its requirements). Set either to put it elsewhere.
VANE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vane
CARGO_TARGET_DIR ?= $(VANE_CACHE)/target
export CARGO_TARGET_DIR
export PATH := $(HOME)/.cargo/bin:$(PATH)

# One profile and `--workspace` everywhere: docs/decisions/0001 says why.
CARGO := cargo
BIN := $(CARGO_TARGET_DIR)/debug

CLIENT_TESTS := dataplane/server/tests/client
REQUIREMENTS := $(CLIENT_TESTS)/requirements.txt
PYTHON ?= python3
VENV := $(VANE_CACHE)/venv-$(shell cksum $(REQUIREMENTS) | cut -d' ' -f1)
PYTEST := VANE_BIN=$(BIN)/vane $(VENV)/bin/python -m pytest -c $(CLIENT_TESTS)/pytest.ini

# Points and queries for `demo` and `bench`; the full set has the same file names.
DATA ?= data/debian-packages
# What `make up` brings up.
FILE ?= e2e/examples/quickstart.yaml
# Libraries beside Vane in `bench`: hnswlib, usearch, qdrant-edge; `bench-peers` installs them.
PEERS ?=
# A server that speaks Qdrant's REST, beside Vane in `bench`.
PEER ?=
PEERS_REQUIREMENTS := dataplane/bench/peers/requirements.txt
PEERS_VENV := $(VANE_CACHE)/peers-$(shell cksum $(PEERS_REQUIREMENTS) | cut -d' ' -f1)
# Where `make serve` keeps its points.
DIR ?= $(VANE_CACHE)/node
CRASH_ROUNDS ?= 20
POWER_ROUNDS ?= 8
# Tests of the operator at a time, each with an API server of its own. They wait most of their time,
# but not all of them stand a busy machine: one found a member without its zone.
APISERVER_TESTS ?= 1
# Seeds of the simulation that `sim` runs.
SEEDS ?= 0..5000
SIM_ARGS ?=
# What `fuzz` tries, for how long each, and what it draws from.
FUZZ_DOORS ?= rest grpc peer raft admin files
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1
# Suites of `integrations`, all of them where it is empty: current older cognee edge js go rust java.
SUITES ?=
# More arguments for pytest in `e2e` and `e2e-smoke`.
E2E_ARGS ?=
# The image that `image` builds; its tag is the version where it is empty.
IMAGE ?= vanedb/vane
TAG ?=
BASE ?= debian:bookworm-slim

.DEFAULT_GOAL := help
.PHONY: help setup prepare build check test soak lint tidy unit client-test crash-test cluster-test apiserver-test chart-test e2e e2e-smoke integrations crds charts image kind-up kind-down sim fuzz demo bench bench-peers up serve fmt audit clean

help: ## list the targets
	@echo "Vane: make TARGET"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 18
	@echo "Variables: DATA=dir PEERS=names PEER=url DIR=dir FILE=yaml VANE_CACHE=dir CARGO_TARGET_DIR=dir CRASH_ROUNDS=n POWER_ROUNDS=n KILL_ROUNDS=n LOST_VOLUMES=n MOVE_POINTS=n INDEX_POINTS=n SEEDS=a..b SUITES=names FUZZ_SECONDS=n IDLE_SECONDS=n IMAGE=name TAG=version BASE=image"

setup: ## install what the build needs (Debian packages, Rust)
	@scripts/setup

build: setup ## compile everything
	@scripts/announce-build
	$(CARGO) build --workspace
	@echo "the programs are in $(BIN)"

check: setup ## type-check everything
	@scripts/announce-build
	$(CARGO) check --workspace --all-targets

# Side by side runs what does not fight for cores: downloads beside compilation, tests of single
# nodes beside each other. Clusters have the machine for themselves: their nodes elect a new leader
# when a busy machine gives the old one no time.
test: setup ## everything: lint, unit, simulation, chart, process, crash, power, cluster and API server tests
	@scripts/room
	@scripts/steps "lint prepare" unit build "chart-test client-test crash-test" cluster-test apiserver-test

# The same loops as in `test`, for longer: nights instead of minutes.
soak: setup ## the loops of the tests for hours: seeds, hostile input, crashes, power failures, a cluster at rest
	@SEEDS=0..50000 CRASH_ROUNDS=1000 POWER_ROUNDS=200 KILL_ROUNDS=100 LOST_VOLUMES=10 MOVE_POINTS=1000000 INDEX_POINTS=1000000 IDLE_SECONDS=3600 MANY_CLUSTERS=1000 MANY_SECONDS=60 FUZZ_SECONDS=600 scripts/steps build sim fuzz crash-test cluster-test apiserver-test

prepare: $(VENV)/.done ## download what tests need beside the build: Python's packages, Kubernetes' binaries
	@e2e/kubernetes/tools charts
	@[ -n "$$KUBEBUILDER_ASSETS" ] || e2e/kubernetes/tools apiserver

tidy: setup ## the figures of each crate: sizes, words, import cycles
	@$(CARGO) run -q -p xtask -- tidy

lint: setup ## formatting, clippy, licences and bans
	$(CARGO) fmt --all --check
	@scripts/announce-build
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@scripts/deny licenses bans sources

# The tests of vane-e2e start real clusters: `cluster-test` and `apiserver-test` run them. No
# documentation holds a test: to look for some is to compile every crate once more.
unit: setup ## Rust tests, 500 seeds of the simulation among them
	@scripts/announce-build
	$(CARGO) test --workspace --exclude vane-e2e --tests

client-test: build $(VENV)/.done ## process tests with the official Python client
	$(PYTEST) $(CLIENT_TESTS) -m "not crash"

crash-test: build $(VENV)/.done ## kill -9 and power failure in the middle of a load
	@echo "killing the node $(CRASH_ROUNDS) times, cutting its power $(POWER_ROUNDS) times: about half a minute"
	CRASH_ROUNDS=$(CRASH_ROUNDS) POWER_ROUNDS=$(POWER_ROUNDS) $(PYTEST) $(CLIENT_TESTS) -m crash

cluster-test: build ## clusters of real processes: killed, cut off, frozen, without power or room
	@echo "hurting real clusters, cutting their power $(POWER_ROUNDS) times: about seven minutes"
	POWER_ROUNDS=$(POWER_ROUNDS) VANE_BIN=$(BIN)/vane $(CARGO) test --workspace --test cluster -- --test-threads=1 --nocapture

apiserver-test: build ## the operator against a real API server: etcd and kube-apiserver as processes
	KUBEBUILDER_ASSETS=$$(e2e/kubernetes/tools apiserver) && export KUBEBUILDER_ASSETS && VANE_BIN=$(BIN)/vane VANE_OPERATOR_BIN=$(BIN)/vane-operator $(CARGO) test --workspace --test apiserver --test definitions --test operator --test packaging --test kubelet --test up -- --test-threads=$(APISERVER_TESTS) --nocapture

e2e: build $(VENV)/.done ## a real Kubernetes: the quickstart, every fault under writes (E2E_ARGS='-k …')
	e2e/kind/run $(VENV)/bin/python -s $(E2E_ARGS)

e2e-smoke: build $(VENV)/.done ## the same in short: the quickstart, and a pod killed under writes
	e2e/kind/run $(VENV)/bin/python -s -m smoke $(E2E_ARGS)

# Not a part of `test`: it downloads a few gigabytes of other people's packages.
integrations: build ## clients and integrations of other languages against real nodes (SUITES='js go')
	@VANE_BIN=$(BIN)/vane VANE_CACHE=$(VANE_CACHE) PYTHON=$(PYTHON) e2e/integrations/run $(SUITES)

crds: setup ## write the Kubernetes definitions and their reference from the types (crds/generated, docs/reference.md)
	@scripts/announce-build
	$(CARGO) run -q -p vane-crds -- crds/generated docs/reference.md

charts: crds ## write what the charts and kustomize copy or derive (versions, definitions, install.yaml)
	@scripts/charts

chart-test: ## charts and kustomize: fresh, clean, as their values say
	@scripts/chart-test

image: build ## container image of the database and the operator (IMAGE=name TAG=version BASE=image)
	@IMAGE=$(IMAGE) TAG=$(TAG) BASE=$(BASE) scripts/image $(BIN) $(VANE_CACHE)/image

kind-up: ## a real Kubernetes here: four machines in three zones, as containers of Docker
	@e2e/kubernetes/kind up

kind-down: ## remove it; tools and images stay in the cache
	@e2e/kubernetes/kind down

sim: setup ## a cluster in simulated time under faults (SEEDS=0..5000, SIM_ARGS='--bug …')
	@scripts/announce-build
	$(CARGO) run -p vane-sim -- --seeds $(SEEDS) $(SIM_ARGS)

fuzz: build ## hostile input at each door of a node (FUZZ_SECONDS=60 FUZZ_SEED=1 FUZZ_DOORS='rest files')
	for door in $(FUZZ_DOORS); do $(BIN)/vane-fuzz door $$door --seed $(FUZZ_SEED) --seconds $(FUZZ_SECONDS) || exit 1; done

demo: build ## three nodes: load packages of Debian, search them by meaning, kill a leader
	@$(BIN)/vane-demo --vane $(BIN)/vane --file e2e/examples/demo.yaml --data $(DATA) --dir $(VANE_CACHE)/demo $(DEMO_ARGS)

bench: build ## Vane beside FAISS, three nodes beside one (DATA=dir for another data set)
	@$(BIN)/vane-bench --vane $(BIN)/vane --data $(DATA) --cache $(VANE_CACHE)/bench --peers-python $(PEERS_VENV)/bin/python \
		$(if $(PEERS),--peers $(PEERS)) $(if $(PEER),--peer $(PEER)) $(BENCH_ARGS)

bench-peers: $(PEERS_VENV)/.done ## libraries for `bench` to put beside Vane (PEERS=hnswlib,usearch,qdrant-edge)

up: build ## what a YAML file asks for, as processes of this machine (FILE=e2e/examples/quickstart.yaml)
	$(BIN)/vane up -f $(FILE)

serve: build ## run a node on port 6333, points in DIR
	$(BIN)/vane serve --data-dir $(DIR)

fmt: setup ## format the Rust sources
	$(CARGO) fmt --all

audit: setup ## known vulnerabilities in dependencies (needs the network)
	@scripts/deny advisories

clean: ## remove what tests leave in the checkout; never the cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf .pytest_cache $(CLIENT_TESTS)/.pytest_cache

$(VENV)/.done: $(REQUIREMENTS)
	@echo "making the Python environment: about half a minute, once"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS)
	@touch $@

$(PEERS_VENV)/.done: $(PEERS_REQUIREMENTS)
	@echo "making the Python environment of libraries: about two minutes, once"
	$(PYTHON) -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/pip install --quiet --disable-pip-version-check -r $(PEERS_REQUIREMENTS)
	@touch $@
