SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV := .venv
# Run as modules: the commands beside it name their Python by a path, in which a shell would read some characters.
PYTHON_IN_VENV := $(VENV)/bin/python
# For programs that look for others; $$PWD is the checkout, in which no character means anything to make or the shell.
WITH_TOOLS := PATH="$$PWD/$(VENV)/bin:$$PATH"
# As many pytest processes as cores and two more; WORKERS=0 runs all tests in one process, as a debugger needs it.
IN_PARALLEL := -n $(or $(WORKERS),auto) --dist worksteal
# What changes how every Python runs is the user's affair elsewhere. PYTHON itself names the one to set up with.
unexport $(filter-out PYTHON,$(filter PYTHON%,$(.VARIABLES)))

.PHONY: help
help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Run

.PHONY: demo
demo: setup-demo ## Run all of Gavel in one process, with its page, auctions that live and a Postgres of its own (CROWD=no: no bidders)
	@exec scripts/demo.sh $(PYTHON_IN_VENV)

.PHONY: page
page: ## Build the page into web/dist (Node 20.19, 22.12 or newer)
	@python3 -I scripts/build_page.py

.PHONY: up
up: setup-demo ## Run the four processes on a Postgres, RabbitMQ and Redis of their own
	@scripts/install-test-servers.sh redis-server rabbitmq-server
	@AUTH_MODE=trusted $(PYTHON_IN_VENV) -m gavel_tools.local_servers.stack up

.PHONY: down
down: setup-demo ## Stop what `make up` started; the data stays
	@$(PYTHON_IN_VENV) -m gavel_tools.local_servers.stack down

.PHONY: queues
queues: setup-demo ## List the queues of the RabbitMQ that `make up` started
	@$(PYTHON_IN_VENV) -m gavel_tools.local_servers.stack queues

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
bench: setup ## Measure Gavel beside a naive baseline on this machine
	@scripts/install-test-servers.sh wrk redis-server rabbitmq-server
	@$(PYTHON_IN_VENV) -m gavel bench $(BENCH_FLAGS)

##@ Develop

.PHONY: setup
setup: ## Make the virtual environment with everything to develop and test (PYTHON names the Python to take)
	@scripts/setup.sh $(VENV) requirements/dev.txt

.PHONY: setup-demo
setup-demo: ## Make the virtual environment with what it takes to run Gavel
	@scripts/setup.sh $(VENV) requirements/demo.txt

.PHONY: format
format: setup ## Sort the imports, fix what can be fixed, format
	@$(PYTHON_IN_VENV) -m ruff check --fix-only --quiet .
	@$(PYTHON_IN_VENV) -m ruff format .

.PHONY: lint
lint: setup ## Check style, types, the direction of imports, and all that deploys Gavel
	@$(PYTHON_IN_VENV) -m ruff check .
	@$(PYTHON_IN_VENV) -m ruff format --check .
	@$(PYTHON_IN_VENV) -m pyright
	@$(WITH_TOOLS) lint-imports
	@$(WITH_TOOLS) scripts/check-deploy.sh
	@scripts/check-alerts.sh

.PHONY: proto-gen
proto-gen: setup ## Generate src/gavel/contracts from proto/
	@$(WITH_TOOLS) buf generate

.PHONY: proto-gen-ts
proto-gen-ts: setup web/node_modules ## Generate the TypeScript clients in web/packages/client from proto/
	@$(WITH_TOOLS) web/generate.sh

# Node's own record of what lies in node_modules, written when all of it is there.
web/node_modules: web/node_modules/.package-lock.json
web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20.19, 22.12 or newer and npm are needed here, and were not found." >&2; exit 1; }
	@cd web && npm ci --include=dev
	@touch $@

.PHONY: proto-check
proto-check: setup web/node_modules ## Check the contract: format, lint, breaking changes, and that its generated code is current
	@$(WITH_TOOLS) scripts/check-proto.sh

.PHONY: proto-baseline
proto-baseline: proto-check ## Take the contract as it stands as the baseline for later breaking-change checks
	@$(WITH_TOOLS) buf build --exclude-source-info --output proto/baseline.binpb

.PHONY: lock
lock: ## Resolve the locked requirements again (UPGRADE=1 raises the versions)
	@scripts/lock.sh $(if $(UPGRADE),--upgrade)

