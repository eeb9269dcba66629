"""Every catalogued mistake is refused, at the case that claims to catch it, and called by its name, and by no other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from drawn import FEW, MANY, drawn

from bn_helpers import catalogue, layers
from bn_helpers.catalogue import CATALOGUE
from bn_helpers.catalogue.entry import HUNKS, changed, changes
from bn_helpers.checks import examine
from bn_helpers.exercises import EASY, EXERCISES, visible_cases
from bn_helpers.exercises.draw import COARSE
from bn_helpers.judging import Diagnosis, diagnose, judge, mark, signatures
from bn_helpers.oracles import difference
from bn_helpers.outcomes import Case, Outcome, run

FINGERPRINTS = Path(catalogue.__file__).parents[1] / "fingerprints.json"
APART = 1e4  # times the tolerance: how far a mistake must be from the right answer, and from any other mistake

each_exercise = pytest.mark.parametrize("exercise", EXERCISES)


@cache
def outcomes(exercise: str) -> dict[str, list[Outcome]]:
    """What comes of every mistake on the visible cases."""
    cases = visible_cases(exercise)
    return {id: [run(case, entry.functions) for case in cases] for id, entry in CATALOGUE[exercise].items()}


@pytest.fixture(scope="module")
def fingerprints():
    return catalogue.fingerprints()


def name(found, known) -> str | None:
    """What an answer is called that looks like this on one draw of the cases."""
    diagnosis = diagnose([found], lambda *_: known)
    return diagnosis and diagnosis.mistake


def distance(case: Case, left: Outcome, right: Outcome) -> float:
    """How far apart two outcomes of a case are, in tolerances; infinite where they differ in kind."""
    if case.id in COARSE:
        return np.inf if judge(case, left).passed != judge(case, right).passed else 0.0
    kinds = [(o.raised, o.raised == "unpack" and o.detail, o.changed, o.values.keys()) for o in (left, right)]
    if kinds[0] != kinds[1]:
        return np.inf
    scales = {name: wanted.scale for name, wanted in (case.wanted | case.watched).items()}
    pairs = [(left.values[name], right.values[name], scales[name]) for name in left.values]
    if any(a.shape != b.shape or np.isfinite(a).all() != np.isfinite(b).all() for a, b, _ in pairs):
        return np.inf
    tolerance = 1e-9 if case.id == EASY else case.tolerance
    return max((difference(a, b, scale) / tolerance for a, b, scale in pairs if np.isfinite(a).all()), default=0.0)


def test_catalogue_is_large_and_covers_every_exercise():
    assert sum(map(len, CATALOGUE.values())) >= 90
    assert min(map(len, CATALOGUE.values())) >= 10


@each_exercise
def test_messages_end_the_sentence_and_hold_no_code(exercise):
    for entry in CATALOGUE[exercise].values():
        assert re.fullmatch(r"[a-z].*\.", entry.message)
        assert not re.search(r"np\.|axis=|\[|\]|==|\*\*|sqrt|\w(?<!tanh)\(", entry.message), entry.message
        assert len(entry.message) <= (300 if entry.id.startswith(("forward_", "cache_")) else 200)


@pytest.mark.parametrize("exercise", ["spatial_batchnorm_forward", "spatial_batchnorm_backward"])
def test_messages_about_images_speak_of_channels_and_their_elements(exercise):
    for entry in CATALOGUE[exercise].values():
        assert not re.search(r"1/N\b|\bD\b|\bfeatures?\b|\bN times\b", entry.message), entry.message


@each_exercise
def test_mistakes_are_refused_and_explained(exercise):
    for entry in CATALOGUE[exercise].values():
        verdict = examine(exercise, entry.functions)
        assert verdict.state in ("failed", "partial")
        assert verdict.diagnosis == Diagnosis(entry.id, alone=True)
        assert verdict.words.endswith(f"\nIt looks as if {entry.message}")


@each_exercise
def test_mistakes_are_caught_at_their_cases(exercise):
    position = [case.id for case in visible_cases(exercise)].index
    for id, seen in outcomes(exercise).items():
        at = position(CATALOGUE[exercise][id].case)
        assert not judge(visible_cases(exercise)[at], seen[at]).passed, id


@each_exercise
def test_confusion_matrix_is_the_diagonal(exercise):
    cases = visible_cases(exercise)
    found = {id: signatures(cases, seen) for id, seen in outcomes(exercise).items()}
    named = {id: name(found[id], found) for id in found}
    print(f"\n{exercise}: {len(found)} mistakes; each row is marked in the column of its name, or behind the bar")
    for id, called in named.items():
        marks = "".join("#" if column == called else "." for column in (*found, None))
        print(f"  {id:34} {marks[:-1]} | {marks[-1]}")
    assert named == {id: id for id in found}


@each_exercise
def test_mistakes_are_far_from_right_and_from_one_another(exercise):
    cases, seen = visible_cases(exercise), outcomes(exercise)
    functions = {name: getattr(layers, name) for name in (*EXERCISES[exercise].uses, exercise)}
    for id, entry in CATALOGUE[exercise].items():
        case, wrong = next(pair for pair in zip(cases, seen[id], strict=True) if pair[0].id == entry.case)
        assert distance(case, wrong, run(case, functions)) >= APART, id
    for one, other in combinations(seen, 2):
        apart = max(map(distance, cases, seen[one], seen[other]))
        assert apart >= APART, f"{one} and {other} are only {apart:.1g} tolerances apart"


@each_exercise
def test_no_mistake_lies_close_to_the_line_of_the_easy_case(exercise):
    easy = visible_cases(exercise)[0]
    assert easy.id == EASY
    for id, (seen, *_) in outcomes(exercise).items():
        for name, wanted in easy.wanted.items():
            if name in seen.values and seen.values[name].shape == wanted.value.shape:
                error = difference(seen.values[name], wanted.value, wanted.scale)
                assert not 0.015 <= error <= 0.03, f"{id}: {name} is wrong by {error:.3f}"


def check_hidden(exercise: str, seeds: range) -> None:
    """Refused on every draw, named rightly on 99 of 100, named wrongly on none."""
    named = dict.fromkeys(CATALOGUE[exercise], 0)
    for seed in seeds:
        known = catalogue.known(exercise, drawn(exercise, seed))
        for id, found in known.items():
            assert CATALOGUE[exercise][id].case in found, f"seed {seed}: {id} is not caught at its case"
            called = name(found, known)
            assert called in (id, None), f"seed {seed}: {id} is called {called}"
            named[id] += called == id
    assert min(named.values()) >= 0.99 * len(seeds), named


@each_exercise
def test_mistakes_are_named_on_hidden_cases(exercise):
    check_hidden(exercise, FEW)


@pytest.mark.slow
@each_exercise
def test_mistakes_are_named_on_many_hidden_cases(exercise):
    check_hidden(exercise, MANY)


@pytest.mark.parametrize("exercise", [id for id, task in EXERCISES.items() if task.uses])
def test_gradient_that_fits_a_wrong_forward_is_that_of_every_input(exercise):
    case = next(case for case in drawn(exercise, 0) if case.id == "small")
    for id in (id for id in CATALOGUE[exercise] if id.startswith("forward_")):
        functions = CATALOGUE[exercise][id].functions
        inputs = [np.array(case.inputs[name], np.longdouble) for name in ("x", "gamma", "beta")]
        for value, slope in zip(inputs, list(run(case, functions).values.values())[:3], strict=True):
            for index in np.ndindex(value.shape):
                ends = []
                for step in (1e-5, -2e-5):
                    value[index] += step
                    out, _ = functions[EXERCISES[exercise].uses[0]](*inputs, {"mode": "train"})
                    ends.append((case.inputs["dout"] * out).sum())
                value[index] += 1e-5
                assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(slope[index], rel=1e-6, abs=1e-7), (id, index)


@pytest.mark.slow
def test_two_mistakes_in_one_answer_are_called_by_one_of_their_names():
    """By none of a third. What equals a right answer or one mistake on all cases is no answer with two."""
    counts = Counter()
    for exercise in EXERCISES:
        cases = visible_cases(exercise)
        known = catalogue.known(exercise, cases)
        for pair in combinations(HUNKS[exercise], 2):
            try:
                answer = changed(exercise, *pair)
            except (ValueError, SyntaxError):  # both change one line
                continue
            functions = CATALOGUE[exercise][pair[0]].functions | {exercise: answer}
            found = signatures(cases, [run(case, functions) for case in cases])
            diagnosis = diagnose([found], lambda *_, known=known: known)
            if not found or (diagnosis and diagnosis.alone):
                continue
            called = diagnosis and diagnosis.mistake
            assert called in (None, *pair), f"{exercise}: {pair} is called {called}"
            counts["named" if called in pair else "not named"] += 1
    print(dict(counts))
    assert counts["named"] >= 0.6 * counts.total() > 2000


def test_fingerprints_are_those_of_the_catalogue(monkeypatch, fingerprints):
    monkeypatch.setattr(catalogue, "fingerprints", lambda: fingerprints)
    assert not catalogue.stale(FINGERPRINTS), "fingerprints.json is out of date: run python -m bn_helpers build"


def test_fingerprints_of_another_catalogue_are_stale(tmp_path, monkeypatch, fingerprints):
    changed = json.loads(FINGERPRINTS.read_text("utf-8"))
    changed["normalize"]["ddof"]["cases"]["small"]["values"]["x_hat"][1] *= 1.01
    (tmp_path / "changed.json").write_text(json.dumps(changed))
    monkeypatch.setattr(catalogue, "fingerprints", lambda: fingerprints)
    assert catalogue.stale(tmp_path / "changed.json")


def test_fingerprints_hold_words_and_signatures_only(fingerprints):
    assert {tuple(entry) for exercise in fingerprints.values() for entry in exercise.values()} == {("message", "cases")}


def test_fingerprints_are_written_one_case_a_line(tmp_path, monkeypatch, fingerprints):
    monkeypatch.setattr(catalogue, "fingerprints", lambda: fingerprints)
    path = tmp_path / "fingerprints.json"
    catalogue.write_fingerprints(path)
    text = path.read_text("utf-8")
    assert json.loads(text) == fingerprints
    assert '\n    "small": {"values": {"x_hat": [' in text
    assert max(map(len, text.splitlines())) < 400


@each_exercise
def test_mistake_that_misses_the_point_earns_at_most_half(exercise):
    task, cases = EXERCISES[exercise], visible_cases(exercise)
    for id, seen in outcomes(exercise).items():
        marks = mark(exercise, cases, seen)
        if task.point and not any(marks[case] for case in task.point):
            assert task.score(marks) <= task.points / 2 + 1e-9, id


def test_evaluation_on_the_batch_earns_at_most_half_however_right_the_rest_is():
    for exercise in ("batchnorm_forward", "spatial_batchnorm_forward"):
        cases = visible_cases(exercise)
        for id in ("test_uses_batch", "running_not_written_back", "running_std", "not_centered"):
            if id in CATALOGUE[exercise]:
                marks = mark(exercise, cases, outcomes(exercise)[id])
                assert EXERCISES[exercise].score(marks) <= EXERCISES[exercise].points / 2


def test_table_of_points_is_sorted_and_that_of_the_catalogue():
    assert catalogue.POINTS.read_text("utf-8") == catalogue.points_table(), "run python -m bn_helpers build"
    for part in catalogue.points_table().split("## ")[1:]:
        shares = [int(share) for share in re.findall(r"\| (\d+) % \|", part)]
        assert shares == sorted(shares, reverse=True)


def ddof_by_loops(x, eps=1e-5):
    x_hat = np.empty(x.shape)
    for j, column in enumerate(x.T.tolist()):
        mean = sum(column) / len(column)
        var = sum((v - mean) ** 2 for v in column) / (len(column) - 1)
        x_hat[:, j] = [(v - mean) / (var + eps) ** 0.5 for v in column]
    return x_hat


def ddof_by_matrices(x, eps=1e-5):
    centered = x - np.full((len(x), len(x)), 1 / len(x)) @ x
    return centered / np.sqrt(np.diag(centered.T @ centered) / np.float64(len(x) - 1) + eps)


@pytest.mark.parametrize("answer", [ddof_by_loops, ddof_by_matrices])
def test_mistake_is_named_however_it_is_written(answer):
    assert examine("normalize", {"normalize": answer}).diagnosis == Diagnosis("ddof", alone=True)


def test_gross_mistake_keeps_its_name_beside_a_small_one():
    def both(x, eps=1e-5):
        return (x - x.mean()) / (x.std() + eps)

    verdict = examine("normalize", {"normalize": both})
    assert verdict.diagnosis == Diagnosis("whole_array", alone=False)
    assert "\nOne of your mistakes: it looks as if you use one mean and one variance" in verdict.words


def test_two_mistakes_that_hide_one_another_are_not_named():
    def both(x, eps=1e-5):
        return x / (x.std(axis=0, ddof=1) + eps)

    verdict = examine("normalize", {"normalize": both})
    assert (verdict.state, verdict.diagnosis) == ("failed", None)


def test_change_that_does_not_fit_the_reference_is_an_error():
    with pytest.raises(ValueError, match=r"normalize: typo: 'sqr\(' occurs 0 times in the reference, wanted once"):
        changes("normalize", "typo (small): you mistype.\n- sqr(\n+ sqrt(")
    with pytest.raises(ValueError, match="two mistakes called ddof"):
        changes("normalize", "ddof (small): you repeat yourself.\n- np.sqrt(var + eps)\n+ 1")
    assert "typo" not in HUNKS["normalize"]


def test_catalogue_is_whole_where_python_leaves_out_docstrings():
    program = "from bn_helpers.catalogue import CATALOGUE\n"
    program += "print({id: mistake.message for each in CATALOGUE.values() for id, mistake in each.items()})"
    said = [
        subprocess.run([sys.executable, *how, "-c", program], capture_output=True, text=True, check=True).stdout
        for how in ([], ["-OO"])
    ]
    assert said[0] == said[1]
