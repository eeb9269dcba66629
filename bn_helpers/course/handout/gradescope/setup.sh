#!/usr/bin/env bash
# Gradescope runs this once, when the zip is uploaded: the grader's environment. Needs Python 3.10: Ubuntu 22.04 or newer.
set -euo pipefail
cd "${AUTOGRADER:-/autograder}/source"

chmod 600 course.key
apt-get update
apt-get install --yes python3-venv libseccomp2
python3 -m venv ../venv
../venv/bin/python -m pip install -r course/requirements.txt -e "course[grader]"
