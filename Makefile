# Everything a fresh machine needs is Python >= 3.11, make and git; the first target that runs makes .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install demo test check format bench screenshots clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --config-settings editable_mode=compat --editable '.[dev]'
	@touch $@

install: $(READY) ## Make .venv and install Quarterdeck with its tools

demo: $(READY) ## Train, register and promote real models in a fresh workspace, then open the console
	$(BIN)/qd --workspace .demo demo

test: $(READY) ## Run the whole test suite, with the real mlflow client in .venv-clients (or in $$QD_CLIENTS)
	$(BIN)/python -m tests.clients.environment
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

check: $(READY) ## Lint, format, types, import contracts, dead code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

format: $(READY) ## Rewrite the source in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Measure everything the README's table promises (minutes; wants a quiet machine)
	$(BIN)/python -m tests.bench

screenshots: $(READY) ## Remake screenshots/ from the demo's real screens
	$(BIN)/python -m tests.screenshots

clean: ## Remove what the targets above made
	rm -rf $(VENV) .venv-clients .demo .bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
