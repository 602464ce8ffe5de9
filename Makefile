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

down: $(READY) ## Stop what make up started
	@$(BIN)/meridian down

test: $(READY) ## Lint, types, schemas and every test, on real PostgreSQL and Kafka
	@.ci/checks all

lint: $(READY) ## Style, the import contracts and the declared dependencies
	@.ci/checks lint

types: $(READY) ## mypy --strict
	@.ci/checks types

.PHONY: help up down test lint types
