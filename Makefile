# Every target runs the tools in .venv, in a line or two.
# A new machine needs Python >= 3.11, make and a C compiler; the first target that is made installs everything else.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# uv does not read pip's configuration, so the index of pip is passed to it.
PIP_INDEX = $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null || $(PYTHON) -m pip config get :env:.index-url 2>/dev/null)
UV = $(if $(PIP_INDEX),UV_DEFAULT_INDEX="$(PIP_INDEX)") UV_NO_PROGRESS=1 SSL_CERT_FILE="$${SSL_CERT_FILE:-$$PIP_CERT}" VIRTUAL_ENV=$(VENV) $(BIN)/uv
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run run-real demo test lint schema-check hooks format supergraph supergraph-check lock every-policy fuzz fuzz-graphql fuzz-composition fuzz-oracle fuzz-compiled fuzz-plans fuzz-schemas peers tools race race-peers race-page race-profile ratchet misbehaving-subgraphs test-kafka test-deploy rehearsal image-size image-digests nightly installed-hook interop ide browser clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(READY) ## Run the whole platform on its embedded stores
	@exec $(BIN)/mosafe up $(ARGS)

run-real: $(READY) ## Run it on real servers, which it starts, too
	@exec $(BIN)/mosafe up --infra $(ARGS)

demo: $(READY) ## Run it with people, accounts and a month of transactions
	@exec $(BIN)/mosafe up --demo $(ARGS)

test: $(READY) ## Run every test
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY) ## Check style and types of sources and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# A clone without the remote repository compares with its own main branch, or with its last commit.
BASE ?= $(shell for name in origin/main main HEAD; do git rev-parse --verify --quiet "$$name^{commit}" && break; done)
schema-check: $(READY) ## Check whether a schema change breaks the REST layer or online banking
	$(BIN)/router check --base "$(BASE)" $(ARGS)

hooks: $(READY) ## Run the checks of `make lint` before each commit, and check its message
	$(BIN)/pre-commit install

format: $(READY) ## Format the sources
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

supergraph: $(READY) ## Write the SDL of the subgraphs, and compose supergraph.graphql from it
	$(BIN)/mosafe sdl
	$(BIN)/router compose --config supergraph.yaml --output supergraph.graphql

supergraph-check: supergraph ## Check that what `make supergraph` writes is committed
	git diff --exit-code -- supergraph.graphql subgraphs

fuzz: $(READY) ## Send 1,000 random requests to the REST API, generated from its OpenAPI document
	$(BIN)/python -m pytest tests/e2e/test_fuzz_rest.py -n 0 --fuzz-requests=1000 $(ARGS)

every-policy: $(READY) ## Run the end-to-end tests with every policy of the router on
	$(BIN)/python -m pytest tests/e2e/test_bank.py tests/e2e/test_data_isolation.py tests/e2e/test_fuzz_graphql.py tests/e2e/test_login_limits.py \
	  tests/e2e/test_rest_routes.py tests/e2e/test_staff_rest.py tests/e2e/test_too_expensive.py -n 0 --every-policy $(ARGS)

fuzz-graphql: $(READY) ## Send 20,000 random operations to the router and the subgraphs, generated from their schemas
	$(BIN)/python -m pytest tests/e2e/test_fuzz_graphql.py -n 0 -s --graphql-fuzz-requests=5000 $(ARGS)

peers: ## Install other implementations (npm) that tests compare with; skipped without Node.js
	@tests/peers/install.sh

tools: ## Fetch tools for tests by hand (Go, Java) into a cache outside the tree; skipped without them
	@tests/tools/install.sh

misbehaving-subgraphs: $(READY) tools ## Measure calls to subgraphs that delay, reset, throttle and swallow responses
	$(BIN)/python -m pytest tests/router/transport/test_misbehaving_subgraphs.py -n 0 -s --misbehaving-subgraphs $(ARGS)

nightly: ## Run what the pipelines run each night: the heavy tests, with Chromium, real Kafka and Traefik
	@.ci/nightly

installed-hook: $(READY) ## Let pre-commit install the last commit of this repository for its hook, and run it
	$(BIN)/python -m pytest tests/ci/test_templates.py -n 0 -k hook_of_pre_commit --installed-hook $(ARGS)

test-kafka: $(READY) tools ## Test the events with a real Kafka: killed, without access, read by time; needs Java
	$(BIN)/python -m pytest tests/subgraphs/kit/events/test_real_kafka.py -n 0 --real-kafka $(ARGS)

test-deploy: $(READY) tools ## Test the deployment with the tools that read it: docker compose, Traefik, kubeconform, helm; needs Go
	$(BIN)/python -m pytest tests/deploy -n 0 --deploy-tools $(ARGS)

rehearsal: $(READY) ## Lose and restore a bank on embedded stores, PostgreSQL and MongoDB, and print how long each step takes
	$(BIN)/python -m pytest tests/mosafe/backup/test_rehearsal.py -n 0 -s -k promised $(ARGS)

