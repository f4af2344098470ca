# Two commands for a fresh machine, each makes the environment first: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
PYTEST ?= $(BIN)/python -m pytest
SHARED ?= $(or $(PROTOFACE_SHARED),../shared)
PACKAGES = prototxt converters trainers cascade eval
SOURCES = $(PACKAGES) tests

.PHONY: help env demo test test-all lint types format proto docs clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

env: $(VENV)/made ## Make the environment with the tried versions

$(VENV)/made: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[all,dev]'
	touch $@

# Published weights and real pictures are not part of the project; where they are at hand they are used.
ORIGINAL = $(wildcard $(SHARED)/original)
WEIGHTS = $(if $(ORIGINAL),--weights $(ORIGINAL)/l1_net.caffemodel --weights $(ORIGINAL)/l2_net.caffemodel)

demo: env ## The main job: find points, convert and check, time every runtime
ifneq ($(ORIGINAL),)
	$(BIN)/protoface detect $(ORIGINAL)/demo_images --truth $(ORIGINAL)/demo_landmarks.txt $(WEIGHTS) \
	    --mode faithful --out build/demo --json build/demo/points.json
	$(BIN)/protoface convert prototxt/level_1/deploy.prototxt $(ORIGINAL)/l1_net.caffemodel \
	    build/demo/level_1.onnx --fold-bn --check
	$(BIN)/protoface convert prototxt/level_2/deploy.prototxt $(ORIGINAL)/l2_net.caffemodel \
	    build/demo/level_2.onnx --fold-bn --check
endif
	$(BIN)/protoface bench $(WEIGHTS) $(if $(ORIGINAL),--images $(ORIGINAL)/demo_images) \
	    --batch 1 16 --runs 100 --json build/demo/bench.json

test: env lint types ## Lint, types and the fast tests
	$(PYTEST) -m "not slow"

test-all: env lint types ## The same with the slow tests
	$(PYTEST)

lint: env
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

# mypy cannot see that the five folders are one namespace; a link shows it.
types: env
	mkdir -p build/typing && ln -sfn ../.. build/typing/protoface
	cd build/typing && MYPYPATH=. $(CURDIR)/$(BIN)/mypy --config-file ../../pyproject.toml \
	    $(addprefix -p protoface.,$(PACKAGES))

format: env ## Format and mend what can be mended
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

proto: env ## Compile the schemas again
	$(BIN)/python -m grpc_tools.protoc -Iconverters --descriptor_set_out=converters/caffe.desc \
	    --pyi_out=converters converters/caffe.proto
	$(BIN)/python -m grpc_tools.protoc -Icascade --descriptor_set_out=cascade/cascade.desc \
	    --pyi_out=cascade cascade/cascade.proto

docs: env ## Write the table of layers again
	$(BIN)/python -m protoface.converters.layers.table > docs/layers.md

clean: ## Remove the environment and everything built
	rm -rf $(VENV) build dist *.egg-info
