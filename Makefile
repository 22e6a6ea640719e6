# Needs GNU make and Python 3.11 or later. Everything else goes into .venv, at the versions and hashes in constraints.txt.

MAKEFLAGS += --no-print-directory
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := build/uv/bin/uv
SPARK_HOME := build/spark
SPARK := $(SPARK_HOME)/.ready
CONFORMANCE := tests/engine tests/evidence tests/test_cases.py tests/test_evidence.py
UV_VERSION := 0.13.9
PIP_INSTALL := -m pip install --quiet --quiet --disable-pip-version-check --no-input

# The first that runs and is new enough; a version manager may leave names on the path that do not run.
ifeq ($(origin PYTHON), undefined)
PYTHON := $(or $(shell for name in python3.11 python3 python3.13 python3.12 python3.14 python; do \
  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$name; break; fi; done),python3)
endif

# The tests start this program dozens of times: without bytecode each start, and each worker of pytest, compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format types layers docs docs-check site pictures slow search conformance conformance-long conformance-spark million mutants assurance-year assurance-matrix benchmark benchmark-scale dist constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Written last: an interrupted set-up starts again. One target for all, so that `make -j` sets up once.
$(READY): constraints.txt pyproject.toml
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "policycheck needs Python 3.11 or later, found: $$('$(PYTHON)' --version 2>&1 | head -n 1). Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$('$(PYTHON)' --version) ..." >&2
	@'$(PYTHON)' -m venv --clear $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --require-hashes --requirement constraints.txt
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY) ## create .venv and install everything into it

demo: $(READY) ## check a sample organization served by a local AWS Backup endpoint
	@$(BIN)/policycheck demo --directory build/demo

test: $(READY) ## run the tests, except the slow ones
	@$(BIN)/python -m pytest -q -n auto --dist worksteal

lint: $(READY) ## check style, the action and the workflow files
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml examples/workflows/*.yml examples/ci/github.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci examples/ci/gitlab.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.circle-ci examples/ci/circleci.yml

format: $(READY) ## format the code and fix what ruff can fix
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

types: $(READY) ## check the types of the package, the tests and the simulations
	@$(BIN)/mypy

layers: $(READY) ## check which modules import which
	@$(BIN)/lint-imports

docs: $(READY) ## write the generated pages of the documentation
	@$(BIN)/python docs/generate.py

docs-check: $(READY) ## check that the generated pages are up to date
	@$(BIN)/python docs/generate.py --check

# The announcement of the theme's successor would be printed each time.
site: $(READY) ## build the documentation as a site into build/site; fail if a link or an anchor is broken
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "build/site/index.html"

pictures: $(READY) ## render the pictures of the documentation (needs Chromium)
	@PYTHONPATH=. $(BIN)/python docs/pictures.py

slow: $(SPARK) ## run the slow tests: packages, validators of workflows, npm, other engines, the AWS CLI
	@PYTHONPATH=$(SPARK_HOME) $(BIN)/python -m pytest -q -n auto --dist worksteal -m slow

search: $(READY) ## run the property tests with new examples; run it before a release
	@$(BIN)/python -m pytest -q -n auto --dist worksteal -m search --hypothesis-profile search

conformance: $(READY) ## run the tests of the engine and of evidence with DuckDB
	@POLICYCHECK_TEST_ENGINE=duckdb $(BIN)/python -m pytest -q -n auto --dist worksteal $(CONFORMANCE)

conformance-long: $(READY) ## run the same tests with every list and all findings kept in files, as those are that are too long for memory
	@POLICYCHECK_TEST_LIMIT=1 $(BIN)/python -m pytest -q -n auto --dist worksteal $(CONFORMANCE) tests/sources/archive

# Beside .venv and the rest: half a gigabyte that no other target needs.
$(SPARK): $(READY) action/requirements-spark.txt
	@$(BIN)/python $(PIP_INSTALL) --require-hashes --requirement action/requirements-spark.txt --target $(SPARK_HOME) --upgrade
	@touch $@

conformance-spark: $(SPARK) ## the same with Spark (needs Java 17 or later)
	@PYTHONPATH=$(SPARK_HOME) POLICYCHECK_TEST_ENGINE=spark $(BIN)/python -m pytest -q -n 2 --dist worksteal $(CONFORMANCE)

million: $(SPARK) ## compare Spark on a cluster on this machine with Polars, on a list of a million jobs
	@PYTHONPATH=$(SPARK_HOME) POLICYCHECK_SPARK_RESOURCES=64300 $(BIN)/python -m pytest -q -s -m slow tests/slow/test_spark.py -k cluster

mutants: $(READY) ## change the shipped packs one thing at a time; fail if their tests notice less than 90% of the changes
	@$(BIN)/policycheck test policies/ --mutate --killed 90

# So much fits into some minutes; without the options both run at full size.
assurance-year: $(READY) ## evaluate the shipped packs and drafted policies on simulated organizations: no false alarm, every fault found
	@$(BIN)/python -m assurance.year --accounts 5 --days 9 --start 2026-03-26 --faults 46 --batch 46 --samples 2
	@$(BIN)/python -m assurance.init --organizations 3

assurance-matrix: $(READY) ## remove evidence of a small organization in thousands of ways; fail if a verdict gains by it
	@POLARS_MAX_THREADS=1 $(BIN)/python -m assurance.matrix --minutes 4

benchmark: $(READY) ## measure speed and memory
	@$(BIN)/python -m benchmarks

benchmark-scale: $(READY) ## measure checks of an archive of 10 million jobs (an hour, 4 GB of disk)
	@$(BIN)/python -m benchmarks.scale

dist: ## build a release into dist/, check it and try it
	@.ci/release dist

$(UV):
	@'$(PYTHON)' -m venv --clear build/uv
	@build/uv/bin/python $(PIP_INSTALL) uv==$(UV_VERSION)

constraints: $(UV) ## resolve constraints.txt and the action's requirements again; UPGRADE=--upgrade uses newer versions
	@$(UV) pip compile pyproject.toml --quiet --no-config --extra emulator --extra duckdb --extra archive --extra html --extra dev --python-version 3.11 --universal \
	  --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE) --output-file constraints.txt
	@echo hatchling | $(UV) pip compile pyproject.toml - --extra html --quiet --no-config --constraints constraints.txt --python-version 3.11 --universal \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file action/requirements.txt
	@echo duckdb | $(UV) pip compile - --quiet --no-config --constraints constraints.txt --python-version 3.11 --universal \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file action/requirements-duckdb.txt
	@printf 'pyarrow\npyspark\n' | $(UV) pip compile - --quiet --no-config --constraints constraints.txt --python-version 3.11 --universal \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file action/requirements-spark.txt

clean: ## remove everything that was built or installed
	@rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
