# Two commands: `make run` opens the app, `make test` proves it. Both install into .venv first.

PYTHON  ?= python3
WORKERS ?= 4
ARGS    ?=

VENV  := .venv
BIN   := $(VENV)/bin
PIP   := $(BIN)/python -m pip --disable-pip-version-check
READY := $(VENV)/.ready
BENCH := $(VENV)/.ready-for-bench

.PHONY: help install run test lint format bench screenshots clean
.DEFAULT_GOAL := help

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install: $(READY) ## Create .venv and install into it, if anything changed

run: install ## Open the app (ARGS="--device cpu" and the like are handed on)
	@exec $(BIN)/python -m tutor $(ARGS)

# The tests start Python by the hundred: without bytecode each start would compile our own modules anew.
test: export PYTHONDONTWRITEBYTECODE =
test: lint ## Lint, then run all tests (ARGS are handed on to pytest)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: install ## Check style, types and layers
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -c 'from importlinter.cli import lint_imports_command as lint; lint()'

format: install ## Format the code and apply safe fixes
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

bench: $(BENCH) ## Print the benchmarks' ratios
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: install ## Draw the app's screens as PNG files in docs/screenshots
	$(BIN)/python docs/screenshots.py $(or $(ARGS),docs/screenshots)

clean: ## Remove .venv and everything that was built
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp holds the folder it was made in: an environment does not survive being moved.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "There is no '$(PYTHON)': install Python 3.11 or newer, or name one: make PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "torchtutor needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" -V): name another, as in make PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  "$(PYTHON)" -m venv --clear $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make a virtual environment: install its venv module (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "Installing into $(VENV). The first time this downloads torch, which can take minutes."
	@$(PIP) install -c constraints.txt -e '.[dev]' || { \
	  echo "The installation failed: see pip's message above, then run make again."; exit 1; }
	@rm -f $(BENCH)
	@printf '%s' '$(CURDIR)' > $@

$(BENCH): $(READY)
	$(PIP) install -c constraints.txt -e '.[dev,bench]'
	@touch $@
