# `make` alone prints what there is. Everything that Python needs is in .venv; `make setup` makes it.

PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
PORT ?=
ARGUMENTS ?=
PYTEST := $(BIN)/python -m pytest
NOT_FAST := slow or postgresql or fabric or firmware or browser or pkcs11 or soak

# Where bytecode is forbidden each of the tests' several hundred processes compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup packages run test test-fast test-firmware lint bench soak firmware lock proto screenshots clean

help: ## this list
	@echo "Usage: make TARGET. Most people want: make run, make test."
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'
	@echo "Variables: PORT=9000 (run), ARGUMENTS='-k receipt' (test, test-fast), PYTHON=python3.12 (setup)."

setup: ## install everything that Python and the browser need, from the lock files
	@[ -n "$(PYTHON)" ] || { echo "setup: Condocharge needs Python 3.11 or newer; install it, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) tools/environment.py
	@$(BIN)/python -m tools.web

packages: setup
	@$(BIN)/python -m tools.system_packages

run: setup ## start the platform with a demonstration condominium
	@exec $(BIN)/condocharge run $(if $(PORT),--port $(PORT)) $(ARGUMENTS)

lint: setup ## style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test: lint packages ## everything but the soak; installs what is missing
	$(PYTEST) -n 2 --dist loadgroup -m "not soak" $(ARGUMENTS)

test-fast: setup ## what needs nothing but Python, in under a minute
	$(PYTEST) -n 2 --dist loadgroup --hypothesis-profile quick -m "not ($(NOT_FAST))" $(ARGUMENTS)

test-firmware: setup ## the units' firmware in its simulators
	@$(BIN)/python -m tools.system_packages firmware
	$(PYTEST) -n 2 --dist loadgroup -m "firmware and not soak" $(ARGUMENTS)

bench: packages ## measure, and write bench/results.json
	$(BIN)/python -m bench $(ARGUMENTS)

soak: packages ## the long tests, a thousand kills among them
	$(PYTEST) -m soak --timeout 0 $(ARGUMENTS)

firmware: setup ## build every board's image
	@$(BIN)/python -m tools.system_packages firmware
	$(MAKE) --no-print-directory -C firmware PYTHON=../$(BIN)/python

LOCKED := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate $(if $(UPGRADE),--upgrade) pyproject.toml --all-extras

lock: setup ## write requirements/*.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	$(LOCKED) --group development --output-file requirements/development.txt
	$(LOCKED) --constraint requirements/development.txt --output-file requirements/production.txt

proto: setup ## generate the Python of gateway/proto, typed stubs included
	$(BIN)/python -m tools.protocol_buffers

screenshots: packages ## take the README's pictures anew
	$(BIN)/python -m tools.screenshots

clean: ## remove what was built or installed here; the demonstration's data in run/ stays
	rm -rf .venv build dist test-output .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
