# The course's commands. Each makes the environment first, where it is missing or its requirements have changed.
# Paths are relative, so that a folder with spaces in its name works.

PYTHON = python3
PORT = 8888
OUT = $(or $(filter slides site,$@),grades)

run = .venv/bin/python -m
flags = $(if $(filter no,$(BROWSER)),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help course lecture slides site test test-all build grade .venv

help: ## list these commands
	@awk -F ':.*## ' '/^[.a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

course: .venv/installed ## open the course in JupyterLab (PORT=8890; BROWSER=no prints the address only)
	@echo "Starting JupyterLab. Ctrl-C ends it; save your work before."
	@exec env JUPYTER_CONFIG_PATH=bn_helpers/course/jupyter $(run) jupyterlab --port=$(PORT) $(flags) --log-level=WARN -y \
		--LabApp.default_url=/lab/tree/notebooks/01_normalization.ipynb

lecture: .venv/lecturer ## show the solved notebooks as slides in JupyterLab (PORT, BROWSER as for course)
	@mkdir -p build/lecture
	cp solutions/*.ipynb build/lecture  # so that what is typed in class changes no solution
	@echo "Starting JupyterLab. In a notebook, Alt-R shows the slides. Ctrl-C ends it."
	@exec env JUPYTER_CONFIG_PATH=bn_helpers/course/jupyter:bn_helpers/course/lecture $(run) jupyterlab --port=$(PORT) \
		$(flags) --log-level=WARN -y --LabApp.default_url=/lab/tree/build/lecture/01_normalization.ipynb

slides: .venv/lecturer ## write the slides, one file a notebook, with speaker notes (OUT=slides)
	$(run) bn_helpers slides --out "$(OUT)"

site: .venv/lecturer ## write the course as a site to read, without answers (OUT=site)
	$(run) bn_helpers site --out "$(OUT)"

test: .venv/installed ## test the course: under six minutes
	$(run) pytest -m "not slow"

test-all: .venv/installed ## test everything
	$(run) pytest

build: .venv/installed ## build the notebooks from their sources in solutions/
	$(run) bn_helpers build

grade: .venv/installed ## grade what students handed in (SUBMISSIONS=folder; OUT=grades says where the reports go)
	@test -n "$(SUBMISSIONS)" || { echo "Say what to grade: make grade SUBMISSIONS=folder"; exit 2; }
	$(run) bn_helpers grade "$(SUBMISSIONS)" --out "$(OUT)"

.venv: .venv/installed ## make the environment (PYTHON=python3.12 chooses the Python)

.venv/bin/pip:
	@"$(PYTHON)" -c "$$check_python"
	"$(PYTHON)" -m venv --upgrade-deps .venv

.venv/installed: .venv/bin/pip requirements.txt pyproject.toml
	$(run) pip install -r requirements.txt -e .
	@touch $@

.venv/lecturer: .venv/installed
	$(run) pip install -e ".[lecturer]"
	@touch $@

define check_python
import sys
version = "%d.%d" % sys.version_info[:2]
if sys.version_info < (3, 10):
    sys.exit("The course needs Python 3.10 or newer, and this is " + version + ". Name a newer one: make PYTHON=python3.12")
try:
    import ensurepip, venv
except ImportError:
    sys.exit("This Python cannot make an environment. On Debian and Ubuntu: apt install python" + version + "-venv")
endef
export check_python
