# Two commands for a newcomer: `make demo` and `make test`. Everything else is for those who work on Ladle.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests benchmarks docs/pictures.py
PEERS := .venv-peers
LABEL_STUDIO := .venv-label-studio

.PHONY: demo test lint types layers unit docs results bench bench-large bench-peers label-studio torture clean

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

$(VENV)/.docs: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@

# The site, into site/; pictures of the concepts are drawn by docs/pictures.py.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# docs/results.md and its pictures, from the saved runs in results/; nothing is trained.
results: $(VENV)/.dev
	$(BIN)/ladle results page results --docs docs --timings benchmarks/results/table2.json

# Speed, as ratios in one run; about an hour on two cores, most of it table 2 with ResNet-18, with nothing else running. Writes docs/performance.md.
bench: $(VENV)/.dev
	$(BIN)/python benchmarks/selection.py $(if $(wildcard $(PEERS)/bin/python),--peers $(PEERS)/bin/python)
	$(BIN)/python benchmarks/scoring.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/table2.py
	$(BIN)/python benchmarks/device.py
	$(BIN)/python benchmarks/report.py

# A million rows in memory, ten million on disk: needs 6 GiB of memory and of disk, and half an hour.
bench-large: $(VENV)/.dev
	$(BIN)/python benchmarks/large.py
	$(BIN)/python benchmarks/shards.py
	$(BIN)/python benchmarks/report.py

# Other libraries, to compare with: their pins need an environment of their own.
bench-peers:
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet 'torch>=2.6,<2.14'
	$(PEERS)/bin/pip install --quiet scikit-activeml==1.0.1 small-text==1.4.1

# The loop with a real Label Studio server on loopback; its pins need an environment of their own.
label-studio: $(LABEL_STUDIO)/.tests
	$(LABEL_STUDIO)/bin/pytest -m label_studio tests/label_studio

$(LABEL_STUDIO)/.tests: pyproject.toml
	$(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/pip install --quiet 'label-studio>=1.23,<1.24' 'torch>=2.6,<2.14'
	$(LABEL_STUDIO)/bin/pip install --quiet --editable '.[label-studio,postgres]' pytest pytest-timeout
	touch $@

# Kills servers, workers, nodes and databases at random moments, for most of an hour. Writes docs/reliability.md.
KILLS ?= 560
SEED ?= 0
torture: $(VENV)/.dev
	$(BIN)/pytest -m torture -s tests/faults --kills $(KILLS) --seed $(SEED)

clean:
	rm -rf $(VENV) $(PEERS) $(LABEL_STUDIO) build dist site report demo.db demo.db-wal demo.db-shm .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
