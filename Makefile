# Everything a contributor types. PYTHON picks the interpreter that makes the environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(patsubst %/pyproject.toml,./%,$(sort $(wildcard plugins/*/pyproject.toml)))
SETUP := constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
CASES ?= plugins
JOBS ?= 2

.PHONY: help demo test install lint types smoke bench golden gpu-check clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# torch first and alone: a resolver that meets an open range would fetch another build of it.
$(VENV)/.demo: $(VENV)/bin/python $(SETUP)
	$(BIN)/python -m pip install -q $$(grep -E '^torch==' constraints.txt)
	$(BIN)/python -m pip install -q -c constraints.txt -e . $(addprefix -e ,$(PLUGINS))
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev,cpu,triton]" \
	  $(foreach plugin,$(PLUGINS),-e "$(plugin)[dev]")
	@touch $@

install: $(VENV)/.dev ## Make .venv with the core, every plugin and the development tools

demo: $(VENV)/.demo ## Train Mamba-ST on the bundled sample and name what it made
	$(BIN)/lightning-face fit --config experiments/mambast.yaml

# on tensors as small as those of the tests a second thread costs more than it brings; a file's tests
# share what they have trained, so they stay in one process; a process that dies is not replaced,
# since the others would then wait for it for ever
test: $(VENV)/.dev ## Run every test: make test JOBS=2
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --max-worker-restart 0

lint: $(VENV)/.dev ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

smoke: $(VENV)/.dev ## Run every experiment for a few steps
	@set -e; for file in $$(grep -l '^model:' experiments/*.yaml); do \
	  $(BIN)/lightning-face fit --config $$file --config experiments/parts/tiny.yaml; done

bench: $(VENV)/.dev ## Print the benchmark tables
	@set -e; for file in $(filter-out benchmarks/gpu_check.py benchmarks/side_by_side.py,$(wildcard benchmarks/*.py)); do \
	  echo "== $$file"; $(BIN)/python $$file; done

golden: $(VENV)/.dev ## Check golden cases: make golden CASES=DIR
	$(BIN)/python -m lightning_face.testing.golden $(CASES)

gpu-check: $(VENV)/.dev ## Check and time all that needs a GPU
	$(BIN)/python benchmarks/gpu_check.py

clean: ## Remove the environment and build leftovers
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache *.egg-info plugins/*/*.egg-info
