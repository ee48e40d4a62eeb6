# Few verbs. `make run` and `make test` do all the set-up on a fresh machine with Python >= 3.11.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test check fix bench oracle fuzz targets nightly clean

run: $(VENV)/run
	$(BIN)/engine run playbooks/01-hello.yml
	@echo
	@echo "That wrote playbooks/hello.txt. See it:         cat playbooks/hello.txt"
	@echo "What the engine remembers of it:          $(BIN)/engine state list --project playbooks"
	@echo "Take it back:                             $(BIN)/engine rollback --project playbooks --yes"

test: $(VENV)/test check
	$(BIN)/python -m pytest -m "not nightly and not oracle" $(ARGS)

check: $(VENV)/test
	$(BIN)/ruff check engine tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fix: $(VENV)/test
	$(BIN)/ruff check --fix engine tests benchmarks

bench: $(VENV)/test $(VENV)/oracle
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/templating.py
	$(BIN)/python benchmarks/includes.py
	$(BIN)/python benchmarks/drift.py
	$(BIN)/python benchmarks/recording.py

# The real programs stand last on PATH: found by name, and in nobody's way.
oracle: $(VENV)/test $(VENV)/oracle
	PATH="$$PATH:$(CURDIR)/$(VENV)/oracle-env/bin" $(BIN)/python -m pytest -n auto -m oracle $(ARGS)

# A measurement, not a test: docs/compatibility.md lists what is known to differ.
FUZZ_SEED ?= 1
FUZZ_PLAYS ?= 200
FUZZ_EXPRESSIONS ?= 2000

# ansible-core's own integration targets against the drop-in programs. Root, debootstrap; the first time some minutes.
targets: $(VENV)/test
	$(BIN)/engine shims install $(VENV)/shims
	$(BIN)/python tests/targets/conformance.py run --bin $(VENV)/shims --list tests/targets/passing.txt --timeout 150 $(ARGS)

fuzz: $(VENV)/test $(VENV)/oracle
	$(BIN)/python tests/oracle/fuzz.py --seed $(FUZZ_SEED) --count $(FUZZ_PLAYS) --figures
	$(BIN)/python tests/oracle/expressions.py --seed $(FUZZ_SEED) --count $(FUZZ_EXPRESSIONS) --figures

nightly: $(VENV)/test $(VENV)/oracle
	PATH="$$PATH:$(CURDIR)/$(VENV)/oracle-env/bin" $(BIN)/python -m pytest -m "nightly or oracle" $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "python3-venv is missing"; test "$$(id -u)" = 0 || { echo "install it: apt-get install python3-venv"; exit 1; }; \
		apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	sh tests/install.sh
	@touch $@ $(VENV)/run

# The oracle: the real ansible-core, in an environment of its own, never imported.
$(VENV)/oracle: tests/oracle/requirements.txt | $(BIN)/python
	sh tests/oracle/install.sh $(VENV)/oracle-env
	@touch $@
