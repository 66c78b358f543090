# `make demo` and `make test` set up everything they need in .venv and .venv-*; nothing is installed outside this folder.
PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
AIRFLOW_VENV := .venv-airflow
AIRFLOW := $(AIRFLOW_VENV)/.installed
LINTERS_VENV := .venv-linters
LINTERS := $(LINTERS_VENV)/.installed
CHECKOV_VENV := .venv-checkov
CHECKOV := $(CHECKOV_VENV)/.installed
PLOTTER := $(VENV)/.plotter
NODE_LINTER := tests/state_machine/node_modules/.package-lock.json
# One more than the cores of a small machine: the tests of the embedded stack wait more than they work.
WORKERS ?= 3

.PHONY: demo setup test lint bench torture mutants torture-embedded load jobs costs schema terraform e2e-terraform checkov zips release clean

demo: $(INSTALLED)
	@$(VENV)/bin/interlock local demo

setup: $(INSTALLED) $(AIRFLOW) $(LINTERS) $(NODE_LINTER)

test: setup
	@$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadgroup

lint: $(INSTALLED)
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/mypy --no-error-summary

bench: $(INSTALLED)
	@$(VENV)/bin/python -m tests.bench

# Some forty minutes on two cores. Ended, it goes on where it was, unless the sources have changed.
torture: $(INSTALLED)
	@$(VENV)/bin/interlock torture --seeds 1..20000 --state build/torture.jsonl --keep-going

# Deliberate bugs in copies of the sources, each of which the torture must find; as long as make torture.
mutants: $(INSTALLED)
	@$(VENV)/bin/python -m tests.torture.mutation

# Some twenty minutes: 200 worlds end to end on one embedded stack, with the faults struck inside its functions.
torture-embedded: $(INSTALLED)
	@$(VENV)/bin/python -m tests.embedded_torture

# Some twenty minutes of two processors: 1,000 pipelines and 50,000 sensor writes. The picture is build/load.png.
load: $(INSTALLED) $(PLOTTER)
	@$(VENV)/bin/python -m tests.load

jobs: $(INSTALLED)
	@$(VENV)/bin/python -m tests.jobs_table

# Dollars a month on AWS, from what the simulator counts. The tables of docs/deploy.md are its own.
costs: $(INSTALLED)
	@$(VENV)/bin/python -m tests.costs

# With the offline stand-in of AWS's provider when it is beside the project, else with the registry's: it says which.
terraform: $(INSTALLED)
	@$(VENV)/bin/python -m tests.terraform.check $(CHECK)

# Some five minutes: the demo's whole story on the stack that Terraform deploys onto the emulator.
e2e-terraform: $(INSTALLED)
	@$(VENV)/bin/python -m tests.terraform.e2e

zips:
	@tests/zips_twice.sh

release:
	@./release.sh

checkov: $(INSTALLED) $(CHECKOV)
	@$(VENV)/bin/python -m tests.terraform.run_checkov

schema: $(INSTALLED)
	@$(VENV)/bin/python -m interlock.pipeline_yaml > pipelines/pipeline.schema.json
	@$(VENV)/bin/python -m interlock.event_schema > docs/events.schema.json
	@$(VENV)/bin/python tests/events_page.py > docs/events.md
	@$(VENV)/bin/python tests/terraform_page.py

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Interlock needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# What `make load` draws with: half a minute and 100 MB that nothing else needs.
$(PLOTTER): $(INSTALLED) tests/load/constraints.txt
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -c tests/load/constraints.txt -e '.[load]'
	@touch $@

# A real Airflow, which the tests start. Where it cannot be installed, those that need it are skipped.
$(AIRFLOW): tests/airflow/constraints.txt
	@echo "Setting up $(AIRFLOW_VENV), for the tests (once; about a minute) ..."
	@rm -rf $(AIRFLOW_VENV)
	@$(PYTHON) -m venv $(AIRFLOW_VENV) && \
	  $(AIRFLOW_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c $< apache-airflow && touch $@ || \
	  echo "Apache Airflow could not be installed: the tests that start it will be skipped."

# Public linters of state machines. Where one cannot be installed, its tests are skipped.
$(LINTERS): tests/state_machine/constraints.txt
	@echo "Setting up $(LINTERS_VENV), for the tests (once; half a minute) ..."
	@rm -rf $(LINTERS_VENV)
	@$(PYTHON) -m venv $(LINTERS_VENV) && \
	  $(LINTERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c $< cfn-lint statelint && touch $@ || \
	  echo "cfn-lint and statelint could not be installed: their tests will be skipped."

$(NODE_LINTER): tests/state_machine/package-lock.json
	@command -v npm > /dev/null && npm ci --prefix $(<D) --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null && touch $@ || \
	  echo "asl-validator needs npm (Node.js): its tests will be skipped."

$(CHECKOV): tests/terraform/checkov-constraints.txt
	@echo "Setting up $(CHECKOV_VENV) (once; one to three minutes) ..."
	@rm -rf $(CHECKOV_VENV)
	@$(PYTHON) -m venv $(CHECKOV_VENV) && \
	  $(CHECKOV_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c $< checkov && touch $@ || \
	  { rm -rf $(CHECKOV_VENV); echo "checkov could not be installed."; }

clean:
	rm -rf $(VENV) $(AIRFLOW_VENV) $(LINTERS_VENV) $(CHECKOV_VENV) tests/state_machine/node_modules build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
