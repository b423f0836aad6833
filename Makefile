# Everything a fresh machine needs is Python >= 3.11, make and git; the first target that runs makes .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Three on two cores: whoever waits for a process or for a time to pass leaves the core to another.
WORKERS ?= 3
ROUNDS  ?= 5

.DEFAULT_GOAL := help
.PHONY: help install demo test fuzz clients check types contracts dead lint format bench looks screenshots docs clean

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

test: clients ## Run the whole test suite, with the real mlflow client in .venv-clients (or in $$QD_CLIENTS)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

fuzz: $(READY) ## Draw new examples for every property test, ROUNDS times (5) or until one fails
	for round in $$(seq $(ROUNDS)); do QD_FUZZ=1 $(BIN)/python -m pytest -q -m hypothesis -n $(WORKERS) --dist worksteal || exit 1; done

clients: $(READY)
	$(BIN)/python -m tests.clients.environment

check: types contracts dead lint ## Lint, format, types, import contracts, dead code (side by side with make -j)

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

dead: $(READY)
	$(BIN)/vulture

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## Rewrite the source in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Measure everything the README's table promises (minutes; wants a quiet machine)
	$(BIN)/python -m tests.bench

screenshots: $(READY) ## Remake screenshots/ from the demo's real screens
	$(BIN)/python -m tests.screenshots

looks: $(READY) ## Draw anew what screens are to look like; read the diff
	$(BIN)/python -m pytest -q tests/console/looks --snapshot-update

docs: $(READY) ## Write the pages of docs/ that are made from the registries
	$(BIN)/python -m tests.docs

clean: ## Remove what the targets above made
	rm -rf $(VENV) .venv-clients .demo .bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
