# `make demo` and `make test` need only Python >= 3.11 and its package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# Processes start a second sooner where Python may keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check oracle examples bench bench-paging bench-scoring bench-changes soak reliability signals browser dialects lock clean

# Versions and hashes first, then the project itself without touching them.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/.installed
	$(BIN)/leadlight demo $(ARGS)

# One worker more than processors, as many tests wait for a disk or a socket; who is done takes work from the others.
test: $(VENV)/.installed
	$(BIN)/python -m pytest --dist worksteal -n $$($(BIN)/python -c "import os; print(1 + (os.cpu_count() or 1))") $(ARGS)

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Thousands of random models and worlds, by the engine and by a plain reading of the same model file.
oracle: $(VENV)/.installed
	$(BIN)/python -m tests.scoring.oracle_run $(ARGS)

# Every worked example of the presets and of the tests: expected and got.
examples: $(VENV)/.installed
	$(BIN)/python -m tests.scoring.examples_run $(ARGS)

# Reading while people edit: 25,000 records, more than 10,000 of them changed at once.
bench-paging: $(VENV)/.installed
	$(BIN)/python -m benchmarks.paging $(ARGS)

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/scale.py $(ARGS)

# Scoring alone, beside one scan with a GROUP BY on the same files.
bench-scoring: $(VENV)/.installed
	$(BIN)/python benchmarks/scoring_speed.py $(ARGS)

# Scoring the few who changed, beside scoring everybody, as it is installed for use: where the libraries of tests and
# training are, Arrow loads NumPy at every start.
bench-changes: $(VENV)-use/.installed
	$(VENV)-use/bin/python benchmarks/scoring_changes.py $(ARGS)

$(VENV)-use/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-use
	sed -e '/--hash/d' -e 's/ \\$$//' constraints.txt > $(VENV)-use/constraints.txt
	$(VENV)-use/bin/python -m pip install --quiet --constraint $(VENV)-use/constraints.txt --editable .
	touch $@

# Random kills, the state machine and every crash point; each can be asked for alone, see `make soak ARGS=--help`.
soak: $(VENV)/.installed
	$(BIN)/python -m benchmarks.soak $(or $(ARGS),--kills 1000 --steps 10000 --points all)

# Run every test that shows a row of the fault matrix, and write docs/reliability.md from them.
reliability: $(VENV)/.installed
	$(BIN)/python -m tests.reliability.page $(ARGS)

# The same for docs/signals.md: every named system whose signals reach a score.
signals: $(VENV)/.installed
	$(BIN)/python -m tests.signals.page $(ARGS)

browser: $(VENV)/.installed
	$(BIN)/python benchmarks/browser.py $(ARGS)

# The statement on other engines than DuckDB: needs Java 17 for Spark, and for PostgreSQL a server's programs
# (Debian: openjdk-17-jre-headless, postgresql). What is not there is skipped and said.
dialects: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet "pyspark==4.0.5"
	RANDOM_PAIRS=30 $(BIN)/python -m pytest tests/dialects -s $(ARGS)

# Renew the pins: resolves anew and writes versions and hashes, never an address.
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet pip-tools
	$(VENV)-lock/bin/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-trusted-host \
	  --no-emit-find-links --no-emit-options --extra test --extra dev --all-build-deps --output-file constraints.txt pyproject.toml
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) leadlight-demo build dist
