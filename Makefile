# Every command a person needs; `make help` lists them.
PYTHON ?= python3
UV_VERSION := 0.13.8
BIN := .venv/bin
# The stack on AWS that deploy and destroy work on.
NAME ?= stedi
# Each starts engines and servers of its own, of some 2 GB together.
TEST_PROCESSES ?= 4
READY := .venv/.ready
# The theme announces its successor at each start, and says itself that this turns it off.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# Bytecode is compiled here, once: uv does not do it by itself, and without it every run compiles for seconds.
# The lock file names versions and hashes only; --system-certs lets a company's own certificate authority be trusted.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "STEDI needs Python 3.11, 3.12 or 3.13, and %s is Python %d.%d. Install one and run: make PYTHON=python3.12 setup" % (sys.executable, *v))'
	@$(PYTHON) -m venv .venv || { echo "No virtual environment could be made: on Debian and Ubuntu, install python3-venv first." >&2; exit 1; }
	@echo "Setting up .venv (once; about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --require-hashes --python $(BIN)/python -r requirements.lock
	@$(BIN)/uv pip install --quiet --system-certs --no-deps --python $(BIN)/python --editable .
	@touch $@

.PHONY: setup
setup: $(READY) ## Make .venv with everything in it
	@$(BIN)/python -m compileall -q stedi_dagster

.PHONY: run
run: setup ## Set up, make landing data if there is none, and materialize all eight tables
	@test -n "$$STEDI_LANDING" -o -d data/landing || $(BIN)/stedi generate data/landing
	@$(BIN)/stedi run

.PHONY: test
test: setup ## Set up, then run the tests
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: ui
ui: setup ## The Dagster UI on 127.0.0.1:3000
	@$(BIN)/stedi ui

.PHONY: check
check: setup ## Lint, formatting, types, the direction of imports, and the documentation's links
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@# Without --quiet, under which MkDocs does not count the warnings that --strict is about.
	@$(MKDOCS) build --strict

.PHONY: docs
docs: setup ## The documentation on 127.0.0.1:8000
	@$(MKDOCS) serve --dev-addr 127.0.0.1:8000

.PHONY: reference
reference: setup ## Write docs/reference/ anew from the code
	@$(BIN)/python -m docs.generator

.PHONY: format
format: setup ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: bench
bench: setup ## Measure the platform beside plain Spark, five Spark processes and DuckDB
	@$(BIN)/python -m bench

.PHONY: screenshots
screenshots: setup ## Make the documentation's pictures of the UI anew (needs Chromium)
	@$(BIN)/python -m stedi_dagster_tests.ui.screenshots

.PHONY: deploy
deploy: setup ## Create or update the stack on AWS (NAME=stedi), and print its settings
	@$(BIN)/python -m infra deploy --name $(NAME) $(ARGS)

.PHONY: destroy
destroy: setup ## Delete the stack on AWS (NAME=stedi); data stays without ARGS=--delete-data
	@$(BIN)/python -m infra destroy --name $(NAME) $(ARGS)

.PHONY: lock
lock: setup ## Resolve the dependencies anew into requirements.lock
	@$(BIN)/uv pip compile --system-certs --quiet --upgrade --universal --generate-hashes --no-header --group dev pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## Remove the environment and everything the platform has written
	@rm -rf .venv .stedi data/landing site
