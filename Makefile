# Two commands for a fresh machine, each makes the environment first: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
# Compiled files are kept, also where a system says not to: each worker, and each process that a test
# starts, would compile all of them again.
PYTEST ?= env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -rfE
# A worker for each core. loadfile makes a file's fixtures once; worksteal is quicker where they are cheap.
PARALLEL = -n auto --dist
FOLDERS = prototxt converters cascade eval trainers
SOURCES = package $(FOLDERS) tests

.PHONY: help env demo test test-all benchmark fuzz lint types format proto docs clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

env: $(VENV)/made ## Make the environment with the tried versions

$(VENV)/made: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[all,dev]'
	touch $@

demo: env ## The main job: draw faces, train both levels, convert, check, time, compare
	$(BIN)/protoface demo --out build/demo

test: env lint types ## Lint, types and the fast tests; prints failures and the count
	@$(PYTEST) $(PARALLEL) worksteal -m "not slow"

test-all: env lint types ## The same with the slow tests
	@$(PYTEST) $(PARALLEL) loadfile

benchmark: env ## The bars for time and memory; let nothing else run meanwhile
	@$(PYTEST) -m benchmark

# atheris is libFuzzer for Python; findings and logs are in build/fuzz.
SECONDS ?= 60
fuzz: env ## Fuzz all readers of files for SECONDS
	$(PIP) install --quiet atheris
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

lint: env
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/ruff format --quiet --check $(SOURCES)

# mypy cannot see that these folders are one package; links show it.
types: env
	@rm -rf build/typing && mkdir -p build/typing/protoface
	@ln -s $(addprefix ../../../,$(FOLDERS) $(wildcard package/*)) build/typing/protoface
	@cd build/typing && MYPYPATH=. $(abspath $(BIN))/mypy --no-error-summary \
	    --config-file ../../pyproject.toml -p protoface

format: env ## Format and mend what can be mended
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

proto: env ## Compile the schemas again
	$(BIN)/python -m grpc_tools.protoc -Iconverters --descriptor_set_out=converters/caffe.desc \
	    --pyi_out=converters converters/caffe.proto
	$(BIN)/python -m grpc_tools.protoc -Icascade --descriptor_set_out=cascade/cascade.desc \
	    --pyi_out=cascade cascade/cascade.proto
	$(BIN)/python -m grpc_tools.protoc -Itrainers/recipe --descriptor_set_out=trainers/recipe/recipe.desc \
	    --pyi_out=trainers/recipe trainers/recipe/recipe.proto

docs: env ## Write the table of layers again
	$(BIN)/python -m protoface.converters.layers.table > docs/layers.md

clean: ## Remove the environment and everything built
	rm -rf $(VENV) build dist *.egg-info
