"""Run the attacks of tests/attacks.py on this grader, nbgrader and otter-grader, and count what they reach.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.attacks ENVIRONMENTS

ENVIRONMENTS is the folder of benchmarks.graders. The attacks hand in notebook 1, right but for `normalize`; after each
comes a student who has everything right. The peers' tests are the course's visible checks, in the kernel, as they
always are with these programs; what of the course their kernels can import is what a class has of it. Neither peer
confines what it runs, so both stand in bubblewrap here, with limits around it. One of these does nothing for root, so
run this as an ordinary user, on Linux. It takes an hour, most of it waiting for what does not end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from attacks import ATTACKS
from submissions import TASKS, right_answers

from benchmarks.peers import Answers, Grader, Nbgrader, Otter, Ours
from bn_helpers.exercises import NOTEBOOKS

NOTEBOOK = next(iter(NOTEBOOKS))
POINTS = {task.id: task.points for task in TASKS.values() if task.notebook == NOTEBOOK}

GAINED, VOIDED, HARMED, OUTLASTED = "gains points", "costs own other answers", "costs another student", "does not end"
KINDS = (GAINED, VOIDED, HARMED, OUTLASTED)
SECONDS = 180  # without a result; without an attack a submission takes under five

LIMITS = ("--nproc=128", f"--as={4 * 2**30}", f"--fsize={2**29}", "--cpu=600", "--core=0")
MOUNTED = ("/usr", "/bin", "/lib", "/lib64", "/etc")

# The suite aims at a grader whose kernels know nothing. These aim at checks that run where the answer runs.
WRONG = "import numpy as np\n\ndef normalize(x, eps=1e-5):\n    return 0.0 * x\n"
ON_CHECKS = {
    "redefines_the_check": f"{WRONG}\ndef check(*arguments, **uses):\n    pass\n",
    "replaces_the_checks_code": f"{WRONG}\ncheck.__code__ = (lambda *arguments, **uses: None).__code__\n",
    "replaces_the_comparison": f"""{WRONG}
import sys
from bn_helpers.oracles import difference as real
for module in list(sys.modules.values()):
    if getattr(module, "difference", None) is real:
        module.difference = lambda *arguments: 0.0
""",
    "patches_the_test_runner": f"""{WRONG}
from otter.test_files import test_case
test_case.call_func = lambda *arguments: None
""",
    "answers_from_the_checks_cases": """
import numpy as np
from bn_helpers.exercises import visible_cases

def normalize(x, eps=1e-5):
    for case in visible_cases("normalize"):
        if case.wanted and np.array_equal(case.inputs["x"], x):
            return case.wanted["x_hat"].value
    return 0.0 * x
