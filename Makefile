.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.synced

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(READY): uv.lock pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
	@$(or $(PYTHON),$(error Meridian needs Python 3.11 or newer)) -I libs/devstack/src/devstack/bootstrap.py

up: $(READY) ## Install what is missing, start everything and print the address
	@$(BIN)/meridian up

down: ## Stop what make up started
	@$(BIN)/meridian down

test: $(READY) ## Lint, types, schemas and every test, on real PostgreSQL and Kafka
	@.ci/checks all

lint: $(READY) ## Style, the import contracts and the declared dependencies
	@.ci/checks lint

types: $(READY) ## mypy --strict
	@.ci/checks types

schemas: $(READY) ## Write all that is generated anew: schemas, AsyncAPI, docs/events.md, docs/metrics.md, the dashboard, web/openapi.json
	@$(BIN)/python -m contracts.schemas write
	@$(BIN)/python -m chassis.observability write
	@$(BIN)/python -m tests.web.description write

bench: $(READY) ## The figures of a running stack beside their limits and baselines
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.backbone

chaos: $(READY) ## The backbone under faults, and what it lost: MINUTES=2 SEED=… CLIENT=… PROVE=1
	@$(BIN)/python -m chaos $(if $(SEED),--seeds $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(CLIENT),--client $(CLIENT)) $(if $(PROVE),--prove)

demo: $(READY) ## Load the demo data into the running stack
	@$(BIN)/meridian demo load

new-service: $(READY) ## Make a service that starts and passes: NAME=campaigns
	@$(BIN)/python -m meridian.new_service $(NAME) $(AGGREGATE)

.PHONY: help up down test lint types schemas bench chaos demo new-service
