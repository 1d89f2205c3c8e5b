# `make` lists the targets. Python 3.11+ and make are all that is needed.
PYTHON   ?= python3
VENV     ?= .venv
BIN      := $(VENV)/bin
READY    := $(VENV)/.ready
# Other versions of Prometheus and Alertmanager than those on the path: make metrics-check PROMETHEUS=FILE PROMTOOL=FILE
export PROMETHEUS PROMTOOL ALERTMANAGER AMTOOL
# Files in their order, the slow rooms first: see tests/conftest.py.
# One worker more than there are cores, for some always wait for a server; at most four.
WORKERS  := $(shell $(PYTHON) -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))')
PARALLEL := -n $(WORKERS) --dist=loadfile --no-loadscope-reorder
# The hot modules as C, in a tree of their own: beside its source, a stale one would shadow what is edited.
TREE     := build/compiled
SOURCES  := $(shell find services -type f -not -path '*/__pycache__/*')
# The schema of the log is a file among the sources, and checked there.
COMPILED_TESTS := --ignore=tests/eventlog/test_schema.py tests/compiled/with_compiled.py tests/allocation tests/eventlog tests/ledger tests/metrics tests/runtime tests/scheduler tests/system
# COMPILED=1 with run or demo: that tree is built if need be, and every process imports from it.
IN_TREE  := PYTHONPATH=$(CURDIR)/$(TREE):$(CURDIR) PYTHONSAFEPATH=1
# Measured is what production runs, so a bench compiles where a compiler and the headers of Python are.
ifeq ($(MAKECMDGOALS),bench)
COMPILED ?= $(shell $(PYTHON) -c 'import os.path as p, shutil, sysconfig as s; print(int(bool(shutil.which("cc")) and p.exists(p.join(s.get_path("include"), "Python.h"))))')
endif
ifeq ($(COMPILED),1)
CHOSEN   := $(TREE)/.built
CHOOSE   := $(IN_TREE)
endif
# Byte code is kept, whatever the shell says: each worker would else compile hundreds of them at every run.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run demo load test check traces-check metrics-check ledger-check alerts-check board-check board-pictures dashboards-check format protos schema lock bench compiled compiled-check wheel clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: $(READY) ## install everything into .venv, by hash
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "aidc needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

run: setup $(CHOSEN) ## the whole centre, running, seeded and explained (Ctrl-C stops it); DATA=DIR CLOCK=START@SPEED PROMETHEUS=FILE COMPILED=1
	$(CHOOSE) $(BIN)/aidc up --data $(or $(DATA),data) $(if $(CLOCK),--clock $(CLOCK)) $(if $(PROMETHEUS),--prometheus $(PROMETHEUS))

demo: setup $(CHOSEN) ## the main job end to end, then exit; TRACE=FILE replays a real trace of jobs or of bookings (PART=N), LOG=FILE keeps the log
	$(CHOOSE) $(BIN)/aidc demo $(if $(TRACE),--trace $(TRACE)) $(if $(PART),--part $(PART)) $(if $(LOG),--log $(LOG))

load: setup ## load on the centre that runs (make run), given back at the end; ON=RESOURCE:UNITS COMPANY=ID RATE=N SECONDS=N
	$(BIN)/aidc load $(or $(ON),a100-dev:1gpu) --as $(or $(COMPANY),CMP-0014) --rate $(or $(RATE),20) --seconds $(or $(SECONDS),10) --data $(or $(DATA),data)

test: setup ## every test, with real nats-servers and Postgres, on up to four cores
	$(BIN)/python -m pytest $(PARALLEL)

check: setup ## style, types, API lint, generated code and event schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/buf lint
	$(BIN)/python -m services.eventlog.schema --check
	$(BIN)/python -m tests.check_generated

metrics-check: setup ## what Prometheus reads, with its own tools (needs prometheus and promtool)
	$(BIN)/python -m tests.metrics.scrape | $(or $(PROMTOOL),promtool) check metrics
	$(or $(PROMTOOL),promtool) check config deploy/prometheus/prometheus.yml
	$(or $(PROMTOOL),promtool) check rules --lint=all --lint-fatal deploy/prometheus/rules.yml
	$(or $(PROMTOOL),promtool) test rules deploy/prometheus/rules_test.yml deploy/prometheus/rules_long_test.yml
	$(BIN)/python -m pytest tests/metrics/with_prometheus.py

alerts-check: setup ## alerts up to a webhook, with the real Alertmanager (needs prometheus, prometheus-alertmanager, amtool)
	$(or $(AMTOOL),amtool) check-config deploy/prometheus/alertmanager.yml
	$(BIN)/python -m pytest tests/metrics/with_alertmanager.py

board-check: setup ## the board in headless Chromium: keyboard, live changes, print, contrast (needs chromium)
	$(BIN)/python -m pytest tests/board/in_browser.py

board-pictures: setup ## the pictures of the board in docs/board (needs chromium; minutes)
	$(BIN)/python -m tests.board.pictures docs/board

dashboards-check: setup ## every query against a real Prometheus and a real load, every threshold moved (minutes)
	$(BIN)/python -m deploy.grafana.source --check
	$(BIN)/python -m tests.metrics.mutate_rules
	$(BIN)/python -m tests.metrics.check_dashboards

ledger-check: setup ## faults, properties and proofs of the ledger, then a million events rebuilt and timed (minutes)
	$(BIN)/python -m pytest $(PARALLEL) tests/ledger tests/audit tests/system/test_states_agree.py tests/ledger/with_broken_postgres.py tests/ledger/with_every_byte.py
	$(BIN)/python -m loadtests.ledger_check

traces-check: setup ## TRACES="FILE ...": real traces, all parts of them replayed and judged by their logs alone (a minute a part)
	$(BIN)/python -m tests.system.judge_trace $(TRACES)

format: setup ## rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

protos: setup ## generate services/generated from protos/, unless that breaks a client
	$(BIN)/python -m tests.check_generated --write

schema: setup ## write the machine-readable schema of the event log
	$(BIN)/python -m services.eventlog.schema --write

lock: ## resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --no-emit-index-url -o requirements.lock

bench: setup $(CHOSEN) ## measure the budgets and print them beside their limits; compiled where that can be; COMPILED=0 measures the interpreted form
	$(CHOOSE) $(BIN)/python -m loadtests.bench

compiled: $(TREE)/.built ## the hot modules compiled by mypyc, in build/compiled (needs a C compiler; minutes)
$(TREE)/.built: setup.py pyproject.toml $(SOURCES) | $(READY)
	rm -rf $(TREE)
	AIDC_COMPILED=1 $(BIN)/python setup.py --quiet build --build-base build/temp --build-lib $(TREE)
	ln -s ../../deploy $(TREE)/deploy
	@touch $@

compiled-check: compiled ## the tests of the services against the compiled tree, and both forms' logs compared (minutes)
	$(IN_TREE) $(BIN)/python -m pytest $(PARALLEL) -o pythonpath= $(or $(TESTS),$(COMPILED_TESTS))

wheel: setup ## a wheel with the hot modules compiled, for this Python and machine, in build/wheel (needs a C compiler; minutes)
	rm -rf build/lib* build/bdist* build/wheel
	AIDC_COMPILED=1 $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w build/wheel .

clean: ## forget the virtual environment and caches (never the data folder)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
