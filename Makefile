# The course's commands. Those of a student come first, since a class receives them too.

include bn_helpers/course/handout/Makefile

OUT = $(or $(filter slides site,$@),$(if $(filter lite,$@),site/lite),grades)
program = .venv/bin/bn-helpers
# On all cores; the cells of a notebook stay with one kernel.
tests = $(run) pytest -n auto --dist loadscope

.PHONY: lecture slides site lite bundle grade build test test-all test-browser test-classtools

lecture: .venv/lecturer ## show the solved notebooks as slides in JupyterLab (PORT, BROWSER as for course)
	@mkdir -p build/lecture; kept=build/lecture/$$(date +%F-%H%M%S); \
	for made in solutions/*.ipynb; do copy=build/lecture/$${made##*/}; \
		if [ -f "$$copy" ] && ! cmp -s "$$made" "$$copy"; then \
			mkdir -p "$$kept" && mv "$$copy" "$$kept" && echo "Kept as you left it: $$kept/$${made##*/}"; fi; \
		cp "$$made" "$$copy"; done  # so that what is typed in class changes no solution
	@echo "Starting JupyterLab. In a notebook, Alt-R shows the slides. Ctrl-C ends it."
	@exec env JUPYTER_CONFIG_PATH=bn_helpers/course/jupyter:bn_helpers/course/lecture $(run) jupyterlab --port=$(PORT) \
		$(flags) --log-level=WARN -y --LabApp.default_url=/lab/tree/build/lecture/01_normalization.ipynb

slides: .venv/lecturer ## write the slides, one file a talk, with speaker notes (OUT=slides)
	$(run) bn_helpers slides --out "$(OUT)"

site: .venv/lecturer ## write the course as a site to read, without answers (OUT=site)
	$(run) bn_helpers site --out "$(OUT)"

lite: .venv/lite ## write the course to work in with nothing but a browser, a site a part (OUT=site/lite, PART=1-2)
	$(run) bn_helpers lite --out "$(OUT)" $(if $(PART),--notebooks "$(PART)")

bundle: .venv/author ## make what a class receives, without answers, in bundles/
	$(run) bn_helpers bundle --out bundles

grade: .venv/grader ## grade what students handed in (SUBMISSIONS=folder or zip; OUT=grades, ROSTER, OVERRIDES, NAMES)
	@test -n "$(SUBMISSIONS)" || { echo "Say what to grade: make grade SUBMISSIONS=folder"; exit 2; }
	$(program) grade "$(SUBMISSIONS)" --out "$(OUT)" $(if $(ROSTER),--roster "$(ROSTER)") \
		$(if $(OVERRIDES),--overrides "$(OVERRIDES)") $(if $(NAMES),--names '$(NAMES)')

build: .venv/author ## build the notebooks from their sources in solutions/
	$(run) bn_helpers build

test: .venv/author .venv/grader .venv/developer ## test the course: minutes
	$(tests) -m "not slow"

test-all: .venv/author .venv/grader .venv/developer ## test everything that needs no browser and no class tool
	$(tests)

test-browser: .venv/browser .venv/lecturer .venv/grader .venv/lite ## test all that a browser shows, many minutes (needs Chromium: apt install chromium)
	$(run) pytest tests/browser

test-classtools: .venv/nbgrader/installed .venv/author .venv/grader ## test the course in nbgrader, in an environment of its own
	NBGRADER=.venv/nbgrader/bin/nbgrader $(run) pytest tests/test_classtools.py -k nbgrader

.venv/author .venv/grader .venv/developer .venv/lecturer .venv/browser .venv/lite: .venv/installed
	$(run) pip install -e ".[$(@F)]"
	@touch $@

.venv/nbgrader/installed: .venv/installed
	"$(PYTHON)" -m venv .venv/nbgrader
	.venv/nbgrader/bin/python -m pip install nbgrader numpy matplotlib ipywidgets
	@touch $@
