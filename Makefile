.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
BENCH_STAMP := $(VENV)/.ready-bench
FUZZ_STAMP := $(VENV)/.ready-fuzz

# Compiled code is kept, whatever the shell says: a test run starts a hundred processes, and would compile
# the hub in each of them, and the tests in three.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo up test test-all check lint types imports configuration reference screenshots chaos soak fuzz lock bench clean

help: ## show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The lock file is the one statement of what is installed; the stamp is redone when it changes.
$(STAMP): requirements/dev.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# What only the benchmark needs: the others that run beside the hub.
$(BENCH_STAMP): $(STAMP) requirements/bench.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.lock
	@touch $(BENCH_STAMP)

# What only the fuzzing needs: it would slow down the start of every test.
$(FUZZ_STAMP): $(STAMP) requirements/fuzz.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.lock
	@touch $(FUZZ_STAMP)

setup: $(STAMP) ## install everything into .venv

demo: $(STAMP) ## lodge real declarations through the whole embedded stack and end
	@$(BIN)/hub demo

up: $(STAMP) ## keep the embedded stack running on fixed ports
	@$(BIN)/hub up

test: $(STAMP) ## the tests that every change must pass
	@$(BIN)/python -m pytest -n 3 -m "not slow" tests

test-all: $(STAMP) ## every test, the slow ones too
	@$(BIN)/python -m pytest -n 3 tests

check: lint types imports configuration ## style, types, import rules, configuration

lint: $(STAMP)
	@$(BIN)/ruff check hub chaos fuzz benchmarks tests
	@$(BIN)/ruff format --check hub chaos fuzz benchmarks tests

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@$(BIN)/lint-imports --no-cache

configuration: $(STAMP)
	@$(BIN)/hub agencies check

bench: $(BENCH_STAMP) ## the hub against others, side by side: tables, ratios, pictures (12 minutes)
	@$(BIN)/python -m benchmarks.run

reference: $(STAMP) ## write the schema and the list of keys into adapters_config
	@$(BIN)/python -m hub.config.reference adapters_config

screenshots: $(STAMP) ## write the pictures of the documents (needs Chromium)
	@$(BIN)/python -m tests.console.screenshots docs/images

# Legs that have been played to their end are not played again: what is interrupted goes on where it was.
chaos: $(STAMP) ## break everything around declarations under way, by a seed (SEED, DECLARATIONS, KILLS, FAULTS)
	@$(BIN)/python -W ignore::UserWarning -m chaos --seed "$(or $(SEED),1)" --declarations "$(or $(DECLARATIONS),400)" \
	  $(if $(KILLS),--kills "$(KILLS)") $(if $(FAULTS),--faults "$(FAULTS)") $(CHAOS)

soak: $(BENCH_STAMP) ## the hub for a long time at half of what this machine can do (MINUTES)
	@$(BIN)/python -m benchmarks.soak --minutes "$(or $(MINUTES),40)" --results "$(or $(RESULTS),benchmarks/results)"

fuzz: $(FUZZ_STAMP) ## bad input at every door of a running hub, by a seed (SEED, INPUTS)
	@$(BIN)/python -m fuzz --seed "$(or $(SEED),1)" --inputs "$(or $(INPUTS),100000)" $(FUZZ)

lock: ## pin every dependency with its hashes (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header -q -o requirements/dev.lock
	@uv pip compile pyproject.toml --universal --python-version 3.11 -c requirements/dev.lock \
	  --generate-hashes --no-emit-index-url --no-header -q -o requirements/run.lock
	@uv pip compile pyproject.toml --extra bench --universal --python-version 3.11 -c requirements/dev.lock \
	  --generate-hashes --no-emit-index-url --no-header -q -o requirements/bench.lock
	@uv pip compile pyproject.toml --extra fuzz --universal --python-version 3.11 -c requirements/dev.lock \
	  --generate-hashes --no-emit-index-url --no-header -q -o requirements/fuzz.lock

clean: ## remove what was installed and what runs left behind
	@rm -rf $(VENV) .hub .mypy_cache .ruff_cache .pytest_cache .hypothesis
