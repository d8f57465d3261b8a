# `make help` lists what there is.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
ARGS ?=

.PHONY: help demo test test-peers check fast lock wheel soak bench screenshots clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.run ## the whole chain on this machine: rehearsal server, demo track, status page (ARGS="--seconds 20")
	@$(PY) -m bridge demo $(ARGS)

test: $(VENV)/.dev check fast ## lint, types, contracts and the quick tests

check: $(VENV)/.dev ## ruff, mypy, import-linter
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

fast: $(VENV)/.dev ## the quick tests alone
	$(PY) -m pytest -q -n 3 $(ARGS)

test-peers: $(VENV)/.dev ## tests against programs others wrote (JACK, PulseAudio, Pure Data, ...): installs them with apt
	tests/peers/install.sh
	$(PY) -m pytest -q -o addopts="--strict-markers --import-mode=importlib" tests/peers $(ARGS)

soak: $(VENV)/.dev ## a fault every 20 seconds for MINUTES (30): does anything grow, linger or slow down?
	$(PY) -m benchmarks.soak --minutes $(or $(MINUTES),30) $(ARGS)

bench: $(VENV)/.dev ## every figure in the README, measured on this machine (takes minutes)
	$(PY) -m benchmarks.all $(ARGS)

screenshots: $(VENV)/.dev ## the pictures in the README, taken from a running demo with headless Chromium
	$(PY) docs/screenshots.py

wheel: $(VENV)/.dev ## build dist/*.whl
	$(PY) -m pip wheel -q --no-deps --no-build-isolation -w dist .

lock: ## renew requirements/*.txt from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra ndi --extra build --universal --fork-strategy fewest --python-version 3.11 --generate-hashes -q --no-header --no-annotate -o requirements/run.txt
	uv pip compile pyproject.toml --extra ndi --extra link --extra os2l --extra build --group dev --universal --fork-strategy fewest --python-version 3.11 --generate-hashes -q --no-header --no-annotate -o requirements/dev.txt

clean: ## remove the environment and caches
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Scope Bridge needs Python 3.11 or newer; this is %s. Try: make PYTHON=python3.12" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'Python has no venv module here. On Debian or Ubuntu: apt install python3-venv'; exit 1; }

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt pyproject.toml
	@echo "Installing into $(VENV) ..."
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
