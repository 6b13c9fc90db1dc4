# Two commands for a newcomer: `make demo` and `make test`. Everything else is for those who work on Ladle.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests benchmarks conformance docs/pictures.py
PEERS := .venv-peers
LABEL_STUDIO := .venv-label-studio
FUZZ_SECONDS ?= 3600
FUZZ_TARGETS ?= choosing shards tables images configs archives stores trained

OLDEST := .venv-oldest
NEWEST := .venv-newest

.PHONY: demo test lint types layers unit attacks coverage mutation docs results bench bench-large bench-peers label-studio conformance fuzz torture oldest newest wheel clean

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

# The attacks on the labeling page alone, each with and without its defense, and a flood of 100,000 requests.
attacks: $(VENV)/.dev
	LADLE_FLOOD=100000 $(BIN)/pytest -v tests/page

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
	cp benchmarks/results/table2.json results/
	$(BIN)/ladle results page results --docs docs

# Speed, as ratios in one run; half an hour to an hour on two cores, most of it table 2 with ResNet-18, with nothing else running. Writes docs/performance.md.
bench: $(VENV)/.dev $(PEERS)/.installed
	$(BIN)/python benchmarks/selection.py --peers $(PEERS)/bin/python
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

# Every line and branch of the rooms that choose, and of the session, is run by their own tests; minutes.
coverage: $(VENV)/.dev
	$(BIN)/pip install --quiet 'coverage>=7.6'
	$(BIN)/coverage run -m pytest tests/gradients tests/scores tests/selectors tests/session tests/statistics tests/strategies tests/testing
	$(BIN)/coverage report

# Changes one thing at a time in the functions of the same rooms, and runs the room's own tests: what none of them noticed
# is in build/mutation/ROOM/survivors.diff. These are thousands; MUTATE="scores" or "--sample 150 session" for fewer.
MUTATE ?=
mutation: $(VENV)/.dev
	$(BIN)/pip install --quiet 'mutmut>=3.8,<4'
	PYTHONPATH=tests $(BIN)/python -m mutation $(MUTATE)

# Other libraries, to compare with: their pins need an environment of their own.
bench-peers: $(PEERS)/.installed

$(PEERS)/.installed:
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet 'torch>=2.6,<2.14'
	$(PEERS)/bin/pip install --quiet scikit-activeml==1.0.1 small-text==1.4.1
	touch $@

# The contracts of ladle.testing on other libraries' strategies, and ours against theirs; minutes. Writes docs/conformance.md.
conformance: $(PEERS)/.conformance
	PYTHONWARNINGS=ignore $(PEERS)/bin/python conformance/run.py

# small-text's SEALS and AnchorSubsampling need hnswlib, which needs a C++ compiler.
$(PEERS)/.conformance: Makefile pyproject.toml $(PEERS)/.installed
	$(PEERS)/bin/pip install --quiet modAL-python==0.4.2.1 hnswlib==0.8.0 --editable .
	touch $@

# The loop with a real Label Studio server on loopback; its pins need an environment of their own.
label-studio: $(LABEL_STUDIO)/.tests
	$(LABEL_STUDIO)/bin/pytest -m label_studio tests/label_studio

$(LABEL_STUDIO)/.tests: pyproject.toml
	$(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/pip install --quiet 'label-studio>=1.23,<1.24' 'torch>=2.6,<2.14'
	$(LABEL_STUDIO)/bin/pip install --quiet --editable '.[label-studio,postgres]' pytest pytest-timeout
	touch $@

# Bad input to every reader and to score and select, FUZZ_SECONDS for each target; what is found and the corpus stay in
# build/fuzz. Adds to tests/fuzz/runs.json and to the table of docs/bad-input.md.
fuzz: $(VENV)/.dev
	$(BIN)/pip install --quiet 'atheris>=2.3'
	for target in $(FUZZ_TARGETS); do PYTHONPATH=tests $(BIN)/python -m fuzz $$target --seconds $(FUZZ_SECONDS) || exit; done

# The tests with the oldest releases that pyproject.toml allows, which warn of what is past. torch is the exception: its
# older releases come with several GB of CUDA only.
oldest:
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install --quiet uv
	echo 'torch>=2.13' > $(OLDEST)/torch.txt
	$(OLDEST)/bin/uv pip compile pyproject.toml --quiet --extra dev --resolution lowest-direct --constraints $(OLDEST)/torch.txt --output-file $(OLDEST)/versions.txt
	$(OLDEST)/bin/pip install --quiet --editable '.[dev]' --constraint $(OLDEST)/versions.txt
	$(OLDEST)/bin/pytest -W default -n auto --dist loadfile

# The tests with the newest releases of everything but torch, whose cap pyproject.toml explains.
newest:
	$(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/pip install --quiet --upgrade --upgrade-strategy eager --editable '.[dev]'
	$(NEWEST)/bin/pytest -n auto --dist loadfile

# The package as people get it: built, installed outside of the repository, and used there.
wheel: $(VENV)/.dev
	$(BIN)/pip install --quiet build
	$(BIN)/pytest -m slow tests/test_wheel.py

# Kills servers, workers, nodes and databases at random moments, for most of an hour. Writes docs/reliability.md.
KILLS ?= 560
SEED ?= 0
torture: $(VENV)/.dev
	$(BIN)/pytest -m torture -s tests/faults --kills $(KILLS) --seed $(SEED)

clean:
	rm -rf $(VENV) $(PEERS) $(LABEL_STUDIO) $(OLDEST) $(NEWEST) build dist site report demo.db demo.db-wal demo.db-shm .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
