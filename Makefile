# Two commands for a newcomer: `make demo` and `make test`. Everything else is for those who work on Ladle.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests

.PHONY: demo test lint types layers unit clean

demo: $(VENV)/.demo
	$(BIN)/ladle run quickstart --store sqlite:///demo.db
	$(BIN)/ladle report --store sqlite:///demo.db --out report

test: lint types layers unit

lint: $(VENV)/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/pytest -n auto --dist loadfile

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist report demo.db demo.db-wal demo.db-shm .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
