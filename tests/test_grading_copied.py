import ast
import inspect
import re

import pytest
from sample_results import exercise_result, graded, submission_result

from bn_helpers import oracles
from bn_helpers.exercises import EXERCISES
from bn_helpers.grading.copied import oracles_text, same_notebooks
from bn_helpers.grading.probes import reference_cell
from bn_helpers.grading.report import summary
from bn_helpers.grading.report.insight import anonymous
from bn_helpers.parsing import MAX_ANSWER


def submission(student, **codes):
    return submission_result(student, *(exercise_result(name, "passed", code=code) for name, code in codes.items()))


def disguised(function):
    """An oracle's text with other names and numbers, without documentation."""
    tree = ast.parse(inspect.getsource(function))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.arg):
            setattr(node, "name" if isinstance(node, ast.FunctionDef) else "arg", "mine")
        elif isinstance(node, ast.Name):
            node.id = "yours"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            node.value = 0.25
    return f"# mine\n{ast.unparse(tree)}"


def test_the_text_of_an_oracle_is_told_under_any_names_and_costs_nothing():
    code = disguised(oracles.batchnorm_gradients)
    result = submission("kim", normalize=code)
    assert list(oracles_text(result)) == ["normalize is the text of the course's oracle batchnorm_gradients"]
    page = summary.page(graded(result))
    assert re.search(r"For a human[\s\S]*kim[\s\S]*batchnorm", page)
    assert result.exercises[1].score == EXERCISES["normalize"].points


def test_a_right_answer_of_ones_own_is_not():
    assert list(oracles_text(submission("kim", **{name: reference_cell(name) for name in EXERCISES}))) == []
    assert list(oracles_text(submission("kim", normalize="def normalize(x:", layer_outputs=""))) == []


def test_what_is_longer_than_an_answer_may_be_is_not_read():
    code = inspect.getsource(oracles.batchnorm_gradients) + "#" * MAX_ANSWER
    assert list(oracles_text(submission("kim", normalize=code))) == []
    assert anonymous(code, "batchnorm_gradients") == ""


def test_an_excerpt_of_a_function_of_many_texts_is_made_in_one_go(monkeypatch):
    asked = []
    monkeypatch.setattr(ast.Expr, "__eq__", lambda one, other: asked.append(one) or one is other, raising=False)
    monkeypatch.setattr(ast.Expr, "__hash__", object.__hash__, raising=False)
    assert (
        anonymous("def normalize(x):\n " + "'';" * 1000 + "return x", "normalize") == "def normalize(x):\n    return x"
    )
    assert len(asked) <= 1000


@pytest.mark.parametrize(
    "line",
    [
        "who = 'Kim Minsu'",
        "x = x if b'Kim Minsu' else 0",
        "x = {'Kim Minsu': x}['Kim Minsu']",
        "print(f'Kim Minsu: {x} {\"Kim\"}')",
        "y: 'Kim Minsu' = x",
    ],
)
def test_no_excerpt_on_the_wall_holds_a_text_that_a_student_wrote(line):
    piece = anonymous(f"def normalize(x, eps=1e-5):\n    {line}\n    return x", "normalize")
    assert "..." in piece
    assert "Kim" not in piece


@pytest.mark.parametrize("line", ["word = f'''{\"\x01\"}'''", f"n = 0x{'f' * 5000}"], ids=["f-string", "number"])
def test_code_that_cannot_be_written_anew_ends_no_report(line):
    anonymous(f"def normalize(x, eps=1e-5):\n    {line}\n    return x", "normalize")


def test_notebooks_that_are_the_same_are_told_and_others_not():
    same = {"batch_statistics": "def a():\n    return 1  # so", "normalize": "def b():\n    return 2"}
    other = same | {"normalize": "def b():\n    return 2  # mine"}
    results = [submission("kim", **same), submission("lee", **other), submission("park", **same)]
    assert list(same_notebooks(results)) == ["notebook 1 is the same, comments and all: kim, park"]
    assert list(same_notebooks(results[:2])) == []
    more = same | dict.fromkeys(("scale_and_shift", "identity_parameters"), "def c():\n    return 3")
    results = [submission(student, **more) for student in ("kim", "park")]
    assert list(same_notebooks(results)) == ["notebooks 1, 2 are the same, comments and all: kim, park"]


def test_notebooks_that_nobody_has_answered_are_not_told_to_be_the_same():
    stubs = [exercise_result(name, "unanswered", code="def f(): ...") for name in ("batch_statistics", "normalize")]
    assert list(same_notebooks(submission_result(student, *stubs) for student in ("kim", "lee"))) == []
