# Every target works on a bare Debian 12 or Ubuntu with python3 (3.11 or newer), python3-pip, make and git.
# What is installed is written in requirements/*.lock, with hashes; nothing is installed outside .tools and .venv.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

TOOLS := .tools
UV := $(TOOLS)/bin/uv
VENV := .venv
PYTHON := $(VENV)/bin/python
# Written last, so a half-made .venv is made again.
STAMP := $(VENV)/.made-from-locks
LOCKS := requirements/dev.lock requirements/build.lock
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links --python-version 3.11

# The python of the machine is used, never one that uv would fetch.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1

# A .venv whose interpreter has gone (another machine, another python) is no .venv.
ifneq ($(wildcard $(STAMP)),)
ifneq ($(shell $(PYTHON) -c 'print(1)' 2>/dev/null),1)
$(shell rm -f $(STAMP))
endif
endif

.PHONY: help setup run demo test lint bench lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: $(STAMP) ## Install everything into .venv, by hash

run: $(STAMP) ## Issue, scan, verify, revoke, refuse; then serve on 127.0.0.1:8000 until Ctrl-C
	@$(VENV)/bin/ecert demo --serve

demo: $(STAMP) ## The same story, then exit; status 1 if a verdict came out wrong
	@$(VENV)/bin/ecert demo

test: $(STAMP) ## Run every test on two processes, and check that nothing is left behind
	@$(PYTHON) -m tests.house.clean_run -n 2 --dist worksteal $(ARGS)

lint: $(STAMP) ## ruff check, ruff format --check, mypy --strict
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(STAMP) ## Measure, at most ten minutes; make bench QUICK=1 has a look in one
	@$(PYTHON) -m benchmarks $(if $(QUICK),--quick) $(ARGS)

lock: $(UV) ## Write requirements/*.lock anew; make lock ARGS=--upgrade takes newer versions
	$(COMPILE) $(ARGS) pyproject.toml --all-extras --output-file requirements/run.lock
	$(COMPILE) $(ARGS) pyproject.toml --all-extras --group test --group lint --group bench \
		--constraint requirements/run.lock --output-file requirements/dev.lock
	$(COMPILE) $(ARGS) --group build --output-file requirements/build.lock
	$(COMPILE) $(ARGS) --group bootstrap --output-file requirements/bootstrap.lock

clean: ## Remove .venv, .tools and what tools cached; keys/private and var stay
	rm -rf $(VENV) $(TOOLS) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `pip install uv` and `python3 -m venv` both fail on bare Debian; --target does not.
$(UV): requirements/bootstrap.lock
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "python3 3.11 or newer is needed, found $$(python3 --version)" >&2; exit 1; }
	@python3 -m pip --version >/dev/null 2>&1 \
		|| { echo "pip is needed: apt-get install python3-pip" >&2; exit 1; }
	rm -rf $(TOOLS)
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
		--require-hashes --target $(TOOLS) -r requirements/bootstrap.lock
	@touch $@

$(STAMP): $(UV) $(LOCKS) pyproject.toml
	$(UV) venv --quiet --clear --python python3 $(VENV)
	$(UV) pip install --quiet --python $(PYTHON) --require-hashes $(addprefix -r ,$(LOCKS))
	$(UV) pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@touch $@
