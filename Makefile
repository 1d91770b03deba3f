# Parley. `make` alone lists what there is. Needs git, make and Python 3.12 or newer (or uv).
.DEFAULT_GOAL := help
.PHONY: help run manage test lint fmt bench lock audit clean
PYTHON_OF_PARLEY := .venv/bin/python
# Without this setting Python keeps its compiled code, and everything starts in half the time.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start Parley here (PORT=8000, DATA_DIR=var)
	@tools/environment.sh runtime
	@exec $(PYTHON_OF_PARLEY) tools/run.py

manage: ## a management command on the data of `make run` (ARGS="createsuperuser")
	@tools/environment.sh runtime
	@exec $(PYTHON_OF_PARLEY) tools/run.py manage $(ARGS)

test: ## run every test (ARGS="..." goes to pytest; REQUIRE_ALL=1 makes a missing service a failure)
	@tools/environment.sh dev
	@exec $(PYTHON_OF_PARLEY) tools/test.py $(ARGS)

lint: ## format, lint, types, import contracts, missing migrations, deployment checks
	@tools/environment.sh dev
	@exec $(PYTHON_OF_PARLEY) tools/lint.py

fmt: ## format the sources
	@tools/environment.sh dev
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format --quiet .

bench: ## measure dispatch and crashes against the sandbox (ARGS="dispatch --posts 200")
	@tools/environment.sh dev
	@exec $(PYTHON_OF_PARLEY) tools/bench.py $(ARGS)

lock: ## resolve pyproject.toml again into requirements/*.txt
	@tools/environment.sh dev
	@exec tools/lock.sh

audit: ## look up known vulnerabilities of what the lock installs (asks a public service)
	@tools/environment.sh dev
	.venv/bin/pip-audit --require-hashes --disable-pip -r requirements/runtime.txt

clean: ## remove the environment and caches, keep the data
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
