# `make demo` and `make test` set up everything they need in .venv; nothing is installed outside this folder.
PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
WORKERS ?= 2

.PHONY: demo test lint bench schema clean

demo: $(INSTALLED)
	@$(VENV)/bin/interlock local demo

test: $(INSTALLED)
	@$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadgroup

lint: $(INSTALLED)
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/mypy --no-error-summary

bench: $(INSTALLED)
	@$(VENV)/bin/python -m tests.bench

schema: $(INSTALLED)
	@$(VENV)/bin/python -m interlock.pipeline_yaml > pipelines/pipeline.schema.json
	@$(VENV)/bin/python -m interlock.event_schema > docs/events.schema.json
	@$(VENV)/bin/python tests/events_page.py > docs/events.md

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Interlock needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