##@ Test

.PHONY: check
check: lint proto-check audit test ## All that CI runs

.PHONY: test
test: setup servers helm chromium web/node_modules ## Run every test, with servers that are found or started for it (WORKERS=n at a time)
	@$(PYTHON_IN_VENV) -m pytest $(IN_PARALLEL) $(PYTEST_FLAGS)

.PHONY: test-web
test-web: web/node_modules ## Check the page and the TypeScript client: format, lint, types, unit and component tests, build
	@cd web && npm run --silent check

.PHONY: test-page
test-page: setup chromium web/node_modules ## Run the page's tests in a real browser against a real Gavel
	@python3 -I scripts/build_page.py
	@cd web && npm run --silent test:e2e

.PHONY: test-unit
test-unit: setup ## Run the tests that need no server
	@$(PYTHON_IN_VENV) -m pytest $(IN_PARALLEL) tests/unit tests/house $(PYTEST_FLAGS)

.PHONY: test-integration
test-integration: setup servers ## Run the tests against real servers
	@$(PYTHON_IN_VENV) -m pytest $(IN_PARALLEL) -m integration $(PYTEST_FLAGS)

.PHONY: test-e2e
test-e2e: setup servers chromium web/node_modules ## Run the tests against the real processes, the page in a real browser among them
	@$(PYTHON_IN_VENV) -m pytest $(IN_PARALLEL) -m "e2e or page" $(PYTEST_FLAGS)

.PHONY: test-faults
test-faults: setup servers ## Run every test of faults, as long as they last, hold promised times tightly, then kill processes KILLS times
	@$(PYTHON_IN_VENV) -m pytest -m "fault or timed" --whole $(PYTEST_FLAGS)
	@AUTH_MODE=trusted $(PYTHON_IN_VENV) -m tests.chaos.run --seed $(or $(SEED),1) --kills $(or $(KILLS),200)

.PHONY: test-scale
test-scale: setup servers ## Read lists, boards and traces of 1,000,000 items with 10,000,000 bids (about 4 GB of disk, minutes)
	@$(PYTHON_IN_VENV) -m pytest tests/integration/bids/test_growth.py --whole $(PYTEST_FLAGS)

.PHONY: chaos
chaos: setup servers ## Harm two of each process and their servers under load, then check the books (SEED=n)
	@AUTH_MODE=trusted $(PYTHON_IN_VENV) -m tests.chaos.run --seed $(or $(SEED),1)

.PHONY: image-check
image-check: setup servers ## Build the Python image and run all of Gavel from it (with Docker, or without as root on Debian)
	@docker version >/dev/null 2>&1 || scripts/install-test-servers.sh buildah debootstrap
	@$(PYTHON_IN_VENV) -m tests.image.run

.PHONY: fuzz
fuzz: setup ## Send 50,000 requests made from the contract: no 5xx, no hang, no traceback (SEED=n CASES=n)
	@$(PYTHON_IN_VENV) -m tests.fuzz.run --seed $(or $(SEED),1) --cases $(or $(CASES),50000)

.PHONY: audit
audit: setup ## Ask the advisory services whether a locked package has a known weakness
	@scripts/audit.sh $(VENV)

.PHONY: servers
servers: ## Install the servers and tools that tests and benchmarks use (Debian, as root)
	@scripts/install-test-servers.sh

.PHONY: helm
helm: ## Find Helm and actionlint, or build them once with Go, for the checks of charts and workflows
	@scripts/install-go-tool.sh helm >/dev/null
	@scripts/install-go-tool.sh actionlint >/dev/null

.PHONY: chromium
chromium: ## Install the browser that the page's tests use, unless CHROMIUM names one (Debian, as root)
	@[ -n "$${CHROMIUM:-}" ] || scripts/install-test-servers.sh chromium

.PHONY: clean
clean: ## Remove what Tilt put into the cluster, the virtual environment, caches and results (never the demo's data)
	@if command -v tilt >/dev/null && kubectl config get-contexts kind-gavel >/dev/null 2>&1; then tilt down --context kind-gavel; fi
	@rm -rf $(VENV) build dist web/dist web/dist.new web/node_modules web/packages/client/dist bench/results .cache .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	@find src tests -type d -name __pycache__ -prune -exec rm -rf {} +
