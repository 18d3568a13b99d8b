# Everything a new user needs: `make run` and `make test` set up what they use.
PYTHON ?= $(shell sh deploy/find-python.sh)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test round-trips torture install check bench fuzz fmt clean

run: install
	@$(BIN)/gateway demo

test: install
	@$(BIN)/python -m pytest

# The long form: 1,000 generated instances of every message type, XML → JSON → XML, and 500 near misses of
# every simple type.
round-trips: install
	@GATEWAY_INSTANCES=1000 $(BIN)/python -m pytest tests/unit/standard/test_round_trip.py \
		tests/unit/standard/test_agreement.py --dist load

# Kills and faults while 100,000 messages flow, over both stores (docs/proof.md): an hour or more. A short form:
# `gateway torture --short`.
torture: install
	@$(BIN)/gateway torture --json

# Each start reads the bytecode, also where the environment keeps Python from writing it.
install: $(STAMP)
	@$(BIN)/python -m compileall -q gateway

$(STAMP): requirements.lock pyproject.toml
	@sh deploy/make-venv.sh $(PYTHON) $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

check: install
	@$(BIN)/ruff format --check gateway tests
	@$(BIN)/ruff check gateway tests
	@$(BIN)/mypy gateway
	@$(BIN)/python -m pytest tests/test_floors.py
	@$(BIN)/gateway check

bench: install
	@$(BIN)/gateway bench

# A thousand made-up messages through every mapping: some minutes. SEED=N gives others.
fuzz: install
	@$(BIN)/gateway mapping fuzz --all --cases 1000 --seed $(or $(SEED),0) --json

fmt: install
	@$(BIN)/ruff check --fix --quiet gateway tests
	@$(BIN)/ruff format gateway tests

clean:
	rm -rf $(VENV) build dist *.egg-info
