# What a developer can do. Every target that needs the environment builds it first.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PYTHONS := 3.11 3.12 3.13
MESSAGES ?= 100000
MINUTES ?=
BENCH ?=
PLAN ?=
BEFORE ?=
RULES ?=
SERVER ?= $(SANDBOX_SERVER)
# Processes that share the tests. Each starts servers of its own, and takes whole files, those first that take long.
# Three keep two cores busy, since tests of installations wait most of their time.
JOBS ?= 3
SHARED := -n $(JOBS) --dist loadfile --no-loadscope-reorder

# The site takes half of the time of all house checks.
HOUSE := tests/house/test_site.py $(filter-out %/test_site.py,$(wildcard tests/house/test_*.py))

.DEFAULT_GOAL := help
.PHONY: help setup demo sandbox run quick style units-a-l units-m-z test browser docs openapi sbom screenshots faults clients night soak bench test-all check house lua-coverage format lock clean upgrades scale

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

setup: $(INSTALLED) ## Build .venv from the pinned, hashed lock

demo: $(INSTALLED) ## Send a two-way SMS end to end on this machine, then stop
	@$(BIN)/octopush-worker demo

sandbox: $(INSTALLED) ## Keep a complete Octopush running on this machine until Ctrl-C
	@$(BIN)/octopush-worker sandbox

run: $(INSTALLED) ## Run worker, web and what else is configured in the environment until Ctrl-C
	@$(BIN)/octopush-worker up

quick: $(INSTALLED) ## Check style and types, run unit and contract tests: the inner loop
	@$(MAKE) --no-print-directory --jobs style units-a-l units-m-z

style: $(INSTALLED) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

units-a-l: $(INSTALLED) ## Run one half of the unit and contract tests
	@$(BIN)/python -m pytest -q --hypothesis-profile quick tests/contract tests/unit/test_[a-l]*.py

units-m-z: $(INSTALLED) ## Run the other half, which takes about as long
	@$(BIN)/python -m pytest -q --hypothesis-profile quick tests/unit/test_[m-z]*.py

test: $(INSTALLED) ## Run all tests (SERVER=redis or SERVER=valkey selects the server)
	SANDBOX_SERVER=$(SERVER) $(BIN)/python -m pytest $(SHARED)

browser: $(INSTALLED) ## Run the tests of the pages in a headless Chromium
	SANDBOX_SERVER=$(SERVER) $(BIN)/python -m pytest tests/browser

docs: $(INSTALLED) ## Build the documentation as a site in site/; any warning fails
	$(BIN)/python -m sphinx -W --keep-going -q -j auto -c docs . site

openapi: $(INSTALLED) ## Write docs/openapi.json from the table of operations
	@$(BIN)/python -m tests.support.openapi_page

sbom: $(INSTALLED) ## Write sbom.json, what production installs (CycloneDX), and show it with its licences
	@$(BIN)/python -m tests.support.sbom

screenshots: $(INSTALLED) ## Take the pictures in docs/images again (needs Chromium)
	@$(BIN)/python -m tests.browser.screenshots

faults: $(INSTALLED) ## Kill, suspend and cut everything at every step (about 20 minutes)
	$(BIN)/python -m pytest tests/faults

clients: $(INSTALLED) ## Run what is done with Redis on each redis-py that is allowed (about 10 minutes)
	$(BIN)/python -m pytest tests/clients

upgrades: $(INSTALLED) ## Run the last release, this one and one to come side by side (about 10 minutes)
	$(BIN)/python -m pytest tests/upgrades

night: $(INSTALLED) ## Lose either of two hosts for a while; hold the alerts against it, draw the dashboard (about 7 minutes)
	@$(BIN)/python -m tests.soak.night

soak: $(INSTALLED) ## Send MESSAGES=100000 under constant damage and print the balance, or send for MINUTES=60
	@$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES),--messages $(MESSAGES))

bench: $(INSTALLED) ## Measure this worker beside others, on Linux (BENCH="peers shared" selects)
	@$(BIN)/python -m tests.benchmarks $(BENCH) $(if $(BEFORE),--before $(BEFORE)) $(if $(RULES),--rules)

scale: $(INSTALLED) ## Simulate large installations (PLAN="--messages 50000000 --workers 4 ..." for one of your own)
	@$(BIN)/python -m tests.scale $(PLAN)

test-all: ## Run all tests on every Python of 3.11 to 3.13 that is installed
	@for v in $(PYTHONS); do \
		if python$$v -c '' 2>/dev/null; then echo "== Python $$v" && \
			$(MAKE) --no-print-directory test PYTHON=python$$v BIN=.venv-$$v/bin INSTALLED=.venv-$$v/.installed || exit 1; \
		else echo "== Python $$v is not installed"; fi; done

check: $(INSTALLED) ## Check style, types, import directions, Lua and papers
	@$(MAKE) --no-print-directory --jobs style house

house: $(INSTALLED) ## Check import directions, Lua and papers
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q $(SHARED) $(HOUSE)

lua-coverage: $(INSTALLED) ## Run the integration tests; list the branches of Lua that none of them reaches
	SANDBOX_SERVER=$(SERVER) $(BIN)/python -m pytest -p tests.support.lua_coverage tests/integration

format: $(INSTALLED) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Pin the newest allowed dependencies (needs uv)
	uv lock --upgrade
	uv export --format requirements-txt --no-emit-project --no-header --no-annotate --frozen --all-extras --group dev -o requirements-dev.lock
	uv export --format requirements-txt --no-emit-project --no-header --no-annotate --frozen --no-dev --extra worker --extra web --extra console --extra otel --extra sentry -o requirements.lock
	uv export --format requirements-txt --no-emit-project --no-header --no-annotate --frozen --only-group build -o deploy/build.lock

clean: ## Remove everything that was built
	rm -rf .venv .venv-3.* .bench dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(INSTALLED): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear $(patsubst %/,%,$(dir $(INSTALLED)))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)
