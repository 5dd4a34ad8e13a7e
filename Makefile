# Everything that runs here is installed here (install.py): Python 3.11+, make and git are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := .venv-uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
# What `make bench` runs beside the server: what its floor needs, and peers.
MEASURED := gunicorn orjson 'psycopg[binary]' django-scim2 scim2-server
# What a developer has set changes no check and no generated page.
BARE := env -i PATH="$$PATH" DATA_DIR=.data/check

.DEFAULT_GOAL := help
.PHONY: help run install test check docs figures bench seed screenshots format lock always

help:  ## What can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(VENV)/runtime.stamp  ## Serve on 127.0.0.1, with an embedded PostgreSQL unless DATABASE_URL is set
	@exec $(BIN)/python manage.py up

install: $(VENV)/runtime.stamp  ## Install what serving needs into .venv, for production

test: $(VENV)/dev.stamp  ## Install what the tests need and run all of them
	@exec $(BIN)/pytest -n 2

.PHONY: later
later: $(VENV)/dev.stamp  ## The tests that need no browser, 200 days on and over midnight (needs faketime)
	@FAKETIME_DONT_FAKE_MONOTONIC=1 PYTHONPATH=$(CURDIR)/.ci/faketime DATA_DIR=$(CURDIR)/.data/later TZ=UTC \
		exec faketime "$$(date -u -d '+200 days' +%F) 23:58:30" $(BIN)/pytest -n 2 -q -m "not browser"

.PHONY: test-citus
CITUS_TESTS = tests/citus tests/api tests/conformance tests/events tests/extensions tests/finding tests/guard tests/history \
	tests/importing tests/inspector tests/keeping tests/monitoring tests/problems tests/provider tests/reconciliation \
	tests/repository tests/screens tests/tenants/test_isolation.py $(addprefix tests/e2e/test_,entra_cycles.py \
	event_delivery.py jobs.py moving_tenants.py races.py)
test-citus: $(VENV)/dev.stamp  ## The tests' database parts on a Citus coordinator, DATABASE_URL (docs/scaling.md)
	exec $(BIN)/pytest -q -n 2 --reuse-db -m "not one_node" $${TESTS:-$(CITUS_TESTS)}

# They generate a directory, migrate schemas or build a package: a third of the loop's time, left to `make test`.
CHECK_WITHOUT = $(addprefix --ignore=tests/,repository/test_plans.py tenants/test_recordings.py tenants/test_schemas.py \
	docs/test_wheel.py)
check: $(VENV)/dev.stamp  ## The fast loop: format, lint, types, contracts, migrations, deploy check, core tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BARE) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BARE) BASE_DOMAIN=mypolicies.example SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(BIN)/python manage.py check --deploy --fail-level ERROR
	$(BIN)/pytest -q -n 2 -m "not commits" --hypothesis-profile=quick --ignore-glob='*/screens' $(CHECK_WITHOUT) \
		tests/protocol tests/provider tests/repository tests/tenants tests/docs \
		tests/events tests/extensions tests/guard tests/history tests/inspector tests/monitoring

seed: $(VENV)/runtime.stamp  ## Fill an empty database with 2,000 made-up people and six weeks of log; PEOPLE=200 for fewer
	@exec $(BIN)/python -m tests.support.seed $(PEOPLE)

screenshots: $(VENV)/dev.stamp  ## Take the pictures in docs/screenshots anew, of a seeded server
	@exec $(BIN)/python -m tests.support.screenshots

figures: $(VENV)/dev.stamp  ## Print the figures of the house: sizes by package, files that a request runs through
	@exec $(BIN)/python -m tests.support.figures

bench: $(VENV)/runtime.stamp .venv-bench/bench.stamp  ## Measure the server beside a floor; ARGS="--help" says what else
	@exec $(BIN)/python -m tests.support.bench run $(ARGS)

.PHONY: faults
faults: $(VENV)/dev.stamp  ## Break processes, database and disk under load and reckon up; ARGS="--help" says what else
	@exec $(BIN)/python -m tests.support.faults $(ARGS)

.PHONY: neighbors
neighbors: $(VENV)/dev.stamp  ## Measure what one tenant's load costs another behind nginx; ARGS="--help" says what else
	@exec $(BIN)/python -m tests.support.neighbors $(ARGS)

.PHONY: wheel
wheel: $(VENV)/dev.stamp  ## Build dist/*.whl, which is the same to the byte for the same commit
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) exec $(BIN)/python -m hatchling build -t wheel -d dist

.PHONY: fuzz
fuzz: $(VENV)/dev.stamp  ## Send 10,000 made-up requests to a real server, none of which may fail; ARGS="--help" says what else
	@exec $(BIN)/python -m tests.support.fuzz $(ARGS)

.PHONY: sbom audit
sbom: $(VENV)/runtime.stamp  ## Print the bill of materials (CycloneDX): each package, its hashes and its license
	@exec $(BIN)/python -m tests.support.supply

audit: .venv-audit/audit.stamp  ## Ask for known vulnerabilities of the locked packages; fails if one could not be asked for
	.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock
	.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-dev.lock

format: $(VENV)/dev.stamp  ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/dev.stamp  ## Generate the pages of docs/ that tests compare
	$(BARE) $(BIN)/python manage.py shell --no-imports -c 'from tests.support import documents; documents.write()'

lock: .venv-uv/uv.stamp  ## Compile the locks anew from pyproject.toml
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	printf 'uv\n' | $(LOCK) - -o requirements-uv.lock
	printf 'pip-audit\n' | $(LOCK) - -o requirements-audit.lock
	printf '%s\n' $(MEASURED) | $(LOCK) - -c requirements.lock -o requirements-bench.lock

# It knows what there is to do: mostly nothing.
$(VENV)/runtime.stamp $(VENV)/dev.stamp .venv-uv/uv.stamp .venv-bench/bench.stamp .venv-audit/audit.stamp: always
	@$(PYTHON) install.py $(basename $(@F))
