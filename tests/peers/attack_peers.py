"""Run the attacks of tests/attacks.py on this grader, nbgrader and otter-grader, and count what they reach.

    PYTHONPATH=tests .venv/bin/python tests/peers/attack_peers.py ENVIRONMENTS

ENVIRONMENTS is the folder of benchmark.py. Each attack is graded alone with one other student: notebook 1, right but for
the attack on `normalize`, and a right one after it. The peers' tests are the course's visible checks, in the kernel, as
they always are with these programs; what of the course their kernels can import is what a class has of it. Neither peer
confines what it runs, so both stand in bubblewrap here, with limits around it. One of these does nothing for root, so
run this as an ordinary user, on Linux. It takes an hour.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attacks import ATTACKS
from graders import Grader, Nbgrader, Otter, Ours
from submissions import TASKS, right_answers

from bn_helpers.exercises import NOTEBOOKS

NOTEBOOK = next(iter(NOTEBOOKS))
POINTS = {task.id: task.points for task in TASKS.values() if task.notebook == NOTEBOOK}
ATTACKER, BYSTANDER = "attacker", "bystander"  # graded in this order

GAINED, VOIDED, HARMED, OUTLASTED = "gains points", "costs own other answers", "costs another student", "does not end"
KINDS = (GAINED, VOIDED, HARMED, OUTLASTED)
SECONDS = 180  # for two submissions; without an attack they take under ten
AT_ONCE = 2
BOMBS = {"forks", "starts_threads", "starts_processes"}  # they use up what all processes of a user share

LIMITS = ("--nproc=400", f"--as={4 * 2**30}", f"--fsize={2**26}", "--cpu=120", "--core=0")
MOUNTED = ("/usr", "/bin", "/lib", "/lib64", "/etc")

# The suite aims at a grader whose kernels know nothing. These aim at checks that run where the answer runs.
WRONG = "import numpy as np\n\ndef normalize(x, eps=1e-5):\n    return 0.0 * x\n"
ON_CHECKS = {
    "redefines_the_check": f"{WRONG}\ndef check(*arguments, **uses):\n    pass\n",
    "replaces_the_checks_code": f"{WRONG}\ncheck.__code__ = (lambda *arguments, **uses: None).__code__\n",
    "replaces_the_comparison": f"""{WRONG}
import sys
from bn_helpers import oracles
for module in list(sys.modules.values()):
    if getattr(module, "difference", None) is oracles.difference:
        module.difference = lambda *arguments: 0.0
""",
    "patches_the_test_runner": f"""{WRONG}
from otter.test_files import test_case
test_case.call_func = lambda *arguments: None
""",
    "answers_from_the_checks_cases": """
import numpy as np
from bn_helpers.cases import visible_cases

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
    mounts += ["--bind", str(folder), str(folder), "--chdir", str(folder), "--setenv", "HOME", "/tmp"]
    walls = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"]
    return ["prlimit", *LIMITS, "bwrap", *walls, "--cap-drop", "ALL", *mounts, *command]


def run(grader: Grader, source: str, folder: Path) -> set[str]:
    """Grade an attack and a bystander, and say what the attack has reached."""
    names = [name for name in POINTS if name != "normalize"]
    students = {ATTACKER: right_answers(names, normalize=source), BYSTANDER: right_answers(POINTS)}
    grader.prepare(folder, [NOTEBOOK], students)
    command = grader.command()
    if not isinstance(grader, Ours):  # which confines what it runs
        command = confined(command, folder, grader.prefix)
    reached = set()
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        try:
            subprocess.run(command, cwd=folder, env=grader.environment(folder), timeout=SECONDS, **streams)
        except subprocess.TimeoutExpired:
            reached.add(OUTLASTED)
    scores = grader.scores(folder)
    shutil.rmtree(folder)
    own, other = scores.get(ATTACKER, {}), scores.get(BYSTANDER, {})
    reached |= {GAINED} if own.get("normalize", 0.0) > 0 else set()
    reached |= {VOIDED} if any(own.get(name) != POINTS[name] for name in names) else set()
    return reached | ({HARMED} if any(other.get(name) != POINTS[name] for name in POINTS) else set())


def run_all(grader: Grader, sources: dict[str, str], folder: Path) -> dict[str, set[str]]:
    """Run attacks on a grader, and say what each has reached."""
    if reached := run(grader, right_answers(["normalize"])["normalize"], folder / "right") - {GAINED}:
        sys.exit(f"{grader.name} does not grade right answers: {', '.join(reached)}")
    found: dict[str, set[str]] = {}

    def one(name: str) -> None:
        found[name] = run(grader, sources[name], folder / name)
        told = ", ".join(sorted(found[name])) or "reaches nothing"
        print(f"{grader.name}, {len(found)} of {len(sources)}, {name}: {told}", flush=True)

    for name in sorted(BOMBS & sources.keys()):
        one(name)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(one, [name for name in sources if name not in BOMBS]))
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
