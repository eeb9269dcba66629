# The course's commands. Those of a student come first, since a class receives them too.

include bn_helpers/course/handout/Makefile

OUT = grades

.PHONY: test test-all test-classtools build bundle grade

test: .venv/installed ## test the course: under six minutes
	$(run) pytest -m "not slow"

test-all: .venv/installed ## test everything
	$(run) pytest

test-classtools: .venv/installed .venv/nbgrader/installed ## test the course in nbgrader, in an environment of its own
	NBGRADER=.venv/nbgrader/bin/nbgrader $(run) pytest tests/test_classtools.py -k nbgrader

.venv/nbgrader/installed: .venv/installed
	"$(PYTHON)" -m venv .venv/nbgrader
	.venv/nbgrader/bin/python -m pip install nbgrader numpy matplotlib
	@touch $@

build: .venv/installed ## build the notebooks from their sources in solutions/
	$(run) bn_helpers build

bundle: .venv/installed ## make what a class receives, without answers, in bundles/
	$(run) bn_helpers bundle --out bundles

grade: .venv/installed ## grade what students handed in (SUBMISSIONS=folder; OUT=grades says where the reports go)
	@test -n "$(SUBMISSIONS)" || { echo "Say what to grade: make grade SUBMISSIONS=folder"; exit 2; }
	$(run) bn_helpers grade "$(SUBMISSIONS)" --out "$(OUT)"
