# `make run` starts the demo fabric; `make test` runs every check. Each target sets up what it needs.
VENV := .venv
BIN  := $(VENV)/bin
UV   := 0.13.9

.PHONY: run test check fmt accept docs lock soak differential bench peers install clean help

run: $(VENV)/ready            ## start the demo fabric; Ctrl-C stops it
	@$(BIN)/treadle demo --workspace examples/acme

test: check                   ## format, lint, types, layers and every test
	$(BIN)/pytest

check: $(VENV)/ready          ## the checks that start nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/ready            ## format and mend what is safe
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

accept: $(VENV)/ready         ## rewrite the golden cases; read the diff
	$(BIN)/pytest --accept -m "not engine and not browser and not fabric"

docs: $(VENV)/ready           ## rewrite the generated pages under docs/
	$(BIN)/python -m docs.generate

soak: $(VENV)/ready           ## slow faults, hostile documents, 100,000 pairs of schemas (root: it mounts)
	$(BIN)/pytest tests/soak

differential: $(VENV)/ready   ## every answer beside that of Spectral, oasdiff and AsyncAPI's parser (make peers first)
	$(BIN)/python bench/differential_lint.py $(SPECS)
	$(BIN)/python bench/differential_diff.py
	$(BIN)/python bench/differential_asyncapi.py

bench: $(VENV)/ready          ## measure, against the goals in docs/benchmarks.md
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/quota.py
	$(BIN)/python bench/check.py
	$(BIN)/python bench/gateway.py
	$(BIN)/python bench/recovery.py
	$(BIN)/python bench/lint.py $(SPECS)
	$(BIN)/python bench/diff.py
	$(BIN)/python bench/fleet.py

peers: $(VENV)/ready          ## install the tools to compare with into .peers/ (npm and Go)
	$(BIN)/python bench/peers.py

lock: $(VENV)/bin/uv          ## pin every dependency, with hashes
	$(BIN)/uv pip compile pyproject.toml --extra fabric --extra fleet --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o requirements.lock

install: $(VENV)/ready        ## create .venv with the locked dependencies

$(VENV)/bin/uv:
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)

$(VENV)/ready: pyproject.toml requirements.lock | $(VENV)/bin/uv
	$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	@touch $@

clean:                        ## remove what was installed and what ran
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache examples/*/.treadle

help:
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile
