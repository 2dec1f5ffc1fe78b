# One page on purpose: every target is a line or two over the tools in .venv.
# A fresh machine needs Python >= 3.11, make and a C compiler; everything else is installed here, once.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# uv does not read pip's configuration; hand it what pip was configured with.
PIP_INDEX = $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null || $(PYTHON) -m pip config get :env:.index-url 2>/dev/null)
UV = $(if $(PIP_INDEX),UV_DEFAULT_INDEX="$(PIP_INDEX)") UV_NO_PROGRESS=1 SSL_CERT_FILE="$${SSL_CERT_FILE:-$$PIP_CERT}" VIRTUAL_ENV=$(VENV) $(BIN)/uv
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run demo test lint hooks format supergraph lock fuzz fuzz-composition fuzz-oracle fuzz-plans peers interop clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(READY) ## Set up, then run the whole platform on its embedded stores
	@exec $(BIN)/mosafe up $(ARGS)

demo: $(READY) ## The same with people, accounts and a month of transactions
	@exec $(BIN)/mosafe up --demo $(ARGS)

test: $(READY) ## Set up, then run every test
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY) ## Check style and types of sources and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

hooks: $(READY) ## Run the checks of `make lint` before each commit, and check its message
	$(BIN)/pre-commit install

format: $(READY) ## Rewrite sources in the project's style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

supergraph: $(READY) ## Print the subgraphs' SDL and compose supergraph.graphql from it
	$(BIN)/mosafe sdl
	$(BIN)/router compose --config supergraph.yaml --output supergraph.graphql

fuzz: $(READY) ## Fuzz the REST API by its OpenAPI document, 1,000 requests
	$(BIN)/python -m pytest tests/e2e/test_fuzz_rest.py -n 0 --fuzz-requests=1000 $(ARGS)

peers: ## Install other implementations (npm) that tests compare with; needs Node.js, skipped without it
	@tests/peers/install.sh

interop: ## Install GraphQL clients and Mermaid (npm) that tests use; needs Node.js, skipped without it
	@tests/peers/install.sh tests/interop clients
	@tests/peers/install.sh tests/docs diagrams

COUNT ?= 10000
SEED  ?= 1
fuzz-composition: $(READY) peers ## Compose COUNT generated sets of subgraphs with Apollo's composition and ours
	$(BIN)/python -m tests.peers.fuzz --count $(COUNT) --seed $(SEED) $(ARGS)

fuzz-oracle: $(READY) ## Run COUNT generated operations through the router and through one server with all the data
	$(BIN)/python -m tests.router.oracle.run --count $(COUNT) --seed $(SEED) $(ARGS)

fuzz-plans: $(READY) peers ## Plan operations on COUNT generated federations with Apollo's planner and ours
	$(BIN)/python -m tests.peers.fuzz_plans --count $(COUNT) --seed $(SEED) $(ARGS)

bench: $(READY) peers ## Time composition, planning and execution, and those of others in the same run
	$(BIN)/python -m benchmarks.composition.run $(ARGS)
	$(BIN)/python -m benchmarks.planning.run
	$(BIN)/python -m benchmarks.execution.run

lock: $(READY) ## Resolve pyproject.toml into requirements.lock anew
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra dev --quiet --output-file requirements.lock pyproject.toml

clean: ## Remove what the targets above made (the data directory stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock carries a hash for every file, the build backend included, so nothing is fetched unpinned and the
# project itself is built without isolation (and therefore without the network).
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "MoSafe needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
	@$(UV) pip install --quiet --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
