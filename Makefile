# Turnflow: everything a developer does, by name. `make` alone prints the list.
#
# Variables: PYTHON (which Python makes .venv), PORT (of the demo), ARGS (handed to pytest, or to each benchmark).

PORT ?= 8420
BIN := .venv/bin
CODE := src tests examples bench
# The core is pure, so there is no excuse for a branch of it that no test takes. With ARGS only a part runs: no measuring.
COVERAGE := --cov=src/turnflow/core --cov-branch --cov-report=term:skip-covered --cov-fail-under=95

.DEFAULT_GOAL := help
.PHONY: help demo test check format exports bench clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv ## Start the demo bot and print its address; kill it and start it again: it goes on where it was
	@mkdir -p .demo
	@exec $(BIN)/turnflow serve examples.demo:registry --store sqlite:///.demo/demo.db --port $(PORT)

test: dev ## Set everything up and run all tests (some of them: make test ARGS="-k timer")
	@tools/setup browser
	@$(BIN)/pytest $(if $(ARGS),$(ARGS),$(COVERAGE))

check: dev ## Lint, format, types, import rules, file budgets
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_architecture.py tests/test_exports.py

format: dev ## Rewrite files the way `make check` wants them
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

exports: dev ## Renew tests/exports.txt after changing a public name on purpose
	$(BIN)/python tests/test_exports.py

bench: dev ## Run every benchmark: a table each, and bench/out/NAME.json
	@mkdir -p bench/out
	@set -e; for file in $$(grep -l '__main__' bench/*.py); do $(BIN)/python -m bench.$$(basename $$file .py) $(ARGS); done

clean: ## Remove what the other targets made, the demo's conversations too
	rm -rf .venv .demo bench/out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

.PHONY: .venv dev
.venv:
	@tools/setup run

dev:
	@tools/setup dev
