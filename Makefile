# The targets that a user, a developer and CI call. Needs make and Python 3.11 or later, nothing else.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
TYPESCRIPT := clients/typescript
NODE_MODULES := $(TYPESCRIPT)/node_modules

.PHONY: setup run test coverage check format schemas screenshots soak test-upgrade bench lock clean

setup: $(STAMP)  ## make .venv with the pinned dependencies and the command `roundbook`

$(STAMP): requirements.lock pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Roundbook needs Python 3.11 or later; set PYTHON=/path/to/python3' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--editable . --editable clients/python
	@# Python reads .pth files in the locale's encoding, and does not start where a path in one is not of it.
	@for folder in $(VENV)/lib/python*/site-packages; do echo ../../../../src > "$$folder/_roundbook.pth"; \
		echo ../../../../clients/python/src > "$$folder/_roundbook_client.pth"; done
	@touch $@

run: setup  ## serve on 127.0.0.1:8000 (or PORT=…) with the embedded PostgreSQL and a tenant `demo`
	$(BIN)/roundbook serve --demo --port $(PORT)

test: setup $(NODE_MODULES)/.complete  ## the whole suite, against a real PostgreSQL; CLUSTER=postgresql://… is a Citus cluster's, see docs/scaling.md
	$(if $(CLUSTER),TEST_CLUSTER_URL=$(CLUSTER)) $(BIN)/python -m pytest -n 2 --dist loadgroup

coverage: setup $(NODE_MODULES)/.complete  ## the suite again, and which lines and branches of src it leaves out; see docs/coverage.md
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadgroup $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: setup  ## format, lint, types, layers
	$(BIN)/ruff format --check src tests bench examples verifier clients
	$(BIN)/ruff check src tests bench examples verifier clients
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format src tests bench examples verifier clients
	$(BIN)/ruff check --fix src tests bench examples verifier clients

schemas: setup $(NODE_MODULES)/.complete  ## write docs/schemas and the types of the TypeScript client anew, from the code
	rm -rf docs/schemas/events
	$(BIN)/roundbook schemas docs/schemas
	cd $(TYPESCRIPT) && npm run --silent generate

screenshots: setup  ## take a picture of each page of the console, light and dark, wide and as on a telephone, into screenshots/
	$(BIN)/python -m tests.console.screenshots screenshots

$(NODE_MODULES)/.complete: $(TYPESCRIPT)/package-lock.json  ## what the tests of the TypeScript client need
	cd $(TYPESCRIPT) && npm ci --ignore-scripts --silent
	@touch $@

soak: setup  ## faults at random under load, and the proof that nothing is lost or doubled: services, then all that is connected, 10 minutes each
	$(BIN)/python -m tests.faults.soak $(SOAK)
	$(BIN)/python -m tests.faults.connected $(SOAK)

test-upgrade: setup  ## upgrade a data folder of an older PostgreSQL, whose programs are in OLD=/usr/lib/postgresql/15/bin
	$(BIN)/python -m tests.upgrades.from_older_postgres $(OLD)

bench: setup  ## measure how fast recording, the read models and evidence are, 40 minutes; see docs/performance.md
	$(BIN)/python -m bench $(BENCH)

lock:  ## pin the newest versions that pyproject.toml admits, with hashes
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes \
		--no-annotate --no-header --extra brokers --extra embedded --extra export --extra tracing --group dev pyproject.toml -o requirements.lock
	rm -rf .venv-lock

clean:
	rm -rf $(VENV) .venv-lock $(NODE_MODULES) screenshots .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
