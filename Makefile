# Everything is made from here; `make` or `make help` lists it. Needs Python 3.11+, make and git, nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
PEOPLE ?= 10000
NIGHTS ?= 5
FROM ?= 2026-10-29
PORT ?= 8080
DB ?= sqlite
REAL_NIGHTS ?= 30
BENCH_PEOPLE ?= 100000
BENCH_NIGHTS ?= 2
TEST_WORKERS ?= 2

VENV := .venv
UV_VERSION := 0.13.9
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "PEOPLE=$(PEOPLE) NIGHTS=$(NIGHTS) FROM=$(FROM) are the size of the demo group; LAKE_ROOT is where it lives."

.PHONY: run
run: setup ## Set up, make the demo group, run its nights, print what came out
	$(BIN)/python -m dags demo --people $(PEOPLE) --nights $(NIGHTS) --from $(FROM)

.PHONY: run-real
run-real: setup ## The same night on third-party data: make run-real DATA=<folder>
	@test -n "$(DATA)" || { echo "error: no DATA; say make run-real DATA=<folder of the third-party data>" >&2; exit 1; }
	LAKE_ROOT=$${LAKE_ROOT:-$(CURDIR)/lake-real} $(BIN)/python -m dags real --data $(DATA) --nights $(REAL_NIGHTS)

.PHONY: test
test: lint pytest ## Lint, types, layering, then every test except the long ones

.PHONY: lint
lint: setup-dev ## Format, lint, types, who may import whom, whether the SQL parses
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	LAKE_ROOT=$(CURDIR)/target $(BIN)/python -m dags dbt parse --quiet

.PHONY: pytest
pytest: setup-dev ## Python tests except the long ones
	$(BIN)/python -m pytest -m "not long" -n $(TEST_WORKERS) --dist loadfile

.PHONY: test-long
test-long: setup-dev ## The tests that take minutes or hours
	$(BIN)/python -m pytest -m long

.PHONY: parity
parity: setup-dev ## Four eventful nights on DuckDB and on Spark, every published value compared
	$(BIN)/python -m pytest -s -m "long or not long" tests/parity/test_parity.py -k "eventful or publishes"

.PHONY: bench
bench: setup-dev ## Measure the night beside the bare floor (BENCH_PEOPLE=100000); python -m benchmarks -h lists the rest
	$(BIN)/python -m benchmarks --people $(BENCH_PEOPLE) --nights $(BENCH_NIGHTS)

.PHONY: scale
scale: setup-dev ## Measure how the first night grows, on DuckDB and on Spark clusters of this machine
	$(BIN)/python -m benchmarks scale

.PHONY: evaluate
evaluate: setup-dev ## How right identity is: the last night of the lake, then every third-party table that is found
	@! test -e $${LAKE_ROOT:-lake}/decisions/identity_labels.parquet || \
	$(BIN)/python -m identity_resolution evaluate --compare
	$(BIN)/python -m benchmarks records --show

.PHONY: upgrade-check
upgrade-check: setup ## What the newest allowed versions would change: a small group run with both, every digest compared
	@$(BIN)/python -m dags upgrade-check

.PHONY: airflow
airflow: setup-dev ## Airflow with its web page on this machine, until Ctrl-C (PORT=8080 DB=sqlite or postgres)
	@$(BIN)/python -m dags airflow --port $(PORT) --db $(DB)

.PHONY: compose-secrets
compose-secrets: ## The secrets that docker-compose.yml reads, into secrets/
	@$(PYTHON) -m dags.compose_secrets

.PHONY: format
format: setup-dev ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: setup
setup: $(RUN_READY) ## What a night needs, into .venv
.PHONY: setup-dev
setup-dev: $(DEV_READY) ## What tests and Airflow need besides

.PHONY: spark-setup
spark-setup: setup ## What ENGINE=spark needs besides, Java among it
	@$(MAKE) --no-print-directory install LOCK=requirements-spark.lock

# The development lock holds the other ones, so installing it serves both.
$(RUN_READY): requirements.lock
	@$(MAKE) --no-print-directory install LOCK=requirements.lock
	@touch $@
$(DEV_READY): requirements-dev.lock
	@$(MAKE) --no-print-directory install LOCK=requirements-dev.lock
	@touch $@ $(RUN_READY)

.PHONY: install
install: $(BIN)/uv
	@echo "installing $(LOCK) into $(VENV) …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement $(LOCK) --compile-bytecode
	@printf '#!/bin/sh\n# python -m dags, from any folder\nPYTHONPATH="%s" exec "%s" -m dags "$$@"\n' \
	    "$(CURDIR)" "$(CURDIR)/$(BIN)/python" > $(BIN)/onemember && chmod +x $(BIN)/onemember

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "error: '$(PYTHON)' is not Python 3.11 or newer; name one: make PYTHON=<path> …" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV) || \
	{ echo "error: '$(PYTHON)' cannot make a virtual environment; install its venv module" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

UPGRADE ?=
RESOLVE = $(BIN)/uv pip compile --quiet $(UPGRADE) --universal --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml

.PHONY: lock
lock: $(BIN)/uv ## Resolve the dependencies of pyproject.toml; pins are kept where they fit (UPGRADE=--upgrade: newest)
	$(RESOLVE) --group dev --output-file requirements-dev.lock
	$(RESOLVE) --group spark --constraint requirements-dev.lock --output-file requirements-spark.lock
	$(RESOLVE) --group airflow --constraint requirements-dev.lock --output-file requirements-airflow.lock
	$(RESOLVE) --constraint requirements-dev.lock --output-file requirements.lock

.PHONY: clean
clean: ## Take away everything that was made, except the lakes and the keys
	rm -rf $(VENV) target .airflow .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
