# make demo      install, then show the main job on synthetic people
# make test      install what the tests need, then run the whole gate
# make test-milvus      start a Milvus server in a temporary folder, test galleries in a cluster against it, stop it
# Variables: PYTHON=python3.12 chooses the interpreter, VENV the environment, PIP_ARGS goes to pip install, OUT is the demo's folder, or the file
# that `make weights` writes.

SHELL := /bin/bash
VENV ?= .venv
PYTHON ?=
PIP_ARGS ?=
OUT ?= demo
BIN := $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-input --constraint constraints.txt $(PIP_ARGS)

.DEFAULT_GOAL := help
.PHONY: help install demo test test-milvus lint format weights clean

help:
	@sed -n 's/^# make/make/p' Makefile
	@echo "others: make install, lint, format, weights, clean"

# The stamps record what was installed: a second call does nothing until pyproject.toml or constraints.txt change.
$(VENV)/.installed: pyproject.toml constraints.txt
	@scripts/make_venv.sh "$(VENV)" "$(PYTHON)"
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[test]'
	@touch $@

$(VENV)/.installed-milvus: $(VENV)/.installed-test
	$(PIP_INSTALL) --editable '.[test,milvus-server]'
	@touch $@

install: $(VENV)/.installed
	@echo "Installed; the command is $(BIN)/aio-reid"

demo: $(VENV)/.installed
	$(BIN)/aio-reid demo "$(OUT)"

test: $(VENV)/.installed-test
	PYTHON="$(BIN)/python" scripts/gate.sh

# The same tests of the contract as in `make test`, which skips those that need a server.
test-milvus: $(VENV)/.installed-milvus
	$(BIN)/python scripts/milvus_server.py $(BIN)/python -m pytest -q tests/gallery/store/test_contract.py \
		tests/gallery/store/milvus tests/cli/test_cluster_commands.py

lint: $(VENV)/.installed-test
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

format: $(VENV)/.installed-test
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

# The one documented command that makes the packaged weights anew (hours; a GPU is used where there is one).
weights: $(VENV)/.installed
	PATH="$(abspath $(BIN)):$$PATH" scripts/make_weights.sh

clean:
	rm -rf "$(VENV)" build dist .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
