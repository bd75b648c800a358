# Every target sets up what it needs: Debian packages (as root; else the one command to run is printed) and .venv.
PYTHON ?= python3
VENV   := .venv/bin
SUITES ?= suites

# Where Python is told to keep no bytecode, as in many images, every session and test worker would compile all anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: conformance conformance-all mutants mutants-full nightly test coverage lint lock clean help

help:            ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/: *##/\t/' | expand -t 16

conformance:     ## the main job: bundle, cluster, mesh, every check, overhead, report
	@$(PYTHON) requirements/setup.py run
	@$(VENV)/meshproof bundle build
	@$(VENV)/pytest $(SUITES) --expectations $(ARGS)

conformance-all: ## every profile of the mesh, one after another, in one report
	@$(PYTHON) requirements/setup.py run
	@$(VENV)/meshproof bundle build
	@$(VENV)/meshproof conformance $(ARGS)

mutants:         ## break the mesh in every known way, one at a time: do the checks notice? ONLY=name for one
	@$(PYTHON) requirements/setup.py run
	@$(VENV)/meshproof bundle build
	@$(VENV)/meshproof mutants $(ONLY) $(ARGS)

mutants-full:    ## the same with every other check against every mutant, for the night
	@$(MAKE) --no-print-directory mutants ARGS="--full $(ARGS)"

nightly:         ## the cells of matrix.toml, new ones first; ARGS="--budget 240" for a night of four hours
	@$(PYTHON) requirements/setup.py run
	@$(VENV)/meshproof bundle build
	@$(VENV)/meshproof matrix run $(ARGS)

test:            ## the harness's own tests: no cluster, about a minute
	@$(PYTHON) requirements/setup.py test
	@$(VENV)/pytest tests -n 3 --timeout=60 --benchmark-disable -q $(ARGS)

coverage:        ## the same tests, counting the branches that they take: twice as long
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report=term:skip-covered --cov-fail-under=85"

lint:            ## ruff, mypy --strict, import-linter
	@$(PYTHON) requirements/setup.py test
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports

lock:            ## pin the Python requirements again, with hashes
	@$(PYTHON) requirements/setup.py test
	@$(VENV)/python requirements/lock.py

clean:           ## give back the disk: virtual environment, bundle, Go's caches, kept clusters, images of ours
	@test ! -x $(VENV)/meshproof || $(VENV)/meshproof bundle clean
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .pytest-kind .coverage
