# Two commands: `make run` (the main job, embedded) and `make test` (everything). The others serve development.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
COMPILE := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	--no-emit-package function
UPGRADE := --upgrade
PROCESSES := 2
CLI := distributions/kubectl-kepler
# All functions that reconcile in one process, or one process a function.
FORM := $(if $(COMPACT),--config config/overlays/compact)

.PHONY: run up down status check test test-deps e2e e2e-deps faults lint lock image generate release bench clean help

help: ## What can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(INSTALLED) ## Start everything, apply the samples, say what happened (ONCE=1: end at once; COMPACT=1: one process)
	@$(BIN)/python -m local run $(FORM) $(if $(ONCE),--once)

up: $(INSTALLED) ## The same, detached
	@$(BIN)/python -m local up $(FORM)

down: $(INSTALLED) ## End what `make up` started
	@$(BIN)/python -m local down

status: $(INSTALLED) ## What runs
	@$(BIN)/python -m local status

test: lint ## Everything: style, types, import contracts, generated files, then all tests, in PROCESSES=2 beside each other
	@tests/packages.sh
	@$(BIN)/python -m local build
	@$(BIN)/pytest --numprocesses=$(PROCESSES)

check: lint ## In about a minute, without Go and a browser: style, types, import contracts, generated files, pure tests
	@$(BIN)/pytest tests/pure --numprocesses=$(PROCESSES)

test-deps: ## Install what `make test` needs of the distribution (Chromium, PostgreSQL); as root or by sudo
	@tests/packages.sh --install

e2e: $(INSTALLED) ## A whole node with the official Knative, and the operator on it; as root (IDLE=10: so many minutes at zero, too; COMPACT=1)
	@$(BIN)/python -m node check || { code=$$?; test $$code = 3 && echo "e2e is skipped" && exit 0; exit $$code; } && \
		$(BIN)/python -m node build && IDLE=$(IDLE) COMPACT=$(COMPACT) $(BIN)/pytest tests/node -vv -rs --durations=0 --durations-min=1

e2e-deps: $(INSTALLED) ## Install what `make e2e` needs of the distribution; as root
	@$(BIN)/python -m node install-packages

lint: $(INSTALLED) ## Style, types and import contracts, and the console's JavaScript where node is there
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@tests/console/check.sh

generate: $(INSTALLED) ## Write CRDs, schemas of events, `config/base` and the generated pages of `docs` from the code
	@$(BIN)/python -m crds.crd_files
	@$(BIN)/python -m crds.reference
	@$(BIN)/python -m installation.event_documents
	@$(BIN)/python -m installation.generate
	@$(BIN)/python -m effects

faults: $(INSTALLED) ## Every fault there is, the protocol explored at large, and the whole campaign: about three hours
	@$(BIN)/python -m local build
	@$(BIN)/python -m tests.model
	@$(BIN)/python -m tests.campaign
	@$(BIN)/python -m tests.faults
	@$(BIN)/python -m tests.faults --compact

lock: ## Lock the newest Python packages that are allowed, by the hashes of their files (UPGRADE=: only what is new)
	@$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet --disable-pip-version-check uv
	@$(VENV)/lock/bin/uv pip compile pyproject.toml --quiet $(UPGRADE) $(COMPILE) --output-file requirements/runtime.txt
	@$(VENV)/lock/bin/uv pip compile pyproject.toml $(CLI)/pyproject.toml --extra dev --quiet $(UPGRADE) $(COMPILE) \
		--output-file requirements/dev.txt

image: $(INSTALLED) ## Write the container image as an OCI archive, without a container engine (TAG=name:tag)
	@$(BIN)/python -m image build $(if $(TAG),--tag $(TAG))

release: $(INSTALLED) ## Prepare release VERSION=x.y.z: the version in code and pages, and the definitions kept as published
	@$(BIN)/python -m crds.publication version "$(VERSION)"
	@$(MAKE) --no-print-directory generate
	@$(BIN)/python -m crds.publication definitions

bench: $(INSTALLED) ## Measure: apply to Ready, API calls, start, memory
	@$(BIN)/python -m benchmarks

clean: ## Remove what was built and installed here
	@test ! -e .local/node/sandbox.json || $(BIN)/python -m node down
	rm -rf $(VENV) .local

$(INSTALLED): pyproject.toml $(CLI)/pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; `make PYTHON=/path/to/python3.12 ...` picks another one")'
	@test -x $(BIN)/python || { echo "creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing Python packages into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@for project in . $(CLI); do $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--no-index --editable $$project || exit 1; done
	@touch $@
