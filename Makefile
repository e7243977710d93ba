# Everything here sets itself up: .venv with the dependencies pinned in requirements/, each checked by its hash.

# Not from the environment, where some shells and toolchains keep a HOST of their own.
HOST = 127.0.0.1
PORT ?= 8000
DATA ?= ./data
# What pytest makes of each test file is kept: making it anew costs every worker ten seconds.
unexport PYTHONDONTWRITEBYTECODE
# Options for the command at hand: make test ARGS="-k resume"
ARGS ?=
# Upgrade what is pinned as well, not only add what is missing: make lock UPGRADE=1
UPGRADE ?=

BIN := .venv/bin
WORKERS ?= logical
SET_UP = python=$$(PYTHON="$(PYTHON)" sh tools/python.sh) && "$$python" tools/environment.py
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help run quick test check lint format types imports budgets bench lock clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1	\2/' | expand -t 16

run: ## serve on HOST:PORT with demo data in DATA
	@$(SET_UP) run
	@exec $(BIN)/folkmoot serve --demo --host "$(HOST)" --port "$(PORT)" --data "$(DATA)" $(ARGS)

quick: ## the tests that start no program, in under a minute: no server, PostgreSQL or browser
	@$(SET_UP) dev
	@exec $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadgroup -m "not program" $(ARGS)

test: ## the whole suite, browser tests with the chromium on PATH or CHROMIUM=
	@$(SET_UP) dev
	@exec $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadgroup $(ARGS)

check: lint format types imports budgets ## the gates, each also a target of its own: lint format types imports budgets

lint:
	@$(SET_UP) dev
	$(BIN)/ruff check

format:
	@$(SET_UP) dev
	$(BIN)/ruff format --check

types:
	@$(SET_UP) dev
	$(BIN)/mypy

imports:
	@$(SET_UP) dev
	$(BIN)/lint-imports

budgets:
	@$(SET_UP) dev
	$(BIN)/python -m tools.budgets

bench: ## this server and a hand-written chat, measured side by side
	@$(SET_UP) dev
	@exec $(BIN)/python -m benchmarks.run $(ARGS)

lock: ## write requirements/ anew from pyproject.toml
	@$(SET_UP) lock
	$(COMPILE) pyproject.toml --group build --output-file requirements/run.txt
	$(COMPILE) pyproject.toml --group build --group test --group gates --group bench \
		--constraints requirements/run.txt --output-file requirements/dev.txt
	$(COMPILE) --group lock --output-file requirements/lock.txt
	$(COMPILE) --group generators --output-file requirements/generators.txt
	@! grep -nE '://|(^|[ =])/' requirements/*.txt

clean: ## remove .venv and the caches; the data stays
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