image-size: $(READY) ## Compute the compressed size of each container image, and compare it with the budget
	$(if $(PIP_INDEX),UV_DEFAULT_INDEX="$(PIP_INDEX)") SSL_CERT_FILE="$${SSL_CERT_FILE:-$$PIP_CERT}" $(BIN)/python -m tests.deploy.image_size $(ARGS)

image-digests: $(READY) ## Ask registries for the digests of the images of others, and pin them; needs crane or Go
	@command -v crane >/dev/null || tests/tools/install.sh crane
	$(BIN)/python -m tests.deploy.image_digests $(ARGS)

interop: ## Install GraphQL clients and Mermaid (npm) that tests use; skipped without Node.js
	@tests/peers/install.sh tests/interop clients
	@tests/peers/install.sh tests/docs diagrams

ide: ## Bundle GraphiQL (npm) for the router's page; skipped without Node.js
	@tests/peers/install.sh graphiql graphiql
	@graphiql/build.sh

browser: $(READY) ide ## Look at every page with Chromium and axe-core; needs Chromium and Node.js
	@tests/peers/install.sh tests/browser browser
	@$(UV) pip install --quiet --require-hashes -r tests/browser/requirements.txt
	$(BIN)/python -m pytest tests/browser -n 0 --browser-pages $(ARGS)

COUNT ?= 10000
SEED  ?= 1
fuzz-composition: $(READY) peers ## Compose COUNT generated sets of subgraphs with Apollo's composition and this one
	$(BIN)/python -m tests.peers.fuzz --count $(COUNT) --seed $(SEED) $(ARGS)

fuzz-oracle: $(READY) ## Run COUNT generated operations through the router and through one server with all the data
	$(BIN)/python -m tests.router.oracle.run --count $(COUNT) --seed $(SEED) $(ARGS)

fuzz-compiled: $(READY) ## Compare compiled plans with the interpreter in COUNT executions, with faults in responses
	$(BIN)/python -m tests.router.oracle.compiled_run --count $(COUNT) --seed $(SEED) $(ARGS)

fuzz-plans: $(READY) peers ## Plan operations on COUNT generated supergraphs with Apollo's planner and this one
	$(BIN)/python -m tests.peers.fuzz_plans --count $(COUNT) --seed $(SEED) $(ARGS)

fuzz-schemas: $(READY) peers ## Compare changes of COUNT generated pairs of schemas with graphql-inspector and operations
	$(BIN)/python -m tests.router.schema_check.differential --count $(COUNT) --seed $(SEED) $(ARGS)

bench: $(READY) peers ## Measure composition, planning, execution, calls of subgraphs, the bank, fraud decisions, policies, schema checks and usage
	$(BIN)/python -m benchmarks.composition.run $(ARGS)
	$(BIN)/python -m benchmarks.planning.run
	$(BIN)/python -m benchmarks.preparation.run
	$(BIN)/python -m benchmarks.start.run
	$(BIN)/python -m benchmarks.execution.run
	$(BIN)/python -m benchmarks.exchange.run
	$(BIN)/python -m benchmarks.fraud.run
	$(BIN)/python -m benchmarks.bank.run
	$(BIN)/python -m benchmarks.auth.run
	$(BIN)/python -m benchmarks.policies.run
	$(BIN)/python -m benchmarks.overload.run
	$(BIN)/python -m benchmarks.schema_check.run
	$(BIN)/python -m benchmarks.usage.run

race: $(READY) ## Measure the router beside others on recorded subgraphs, and write docs/benchmarks.md; see there
	$(BIN)/python -m benchmarks.race.run $(ARGS)

race-page: $(READY) ## Write docs/benchmarks.md again from the data of the last race
	$(BIN)/python -m benchmarks.race.page

race-profile: $(READY) ## Show where the processor time of a request goes, by library and by function; needs perf
	$(BIN)/python -m benchmarks.race.profile $(ARGS)

ratchet: $(READY) ## Compare the instructions of requests with those at the merge base with BASE; needs valgrind
	$(BIN)/python -m benchmarks.ratchet.run --base "$(BASE)" $(ARGS)

race-peers: ## Install and build the other routers of `make race` into a cache outside the tree; needs Node.js and Rust
	@benchmarks/race/routers/install.sh

lock: $(READY) ## Update requirements.lock from pyproject.toml
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra dev --quiet --output-file requirements.lock pyproject.toml

clean: ## Remove everything that other targets created, except the data directory
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock has a hash for every file, including the build backend, so every download is pinned. The project itself is
# built without isolation, and therefore without the network.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "MoSafe needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "Setting up $(VENV); this happens once, and again when the dependencies change."
	@test -x $(BIN)/python || { echo "  creating a virtual environment with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV); }
	@echo "  installing uv, which installs everything else"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
	@echo "  installing $$(grep -c '^[a-z0-9].*==' requirements.lock) packages at the versions and hashes of requirements.lock"
	@$(UV) pip install --quiet --require-hashes -r requirements.lock
	@echo "  installing MoSafe itself, in editable mode"
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
