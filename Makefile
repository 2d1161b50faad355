.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
UV := uv==0.13.9
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# uv leaves compiling to the first start; where this is set, every start would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help dashboard lab test lock bench clean

help: ## Show this help
	@echo 'Usage: make TARGET [PORT=9000] [PYTHON=python3.12]'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dashboard: $(STAMP) ## Start the dashboard on http://localhost:8866
	@exec $(BIN)/scarlib dashboard --no-browser --port $(or $(PORT),8866)

lab: $(STAMP) ## Start JupyterLab with the notebooks on http://localhost:8888
	@exec $(BIN)/scarlib lab --no-browser --port $(or $(PORT),8888)

test: $(STAMP) ## Check style and types, run every test and every notebook
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict scarlib
	$(BIN)/pytest -m 'not browser and not wheel' --cov --cov-report=term
	$(BIN)/pytest --nbval-lax notebooks
	$(BIN)/pytest -m 'browser or wheel'

lock: $(STAMP) ## Pin the newest versions that pyproject.toml allows
	$(BIN)/pip install --quiet $(UV)
	$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --all-extras --universal --python-version 3.11 \
		--no-strip-extras --fork-strategy fewest --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--output-file requirements.lock
	@echo 'requirements.lock is new. Next: bring environment.yml in line (tests/test_packaging.py says where), then make test.'

bench: $(STAMP) ## Measure speed, of the page too (about 20 minutes)
	$(BIN)/python bench/benchmark.py
	$(BIN)/python bench/pages.py

clean: ## Remove what make and the tests have built
	rm -rf $(VENV) build dist .coverage htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv does in seconds what takes pip minutes. Where it cannot be had or cannot reach its registry, pip does the work.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "scarlib needs Python 3.11 or newer; here, $(PYTHON) is: $$($(PYTHON) --version 2>&1 || true)" >&2; \
		echo 'Install a newer Python, or name one you have: make PYTHON=python3.12' >&2; exit 1; }
	@rm -f $@
	@$(PYTHON) -m venv --clear $(VENV) || { \
		echo 'This Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv' >&2; exit 1; }
	@echo 'Installing the pinned versions into $(VENV). This takes up to two minutes, and only this once.'
	@{ $(BIN)/pip install --quiet $(UV) && UV_HTTP_RETRIES=1 $(BIN)/uv pip install --quiet --system-certs \
			--python $(BIN)/python --require-hashes --requirement requirements.lock; } >$(VENV)/uv.txt 2>&1 || { \
		echo 'uv did not work here (why: $(VENV)/uv.txt), so pip installs them.'; \
		$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock; }
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
