"""Grade the same submissions with this grader, nbgrader and otter-grader in one run, and compare what they cost.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.graders ENVIRONMENTS

The first run installs the peers into environments of their own, below the folder ENVIRONMENTS. Without it, this grader
is measured alone.

The submissions are distinct: right answers in different styles, and in every fourth three wrong ones. Without --whole,
only the cells that hold answers and checks are in them. This grader takes the answers out of a notebook, the others run
all that they are given. Only grading is timed, not the making of the assignment. CPU seconds are counted by a control
group: getrusage knows nothing of what a sandbox has killed, half of what this grader uses. That takes Linux, and root
or `systemd-run --user --scope -p Delegate=yes`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from submissions import TASKS, right_answers, variant_source

from benchmarks.peers import Answers, Grader, Nbgrader, Otter, Ours
from bn_helpers.catalogue import RIGHT
from bn_helpers.exercises import EXERCISES, NOTEBOOKS

WRONG = {  # exercises on which no other builds: eps forgotten twice, and one side of two
    "identity_parameters": "def identity_parameters(x, eps=1e-5):\n    return np.sqrt(x.var(axis=0)), x.mean(axis=0)",
    "frozen_backward": "def frozen_backward(dout, gamma, var, eps=1e-5):\n    return dout * gamma / np.sqrt(var)",
    "saturated_fraction": "def saturated_fraction(z, threshold=0.97):\n    return np.mean(np.tanh(z) > threshold)",
}


def submissions(count: int, wrong_every: int = 4) -> dict[str, Answers]:
    """Submissions by student, no two alike: each takes the next style of every exercise, and some take WRONG."""

    def own(functions: dict, exercise: str) -> bool:  # it brings no forward of its own
        return all(name == exercise or f.__module__ == "bn_helpers.layers" for name, f in functions.items())

    # The reference's spatial forward takes arrays from the one, and the other's styles read its cache.
    kept = ("channel_statistics", "spatial_batchnorm_forward")
    styles = {
        exercise: [variant_source(functions) for functions in found.values() if own(functions, exercise)]
        for exercise, found in RIGHT.items()
        if exercise not in kept
    }
    students = {}
    for number in range(count):
        answers = right_answers(**{e: texts[number % len(texts)] for e, texts in styles.items() if texts})
        wrong = WRONG if wrong_every and number % wrong_every == 0 else {}
        own_words = {e: f"{text}\n# {number}" for e, text in wrong.items()}
        students[f"student-{number:03d}"] = answers | own_words
    assert len({tuple(answers.values()) for answers in students.values()}) == count
    return students


class Cost(NamedTuple):
    """What grading all submissions took, in CPU and in wall-clock seconds."""

    cpu: float
    wall: float


def measure(grader: Grader, folder: Path) -> Cost:
    """Grade what is in a folder; what the command starts is counted, however it ends."""
    group = control_group() / f"bn-benchmark-{os.getpid()}"
    group.mkdir()
    enter = ["sh", "-c", 'echo $$ > "$0"; exec "$@"', str(group / "cgroup.procs")]
    start = time.monotonic()
    with (folder / "log").open("wb") as log:
        output = {"stdout": log, "stderr": subprocess.STDOUT}
        subprocess.run([*enter, *grader.command()], cwd=folder, env=grader.environment(folder), **output)
    wall = time.monotonic() - start
    while (group / "cgroup.procs").read_text():  # kernels on their way out
        time.sleep(0.1)
    used = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    group.rmdir()
    return Cost(int(used["usage_usec"]) / 1e6, wall)


def control_group() -> Path:
    """This process's control group, in the second version's tree."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    roots = [fields[1] for fields in mounts if fields[2] == "cgroup2"]
    own = [line.partition("::")[2] for line in Path("/proc/self/cgroup").read_text().splitlines() if "0::" in line]
    if not roots or not own or not os.access(group := Path(roots[0]) / own[0].lstrip("/"), os.W_OK):
        sys.exit(
            "CPU seconds are counted by a control group: run this as root, or by systemd-run --user --scope "
            "-p Delegate=yes."
        )
    return group


def misjudged(grader: Grader, folder: Path, students: dict[str, Answers], names: list[str]) -> list[str]:
    """Right answers without all their points, and wrong ones that have them."""
    scores, found = grader.scores(folder), []
    for student, answers in students.items():
        for task, answer in answers.items():
            points, right = scores.get(student, {}).get(task), not answer.startswith(WRONG.get(task, "\0"))
            if TASKS[task].notebook in names and (points == TASKS[task].points) != right:
                found.append(f"{student}, {task}: {'right' if right else 'wrong'}, and got {points} points")
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("environments", nargs="?", type=Path, metavar="ENVIRONMENTS", help="where the peers live")
    parser.add_argument("--submissions", type=int, default=20, metavar="N", help="how many (20)")
    parser.add_argument("--wrong", type=int, default=4, metavar="N", help="every Nth has wrong answers (4); 0: none")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often; medians are printed (3)")
    parser.add_argument("--notebooks", nargs="+", default=NOTEBOOKS, choices=NOTEBOOKS, metavar="NAME", help="all five")
    parser.add_argument("--whole", action="store_true", help="the notebooks as handed out, experiments and figures too")
    options = parser.parse_args()
    names, students = list(options.notebooks), submissions(options.submissions, options.wrong)
    peers = (Nbgrader, Otter) if options.environments else ()
    graders = [Ours(), *(peer(options.environments) for peer in peers)]
    costs: dict[str, list[Cost]] = {grader.name: [] for grader in graders}
    wrong: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as work:
        for number in range(options.rounds):
            for grader in graders:
                folder = Path(work) / f"{number}-{type(grader).__name__}"
                grader.prepare(folder, names, students, options.whole)
                cost = measure(grader, folder)
                costs[grader.name].append(cost)
                lost = misjudged(grader, folder, students, names)
                wrong[grader.name] = len(lost)
                print(f"round {number + 1}, {grader.name}: {cost.cpu:.1f} CPU s in {cost.wall:.1f} s", end="")
                print(f", load {os.getloadavg()[0]:.1f}", *lost[:3], sep="\n  ", flush=True)
    tasks = [task for task in TASKS.values() if task.notebook in names]
    exercises = sum(task.id in EXERCISES for task in tasks)
    print(f"\n{len(students)} submissions of {exercises} exercises and {len(tasks) - exercises} quizzes", end="")
    print(f", medians over {options.rounds} rounds, {os.cpu_count()} cores\n")
    print("\n".join(table(costs, wrong, len(students))))


def table(costs: dict[str, list[Cost]], wrong: dict[str, int], count: int) -> list[str]:
    """Lines of Markdown: medians over rounds; ratios to the first grader are taken round by round."""
    lines = ["| grader | CPU s a submission | ratio | submissions a minute | ratio | misjudged |"]
    lines.append("|---" + "|---:" * 5 + "|")
    first = next(iter(costs.values()))
    for name, rounds in costs.items():
        cpu = statistics.median(cost.cpu / count for cost in rounds)
        more = statistics.median(cost.cpu / ours.cpu for cost, ours in zip(rounds, first, strict=True))
        rate = statistics.median(60 * count / cost.wall for cost in rounds)
        slower = statistics.median(cost.wall / ours.wall for cost, ours in zip(rounds, first, strict=True))
        lines.append(f"| {name} | {cpu:.2f} | {more:.1f} | {rate:.1f} | {slower:.1f} | {wrong[name]} |")
    return lines


if __name__ == "__main__":
    main()
