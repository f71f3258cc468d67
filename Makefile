# `make demo` and `make test` need Python 3.10-3.13 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_DIR ?= runs/demo
DEMO_FLAGS ?=

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test lint clean

demo: $(VENV)/installed
	$(BIN)/python -m priv_keras.train --method=entropy --dataset=puppets \
	    --scale=tiny --run_dir=$(RUN_DIR) $(DEMO_FLAGS)

test: $(VENV)/installed lint
	$(BIN)/python -m pytest

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) runs
