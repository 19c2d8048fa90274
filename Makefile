# Bare `make` lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
DATA ?=
OUT ?=
RUN ?=
# Numeric libraries bring a thread pool each; on few cores they only take turns.
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM = false

.PHONY: help demo run test lint format protos test-system test-faults clean \
	eval-logs eval-detection eval-incidents invented eval-quiet eval-memory eval-causes eval-blameless eval-drafts \
	bench-ingestion bench-detection bench-memory bench-drafting

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.venv/installed: pyproject.toml deploy/install.sh
	@deploy/install.sh && touch $@

.venv/installed-dev: pyproject.toml deploy/install.sh
	@deploy/install.sh dev && touch $@ .venv/installed

demo: .venv/installed ## installs, replays the checkout outage, prints card and post-mortem
	@$(BIN)/afteraction demo

run: .venv/installed ## starts everything for use, data in ./.afteraction
	@$(BIN)/afteraction serve

test: .venv/installed-dev ## runs the suite on every core, against real PostgreSQL and the real model
	$(BIN)/pytest -n auto --dist loadfile

lint: .venv/installed-dev ## ruff, mypy, the floors, the protos and their stubs
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python protos/generate.py --lint
	$(BIN)/python protos/generate.py --check

format: .venv/installed-dev ## mends what ruff can mend
	$(BIN)/ruff check --fix .

protos: .venv/installed-dev ## makes the stubs anew
	$(BIN)/python protos/generate.py

test-system: .venv/installed-dev ## real senders, the command as a user starts it, pages in a browser
	$(BIN)/pytest tests/system -o "norecursedirs=.*"

test-faults: .venv/installed-dev ## kill -9, lost answers, a database that goes away
	$(BIN)/pytest tests/faults -o "norecursedirs=.*"

eval-logs: .venv/installed-dev ## grouping accuracy of log patterns: DATA=DIR OUT=OUTDIR
	$(BIN)/python -m tests.eval.ingestion_logs $(or $(DATA),../shared/data/logs) $(OUT)

eval-detection: .venv/installed-dev ## Numenta's benchmark: DATA=DIR
	$(BIN)/python -m tests.eval.detection_nab $(or $(DATA),../shared/data/detection/nab)

eval-incidents: .venv/installed-dev ## recorded incidents through the detector alone: DATA=DIR
	$(BIN)/python -m tests.eval.detection_incidents $(or $(DATA),../shared/data/incidents)

invented: .venv/installed-dev ## writes incidents of invented systems as cases: OUT=DIR
	$(BIN)/python -m tests.eval.invented_incidents $(OUT)

eval-quiet: .venv/installed-dev ## a simulated month of 200 services in which nothing happens (about five minutes)
	$(BIN)/python -m tests.eval.detection_quiet

eval-memory: .venv/installed-dev ## retrieval quality through the running service: DATA=DIR RUN=OUTDIR
	$(BIN)/python -m tests.eval.memory_retrieval $(or $(DATA),../shared/data/retrieval) $(RUN)

eval-causes: .venv/installed-dev ## recorded incidents through the running stack: DATA=DIR OUT=FILE.jsonl
	$(BIN)/python -m tests.eval.causes $(or $(DATA),../shared/data/incidents) $(OUT)

eval-blameless: .venv/installed-dev ## precision and recall of the blameless lint: DATA=DIR
	$(BIN)/python -m tests.eval.blameless $(or $(DATA),../shared/data/postmortems)

eval-drafts: .venv/installed-dev ## drafts from real timelines against what their teams wrote: DATA=DIR
	$(BIN)/python -m tests.eval.drafts $(or $(DATA),../shared/data/postmortems)

bench-ingestion: .venv/installed-dev ## points, lines and spans per CPU-second, durable; windows of evidence
	$(BIN)/python -m tests.bench.ingestion
	$(BIN)/python -m tests.bench.evidence --days 1

bench-detection: .venv/installed-dev ## observations per second at 100,000 series, beside peers
	$(BIN)/python -m tests.bench.detection
	$(BIN)/python -m tests.bench.incident_latency

bench-memory: .venv/installed-dev ## search beside pgvector, hnswlib and others
	$(BIN)/python -m tests.bench.memory

bench-drafting: .venv/installed-dev ## card and draft with 50 services and a million lines
	$(BIN)/python -m tests.bench.drafting

clean: ## removes what was installed and generated, and keeps ./.afteraction
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
