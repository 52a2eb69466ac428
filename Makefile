# Kuramori: one word for each thing a developer does. Everything installs itself into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install check static lint types imports peers coverage test test-all demo demo-handover bench fuzz check-durability package clean

help:
	@echo "make demo       the whole story in about two minutes, with simulated cameras"
	@echo "make demo-handover  a season of requests through the HTTP API, in about three minutes"
	@echo "make test       installs the test programs where allowed, then make check"
	@echo "make check      format, lint, types, import rules, tests (at most 10 minutes, no root needed)"
	@echo "make coverage   the same, counting which lines the tests run"
	@echo "make static     format, lint, types and import rules only"
	@echo "make test-all   what needs root, long runs or other programs (installs them with apt)"
	@echo "make bench      the benchmark; writes nvr/BENCHMARKS.md"
	@echo "make check-durability  makes the faults of segments/DURABILITY.md again (root; about half an hour)"
	@echo "make package    builds the Debian package for this system's Python into dist/"
	@echo "make fuzz       fires damaged inputs at every reader of foreign bytes; writes nvr/BENCHMARKS.md"

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kuramori needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made. On Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(STAMP)

install: $(STAMP)

static: lint types imports

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy
	@$(BIN)/mypy packaging/constraints.py packaging/debian/build_package.py

imports: $(STAMP)
	@$(BIN)/lint-imports

peers:
	@tests/install_peers.sh

check: static
	@tests/beside.sh $(BIN)/python

# Counting lines makes Python 3.11 twice as slow, so it is not part of `make check`.
coverage: static
	@$(BIN)/coverage erase
	@tests/beside.sh $(BIN)/coverage run
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test: peers check

# What `make test` leaves out: needs root, other programs or minutes. Missing programs are failures here.
test-all: $(STAMP) peers
	@KURAMORI_REQUIRE_PEERS=1 tests/beside_all.sh $(BIN)/python

demo: $(STAMP)
	@$(BIN)/python -m kuramori.demo

demo-handover: $(STAMP)
	@$(BIN)/python -m kuramori.demo.handover

bench: $(STAMP)
	@tests/install_peers.sh --bench
	@$(BIN)/python -m tests.bench

check-durability: $(STAMP)
	@$(BIN)/python -m tests.durability

fuzz: $(STAMP)
	@$(BIN)/python -m tests.fuzz

package: $(STAMP)
	@$(BIN)/python packaging/debian/build_package.py --python /usr/bin/python3 --pip $(BIN)/pip --out dist

clean:
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache dist
