# Two commands are enough on a fresh clone: `make run` and `make test`. Needed: Python >= 3.11, Node >= 20, GNU make.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell tools/find-python)
BIN := .venv/bin
export PYTHONPATH := $(CURDIR)/src
JOBS ?= 2

# A linked .venv or node_modules belongs to somebody else, who keeps it up to date.
PYTHON_STAMP := $(if $(shell test -L .venv && echo linked),,.venv/.installed)
NODE_STAMP := $(if $(shell test -L node_modules && echo linked),,node_modules/.installed)
BUILD_STAMP := src/hevesy/desks/viewing/static/viewer/.built
CATALOGUES := $(shell find src -path '*/LC_MESSAGES/*.po')

.PHONY: help setup run test check bench soak licences build messages lock peers clean \
	test-viewer test-sqlite test-browser test-postgresql test-walk walk-sqlite walk-postgresql

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 14

setup: $(PYTHON_STAMP) build messages  ## Install everything into .venv and node_modules, build, compile messages

.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (or name it: make PYTHON=/path/to/python3)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

node_modules/.installed: package-lock.json package.json
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || { echo "Node 20 or newer is needed"; exit 1; }
	npm ci --no-audit --no-fund
	@touch $@

build: $(BUILD_STAMP)  ## Build the viewer and vendor what pages load

$(BUILD_STAMP): $(NODE_STAMP) package-lock.json viewer/vite.config.ts viewer/vendor.mjs viewer/icons.txt $(shell find viewer/src -type f)
	npm run --silent build
	@touch $@

messages: $(PYTHON_STAMP)  ## Compile the message catalogues that changed
	@stale=$$(for po in $(CATALOGUES); do test "$${po%.po}.mo" -nt "$$po" || echo "$$po"; done); \
	test -z "$$stale" || $(BIN)/python -m hevesy messages

run: setup  ## Install, build, and serve everything on loopback, with the demo day
	HEVESY_DEMO=$${HEVESY_DEMO-1} exec $(BIN)/python -m hevesy run

peers:  ## Install DCMTK, Chromium and PostgreSQL for tests where that is possible; else name what is missing
	@tools/peers

test: setup peers test-viewer test-sqlite test-browser test-postgresql test-walk  ## Run all tests; each database, the viewer, the browser

test-viewer: $(NODE_STAMP)
	npm run --silent test -- --passWithNoTests

test-sqlite:
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not browser and not soak'

test-browser:
	@tools/some-tests $(BIN)/python -m pytest -n $(JOBS) -m 'browser and not soak' --ignore=tests/browser/walk

# Who may open which address does not depend on the database; it is walked once.
test-postgresql:
	@tools/some-tests $(BIN)/python tests/private_postgres.py -- $(BIN)/python -m pytest -n $(JOBS) --dist worksteal \
		-m 'django_db and not browser and not soak' --ignore=tests/architecture/test_address_policy.py

test-walk:  ## One patient all the way through two houses side by side, one on each database
	@$(MAKE) --no-print-directory --output-sync=target -j2 walk-sqlite walk-postgresql

walk-sqlite:
	@tools/some-tests $(BIN)/python -m pytest tests/browser/walk

walk-postgresql:
	@tools/some-tests $(BIN)/python tests/private_postgres.py -- $(BIN)/python -m pytest tests/browser/walk

check: setup  ## Everything that reads the code without running it
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m hevesy check
	$(BIN)/python -m hevesy messages --check
	$(BIN)/python -m hevesy makemigrations --check --dry-run
	$(BIN)/djlint src --lint --quiet
	npm run --silent check
	$(BIN)/python docs/render.py --check

bench: setup  ## One script per headline number
	@for script in bench/*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

soak: setup peers  ## Everything that takes over a minute
	@tools/some-tests $(BIN)/python -m pytest -m soak

licences: setup  ## List what ships and under which licence; fails on one that is not known to be fine
	@$(BIN)/python tools/licences.py

lock:  ## Write requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra server --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements.lock

clean:  ## Remove what setup made (never data)
	rm -rf .venv node_modules build src/*.egg-info src/hevesy/foundation/ui/static/vendor src/hevesy/desks/viewing/static/viewer
	find src -name '*.mo' -delete