""",
}


def attacks() -> dict[str, str]:
    """All of the suite but those that aim at parts of this grader, which nobody else has."""
    return {name: source for name, source in (ATTACKS | ON_CHECKS).items() if "bn_driver" not in source}


def confined(command: list[str], folder: Path, prefix: Path) -> list[str]:
    """A command in bubblewrap: no network, no other process, nothing to write to but a folder and a small /tmp.

    Parameters
    ----------
    command : list of str
        What to run.
    folder : Path
        The only folder that it can change. It keeps its name, and is the working directory.
    prefix : Path
        The environment of the Python that the command starts.
    """
    seen = [*MOUNTED, sys.base_prefix, str(prefix)]
    mounts = ["--dev", "/dev", "--proc", "/proc", "--size", str(2**28), "--tmpfs", "/tmp"]
    mounts += ["--size", str(2**28), "--tmpfs", "/dev/shm"]
    mounts += [part for path in seen for part in ("--ro-bind-try", path, path)]
    mounts += ["--bind", str(folder), str(folder), "--remount-ro", "/", "--remount-ro", "/dev"]
    mounts += ["--chdir", str(folder), "--setenv", "HOME", "/tmp"]
    walls = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"]
    return ["prlimit", *LIMITS, "bwrap", *walls, "--cap-drop", "ALL", *mounts, *command]


def names(number: int) -> tuple[str, str]:
    """The attacker of a number and the bystander, who is graded next."""
    return f"{number:03d}-attacker", f"{number:03d}-bystander"


def run_class(grader: Grader, sources: dict[str, str], folder: Path) -> dict[str, set[str]]:
    """Grade attacks as a class, and say what each has reached, up to the one that ends the run if one does."""
    own = [task for task in POINTS if task != "normalize"]
    students: dict[str, Answers] = {}
    for number, source in enumerate(sources.values()):
        attacker, bystander = names(number)
        students[attacker] = right_answers(own, normalize=source)
        students[bystander] = {task: f"{text}\n# {number}" for task, text in right_answers(POINTS).items()}
    grader.prepare(folder, [NOTEBOOK], students)
    hung = watch(grader, folder)
    scores = grader.scores(folder)
    last = max((i for i, student in enumerate(students) if scores.get(student)), default=-1)
    graded = (last + 1) // 2 + 1  # the one at whom it stopped among them
    found: dict[str, set[str]] = {}
    for number, name in list(enumerate(sources))[:graded]:
        attack, other = (scores.get(student, {}) for student in names(number))
        found[name] = {GAINED} if attack.get("normalize", 0.0) > 0 else set()
        found[name] |= {VOIDED} if any(attack.get(task) != POINTS[task] for task in own) else set()
        found[name] |= {HARMED} if any(other.get(task) != POINTS[task] for task in POINTS) else set()
    if hung:
        found[name].add(OUTLASTED)
    return found


def watch(grader: Grader, folder: Path) -> bool:
    """Let a grader grade a folder, and say whether it hung and had to be stopped."""
    command = grader.command()
    if not isinstance(grader, Ours):  # which confines what it runs
        command = confined(command, folder, grader.prefix)
    with (folder / "log").open("wb") as log:
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(command, cwd=folder, env=grader.environment(folder), **streams)
        seen, since = grader.progress(folder), time.monotonic()
        while process.poll() is None:
            time.sleep(0.5)
            if (now := grader.progress(folder)) != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > SECONDS:
                process.kill()
                process.wait()
                return True
    return False


def run_all(grader: Grader, sources: dict[str, str], folder: Path) -> dict[str, set[str]]:
    """Run attacks on a grader, and say what each has reached. Those that one has kept from running are run again."""
    right = right_answers(["normalize"])["normalize"]
    if run_class(grader, {"right": right}, folder / "right") != {"right": {GAINED}}:
        sys.exit(f"{grader.name} does not grade right answers: see {folder / 'right' / 'log'}")
    found: dict[str, set[str]] = {}
    while left := {name: source for name, source in sources.items() if name not in found}:
        here = folder / str(len(found))
        new = run_class(grader, left, here)
        for name, reached in new.items():
            print(f"{grader.name}: {name}: {', '.join(sorted(reached)) or 'reaches nothing'}", flush=True)
        found |= new
        shutil.rmtree(here)
    return found


def table(found: dict[str, dict[str, set[str]]]) -> list[str]:
    """Lines of Markdown: how many attacks reach what, by grader."""
    rows: dict[str, Callable[[set[str]], bool]] = {kind: (lambda reached, kind=kind: kind in reached) for kind in KINDS}
    rows["reaches nothing"] = lambda reached: not reached
    lines = ["| an attack | " + " | ".join(found) + " |", "|---" + "|---:" * len(found) + "|"]
    for words, holds in rows.items():
        counts = [sum(map(holds, outcomes.values())) for outcomes in found.values()]
        lines.append(f"| {words} | {' | '.join(map(str, counts))} |")
    return lines


def main() -> None:
    """Run everything, and print a table and the names behind its figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("environments", type=Path, metavar="ENVIRONMENTS", help="where the peers live")
    parser.add_argument("--only", nargs="+", choices=attacks(), metavar="NAME", help="these attacks, not all")
    options = parser.parse_args()
    if os.geteuid() == 0:
        sys.exit("Run this as an ordinary user: nothing limits how many processes root starts.")
    sources = {name: source for name, source in attacks().items() if name in (options.only or attacks())}
    graders = [Ours(), Nbgrader(options.environments), Otter(options.environments)]
    with tempfile.TemporaryDirectory() as work:
        found = {grader.name: run_all(grader, sources, Path(work) / type(grader).__name__) for grader in graders}
    for grader, outcomes in found.items():
        for kind in KINDS:
            print(f"{grader}, {kind}: {', '.join(sorted(n for n, o in outcomes.items() if kind in o)) or 'none'}")
    print(f"\n{len(sources)} attacks\n", *table(found), sep="\n")


if __name__ == "__main__":
    main()
