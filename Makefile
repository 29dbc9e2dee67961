SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
DEMO_INSTALLED := $(VENV)/.demo-installed
DEV_INSTALLED := $(VENV)/.dev-installed

.PHONY: help
help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Run

.PHONY: demo
demo: $(DEMO_INSTALLED) ## Run all of Gavel in one process, with its page, sample auctions and a Postgres of its own
	@scripts/build-page.sh --if-possible
	@AUTH_MODE=trusted exec $(BIN)/gavel standalone --sample-auctions

.PHONY: page
page: ## Build the page into web/dist (Node 20.19, 22.12 or newer)
	@scripts/build-page.sh

.PHONY: up
up: $(DEMO_INSTALLED) ## Run the four processes on a Postgres, RabbitMQ and Redis of their own
	@scripts/install-test-servers.sh redis-server rabbitmq-server
	@AUTH_MODE=trusted $(BIN)/python -m gavel.local_servers.stack up

.PHONY: down
down: $(DEMO_INSTALLED) ## Stop what `make up` started; the data stays
	@$(BIN)/python -m gavel.local_servers.stack down

.PHONY: queues
queues: $(DEMO_INSTALLED) ## List the queues of the RabbitMQ that `make up` started
	@$(BIN)/python -m gavel.local_servers.stack queues

.PHONY: cluster
cluster: ## Make a Kind cluster with a registry and an NGINX ingress controller
	@scripts/make-cluster.sh

.PHONY: dev
dev: ## Run Gavel in the cluster with Tilt, current within seconds of an edit
	@scripts/require-tools.sh docker kubectl helm tilt
	@tilt up --context kind-gavel

.PHONY: cluster-delete
cluster-delete: ## Remove the cluster, its registry and all that is in them
	@scripts/require-tools.sh docker kind ctlptl
	@ctlptl delete --filename deploy/ctlptl.yaml --ignore-not-found --cascade true

.PHONY: bench
bench: $(DEV_INSTALLED) ## Measure Gavel beside a naive baseline on this machine
	@scripts/install-test-servers.sh wrk redis-server rabbitmq-server
	@$(BIN)/gavel bench $(BENCH_FLAGS)

##@ Develop

.PHONY: setup
setup: $(DEV_INSTALLED) ## Make the virtual environment with everything to develop and test

$(DEMO_INSTALLED): requirements/demo.txt pyproject.toml scripts/setup.sh
	@scripts/setup.sh $(VENV) requirements/demo.txt
	@touch $@

$(DEV_INSTALLED): requirements/dev.txt pyproject.toml scripts/setup.sh
	@scripts/setup.sh $(VENV) requirements/dev.txt
	@touch $@

.PHONY: format
format: $(DEV_INSTALLED) ## Sort the imports, fix what can be fixed, format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: lint
lint: $(DEV_INSTALLED) ## Check style, types, the direction of imports, and all that deploys Gavel
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check-deploy.sh
	@scripts/check-alerts.sh

.PHONY: proto-gen
proto-gen: $(DEV_INSTALLED) ## Generate src/gavel/contracts from proto/
	@PATH="$(CURDIR)/$(BIN):$$PATH" buf generate

.PHONY: proto-gen-ts
proto-gen-ts: $(DEV_INSTALLED) web/node_modules ## Generate the TypeScript clients in web/packages/client from proto/
	@PATH="$(CURDIR)/$(BIN):$$PATH" web/generate.sh

# Node's own record of what lies in node_modules, written when all of it is there.
web/node_modules: web/node_modules/.package-lock.json
web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20.19, 22.12 or newer and npm are needed here, and were not found." >&2; exit 1; }
	@cd web && npm ci
	@touch $@

.PHONY: proto-check
proto-check: $(DEV_INSTALLED) web/node_modules ## Check that the contract is clean, breaks nobody, and that its generated code is current
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check-proto.sh

.PHONY: proto-baseline
proto-baseline: proto-check ## Take the contract as it stands as the baseline for later breaking-change checks
	@$(BIN)/buf build --exclude-source-info --output proto/baseline.binpb

.PHONY: lock
lock: ## Resolve the locked requirements again (UPGRADE=1 raises the versions)
	@scripts/lock.sh $(if $(UPGRADE),--upgrade)

##@ Test

.PHONY: check
check: lint proto-check test audit ## All that CI runs

.PHONY: test
test: $(DEV_INSTALLED) servers test-web test-page ## Run every test, with servers that are found or started for it
	@$(BIN)/pytest $(PYTEST_FLAGS)

.PHONY: test-web
test-web: web/node_modules ## Check the page and the TypeScript client: format, lint, types, unit and component tests, build
	@cd web && npm run --silent check

.PHONY: test-page
test-page: $(DEV_INSTALLED) web/node_modules ## Run the page's tests in a real browser against a real Gavel
	@[ -n "$${CHROMIUM:-}" ] || scripts/install-test-servers.sh chromium
	@scripts/build-page.sh
	@cd web && npm run --silent test:e2e

.PHONY: test-unit
test-unit: $(DEV_INSTALLED) ## Run the tests that need no server
	@$(BIN)/pytest tests/unit tests/house $(PYTEST_FLAGS)

.PHONY: test-integration
test-integration: $(DEV_INSTALLED) servers ## Run the tests against real servers
	@$(BIN)/pytest -m integration $(PYTEST_FLAGS)

.PHONY: test-e2e
test-e2e: $(DEV_INSTALLED) servers test-page ## Run the tests against the real processes, the page in a real browser among them
	@$(BIN)/pytest -m e2e $(PYTEST_FLAGS)

.PHONY: test-faults
test-faults: $(DEV_INSTALLED) servers ## Run every test of faults, each as long as it lasts, then kill processes KILLS times
	@$(BIN)/pytest -m fault --whole $(PYTEST_FLAGS)
	@AUTH_MODE=trusted $(BIN)/python -m tests.chaos.run --seed $(or $(SEED),1) --kills $(or $(KILLS),200)

.PHONY: chaos
chaos: $(DEV_INSTALLED) servers ## Harm two of each process and their servers under load, then check the books (SEED=n)
	@AUTH_MODE=trusted $(BIN)/python -m tests.chaos.run --seed $(or $(SEED),1)

.PHONY: image-check
image-check: $(DEV_INSTALLED) servers ## Build the Python image without an engine and run all of Gavel from it (Debian, as root)
	@scripts/install-test-servers.sh buildah debootstrap
	@$(BIN)/python -m tests.image.run

.PHONY: fuzz
fuzz: $(DEV_INSTALLED) ## Send 50,000 requests made from the contract: no 5xx, no hang, no traceback (SEED=n CASES=n)
	@$(BIN)/python -m tests.fuzz.run --seed $(or $(SEED),1) --cases $(or $(CASES),50000)

.PHONY: audit
audit: $(DEV_INSTALLED) ## Ask the advisory services whether a locked package has a known weakness
	@scripts/audit.sh $(VENV)

.PHONY: servers
servers: ## Install the servers and tools that tests and benchmarks use (Debian, as root)
	@scripts/install-test-servers.sh

.PHONY: clean
clean: ## Remove what Tilt put into the cluster, the virtual environment, caches and results (never the demo's data)
	@if command -v tilt >/dev/null && kubectl config get-contexts kind-gavel >/dev/null 2>&1; then tilt down --context kind-gavel; fi
	@rm -rf $(VENV) build dist web/dist web/node_modules web/packages/client/dist bench/results .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	@find src tests -type d -name __pycache__ -prune -exec rm -rf {} +
