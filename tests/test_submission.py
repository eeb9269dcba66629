import json
import os
import sys
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from submissions import code_cell, notebook, right_answers, write_submission

from bn_helpers import submission
from bn_helpers.cli import ROOT
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, TASKS
from bn_helpers.parsing import parse
from bn_helpers.submission import EXPLAIN, MAX_ANSWER, MAX_FILE, read_files, read_submission

DEFINITION = "def normalize(x, eps=1e-5):\n    return x"
OTHER = "def normalize(x, eps=1e-5):\n    return 2 * x"


def written(tmp_path, *cells, name="notebook.ipynb"):
    (tmp_path / name).write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    return tmp_path


def normalize_of(folder):
    return read_submission(folder).answers["normalize"]


@pytest.mark.parametrize(
    "cell",
    [
        code_cell(DEFINITION, grade_id="normalize"),
        code_cell(DEFINITION, id="normalize"),
        code_cell(DEFINITION),
        code_cell("normalize = lambda x, eps=1e-5: x"),
        code_cell("if True:\n    from numpy import positive as normalize"),
    ],
    ids=["grade id", "cell id", "name of the function", "assigned name", "imported name"],
)
def test_an_answer_is_found_by_grade_id_cell_id_or_name(tmp_path, cell):
    assert normalize_of(written(tmp_path, cell)).source == cell["source"]


def test_the_grade_id_counts_more_than_the_cell_id_and_that_more_than_the_name(tmp_path):
    cells = [code_cell(DEFINITION, grade_id="normalize"), code_cell(OTHER, id="normalize"), code_cell(OTHER)]
    assert normalize_of(written(tmp_path, *cells)).source == DEFINITION
    assert normalize_of(written(tmp_path, code_cell(DEFINITION, id="normalize"), code_cell(OTHER))).source == DEFINITION


def test_an_answer_cell_that_was_emptied_gives_way_to_the_cell_that_holds_the_function(tmp_path):
    folder = written(tmp_path, code_cell("# see below", grade_id="normalize"), code_cell(DEFINITION))
    assert normalize_of(folder).source == DEFINITION


def test_handed_code_is_no_answer(tmp_path):
    handed = code_cell("def batchnorm_forward(x, gamma, beta, bn_param):\n    return x, ()", "forward-to-read")
    handed["metadata"]["nbgrader"] |= {"locked": True, "solution": False}
    answer = code_cell("def frozen_backward(dout, gamma, var):\n    return dout", "frozen_backward")
    assert list(read_submission(written(tmp_path, handed, answer)).answers) == ["frozen_backward"]
    del handed["metadata"]["nbgrader"]  # as some learning platforms do; the other cell still tells the notebook
    assert list(read_submission(written(tmp_path, handed, answer)).answers) == ["frozen_backward"]


def test_of_two_answers_the_last_counts_and_a_note_says_so(tmp_path):
    cells = [code_cell(text, grade_id="normalize") for text in (OTHER, DEFINITION)]
    submission = read_submission(written(tmp_path, *cells))
    assert submission.answers["normalize"].source == DEFINITION
    assert submission.notes == ("notebook.ipynb: 2 cells answer normalize; the last one counts",)


def test_what_an_answer_uses_of_other_cells_is_taken_along_and_told(tmp_path):
    uses = code_cell("def normalize(x, eps=1e-5):\n    y = helper(x) + np.mean(x) + sum(x)\n    return y", "normalize")
    other = "import numpy as np\nx = y = sum = 1\nscale = 2\n@cache\ndef helper(x):\n    return scale * x\nhelper(3)"
    answer = normalize_of(written(tmp_path, code_cell("from functools import cache"), code_cell(other), uses))
    assert answer.source == (
        f"{uses['source']}\nfrom functools import cache\nscale = 2\n@cache\ndef helper(x):\n    return scale * x"
    )
    assert answer.notes == ("cache, scale, helper, defined in another cell, is taken along",)
    assert answer.code == uses["source"]


@pytest.mark.parametrize(
    "other",
    [
        "from math import *",
        "def root(x):\n    return sqrt(x)\nfrom math import *",
        "try:\n    import torch\nexcept ImportError:\n    from math import sqrt as root",
        "if True:\n    from math import sqrt as root",
        "for root in (abs, np.sqrt):\n    pass\nwith open('x') as file:\n    pass",
        "root = np.sqrt\ndef twice(f):\n    return lambda x: f(f(x))\nroot = twice(root)",
        "root = []\nroot += [np.sqrt]\nroot = root[0]",
    ],
    ids=["star", "star of a helper", "try", "if", "for", "wrapped", "changed"],
)
def test_what_another_cell_defines_in_whatever_way_is_taken_along(tmp_path, other):
    name = "root" if "root" in other else "sqrt"
    uses = code_cell(f"def normalize(x, root={name}):\n    return root(x)", "normalize")
    names = {"np": np}
    exec(normalize_of(written(tmp_path, code_cell(other), uses)).source, names)
    assert names["normalize"](16.0) in (2.0, 4.0)


def test_what_is_needed_to_define_an_answer_stands_above_it(tmp_path):
    uses = code_cell("def normalize(x, eps=EPS):\n    return x", "normalize")
    assert normalize_of(written(tmp_path, uses, code_cell("EPS = 1e-5"))).source == f"EPS = 1e-5\n{uses['source']}"


def test_comments_that_steer_nbval_are_taken_out_and_line_numbers_stay(tmp_path):
    source = (
        "# NBVAL_SKIP\n  ## NBVAL_IGNORE_OUTPUT\n# an ordinary comment\n#PYTEST_VALIDATE_IGNORE_OUTPUT\n" + DEFINITION
    )
    answer = normalize_of(written(tmp_path, code_cell(source)))
    assert answer.source == "#\n#\n# an ordinary comment\n#\n" + DEFINITION
    assert answer.code == source


NOT_THERE = "is not there when answers are graded, and its import is left out"


@pytest.mark.parametrize(
    ("above", "kept"),
    [
        ("import matplotlib.pyplot as plt", "pass"),
        ("import matplotlib, numpy as np", "import numpy as np"),
        ("from bn_helpers.checks import check", "pass"),
        ("from bn_helpers import plotting, layers", "from bn_helpers import layers"),
        ("from matplotlib import (\n    pyplot,\n)", "pass\n\n"),
        ("import math; import scipy", "import math; pass"),
        ("from functools import cache", "from functools import cache"),
    ],
)
def test_an_import_of_what_is_not_there_costs_nothing_where_it_is_not_used(tmp_path, above, kept):
    answer = normalize_of(written(tmp_path, code_cell(f"{above}\n{DEFINITION}")))
    assert answer.source == f"{kept}\n{DEFINITION}"
    assert (answer.error, answer.notes) == ("", ())


@pytest.mark.parametrize(
    ("source", "module"),
    [
        (f"import matplotlib.pyplot as plt\nplt.ioff()\n{DEFINITION}", "matplotlib.pyplot"),
        (f"from bn_helpers.checks import check\n{DEFINITION}\ncheck('normalize', normalize)", "bn_helpers.checks"),
        (f"from scipy.stats import *\n{DEFINITION}", "scipy.stats"),
    ],
)
def test_an_import_of_what_is_not_there_is_named_where_it_is_used(tmp_path, source, module):
    answer = normalize_of(written(tmp_path, code_cell(source)))
    assert answer.notes == (f"{module} {NOT_THERE} (line 1)",)


@pytest.mark.parametrize(
    ("above", "kept"),
    [
        ("files = !ls", "files = None"),
        ("names = %who_ls", "names = None"),
        ("!pip install \\\n  torch \\\n  scipy", "pass\n\n"),
    ],
)
def test_assigned_magics_and_shell_lines_that_go_on_are_left_out(tmp_path, above, kept):
    answer = normalize_of(written(tmp_path, code_cell(f"{above}\n{DEFINITION}")))
    assert (answer.source, answer.error) == (f"{kept}\n{DEFINITION}", "")


@pytest.mark.parametrize("kind", ["markdown", "raw"])
@pytest.mark.parametrize("grade_id", ["normalize", ""])
def test_an_answer_in_a_cell_of_another_type_is_read_and_told(tmp_path, kind, grade_id):
    cell = {**code_cell(DEFINITION, grade_id), "cell_type": kind}
    text = {**code_cell("Define `normalize` here."), "cell_type": "markdown"}
    answer = normalize_of(written(tmp_path, text, cell))
    assert (answer.source, answer.error) == (DEFINITION, "")
    assert answer.notes == (f"the cell is of type {kind}: make it a code cell again",)


def test_a_stub_gives_way_to_an_answer_in_another_cell(tmp_path):
    stub = code_cell("def normalize(x):\n    raise NotImplementedError", "normalize")
    assert normalize_of(written(tmp_path, stub, code_cell(DEFINITION))).source == DEFINITION


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_a_notebook_hands_out_is_no_answer_without_any_ids_either(tmp_path, name):
    built = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    for cell in built["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    (tmp_path / "mine.ipynb").write_text(json.dumps(built))
    answers = read_submission(tmp_path).answers
    assert {*answers} == {task for task in TASKS if TASKS[task].notebook == name}
    assert not any(answer.attempted for answer in answers.values())


@pytest.mark.parametrize("line", ["%matplotlib inline", "!pip install torch", "%%time", "np.mean?", "?np", "    !ls"])
def test_magics_and_shell_lines_are_left_out_and_told(tmp_path, line):
    before = "if True:\n" if line.startswith(" ") else ""
    answer = normalize_of(written(tmp_path, code_cell(f"{before}{line}\n{DEFINITION}", grade_id="normalize")))
    indentation = line[: len(line) - len(line.lstrip())]
    assert answer.source == f"{before}{indentation}pass\n{DEFINITION}"
    assert not answer.error
    assert answer.notes == (f"magics and shell commands are left out (line {1 + bool(before)})",)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def normalize(:", "the cell is not Python: line 1: invalid syntax"),
        ("import numpy", "the cell does not define normalize"),
        ("x = '" + "a" * MAX_ANSWER + "'", f"more than {MAX_ANSWER}"),
        ("x = " + "-" * 60_000 + "1", "the cell is not Python"),
        ("def normalize(x):\n    '\0'", "the cell is not Python"),
    ],
    ids=["syntax", "another name", "long", "deep", "null byte"],
)
def test_an_answer_that_cannot_run_has_an_error(tmp_path, source, error):
    assert error in normalize_of(written(tmp_path, code_cell(source, grade_id="normalize"))).error


def test_of_an_answer_that_is_too_long_only_as_much_is_kept_as_would_have_been_read(tmp_path):
    code = "\n" * MAX_ANSWER + "def normalize(x):\n    return x\n" + "#" * 2**21
    answer = normalize_of(written(tmp_path, code_cell(code, grade_id="normalize")))
    assert (answer.code, answer.source, answer.attempted) == (code[:MAX_ANSWER], "", True)
    assert f"{len(code)} characters" in answer.error
    assert answer.notes == (f"only its first {MAX_ANSWER} characters are kept",)


def test_a_stub_is_no_attempt_and_a_half_written_answer_is_one(tmp_path):
    stub = 'def normalize(x, eps=1e-5):\n    """Normalize."""\n    raise NotImplementedError("normalize")'
    assert not normalize_of(written(tmp_path, code_cell(stub))).attempted
    assert normalize_of(written(tmp_path, code_cell(stub.replace("    raise", "    x = 1\n    raise")))).attempted


@pytest.mark.parametrize(
    ("source", "letter"),
    [('quiz_1 = "a"', "a"), ("quiz_1 = 'a'\nquiz_1 = ' C '", "c"), ("quiz_1 = a", None), ('quiz_1 = "?"', "?")],
)
def test_the_letter_of_a_quiz_is_read_without_running_it(tmp_path, source, letter):
    answer = read_submission(written(tmp_path, code_cell(source))).answers["quiz_1"]
    assert answer.letter == letter
    assert answer.attempted == (letter != "?")


def test_of_several_copies_the_one_with_most_answers_counts_whatever_its_name(tmp_path):
    stub = 'def layer_outputs(x):\n    raise NotImplementedError("layer_outputs")'
    written(tmp_path, code_cell(OTHER, "normalize"), code_cell(stub, "layer_outputs"), name="z.ipynb")
    full = [code_cell(DEFINITION, "normalize"), code_cell("def layer_outputs(x):\n    return 1", "layer_outputs")]
    written(tmp_path, *full, name="a (1).ipynb")
    submission = read_submission(tmp_path)
    assert {answer.file for answer in submission.answers.values()} == {"a (1).ipynb"}
    assert "01_normalization: a (1).ipynb has the most answers" in submission.notes[0]


def test_the_line_of_an_answer_is_the_one_in_the_file(tmp_path):
    cell = code_cell(["import numpy as np\n", "def normalize(x, eps=1e-5):\n", "    return x"])
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(notebook(cell), indent=1), encoding="utf-8")
    line = normalize_of(tmp_path).line
    assert "def normalize" in path.read_text(encoding="utf-8").splitlines()[line - 1]


def test_format_3_is_read(tmp_path):
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": [DEFINITION]}]}]}
    (tmp_path / "old.ipynb").write_text(json.dumps(old), encoding="utf-8")
    assert normalize_of(tmp_path).source == DEFINITION


BROKEN = {
    "empty": b"",
    "binary": bytes(range(256)) * 9,
    "truncated": b'{"cells": [',
    "a list": b"[]",
    "a number": b"1e999",
    "deep": b"[" * 100_000,
    "no cells": b"{}",
    "cells that are none": b'{"cells": [1, null, {"cell_type": "code"}, {"cell_type": "code", "source": {"a": 1}}]}',
    "metadata that is none": b'{"cells": [{"cell_type": "code", "metadata": 7, "source": "x = 1"}]}',
    "a huge integer": b'{"cells": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_gives_no_answers_and_harms_no_other(tmp_path, data):
    (tmp_path / "broken.ipynb").write_bytes(data)
    submission = read_submission(written(tmp_path, code_cell(DEFINITION)))
    assert list(submission.answers) == ["normalize"]


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "it is empty"), (b'{"cells": [\n<<<<<<< HEAD\n=======\n>>>>>>> main\n]}', "it holds the marks of a merge")],
)
def test_what_could_not_be_read_is_told(tmp_path, data, words):
    (tmp_path / "broken.ipynb").write_bytes(data)
    [note] = read_submission(tmp_path).notes
    assert note.startswith(f"broken.ipynb is not a notebook that can be read: {words}")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with open(tmp_path / "large.ipynb", "wb") as file:
        file.truncate(MAX_FILE + 1)
    assert "100 MB, more than 100" in read_submission(tmp_path).notes[0]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_and_pipes_are_not_followed(tmp_path):
    target = write_submission(tmp_path / "elsewhere", right_answers(["normalize"])) / "01_normalization.ipynb"
    folder = tmp_path / "student"
    folder.mkdir()
    (folder / "link.ipynb").symlink_to(target)
    os.mkfifo(folder / "pipe.ipynb")
    submission = read_submission(folder)
    assert not submission.answers
    assert len(submission.notes) == 2


def test_what_is_not_there_and_a_folder_without_notebooks_are_told(tmp_path):
    assert "there is no notebook in the folder" in read_submission(tmp_path).notes
    assert "is not a notebook" in read_submission(tmp_path / "nowhere.ipynb").notes[0]


def test_names_and_surrogates_do_no_harm(tmp_path):
    folder = tmp_path / '=김, "철수"\n::error::'
    folder.mkdir()
    written(folder, code_cell(DEFINITION + "\n# \ud800", grade_id="normalize"))
    submission = read_submission(folder)
    assert submission.student == '=김, "철수" ::error::'
    assert submission.answers["normalize"].source.endswith("# ?")
    assert submission.content_hash()


def test_the_hash_depends_on_answers_and_not_on_the_student(tmp_path):
    hashes = [
        read_submission(write_submission(tmp_path / name, right_answers(["normalize"], **changed))).content_hash()
        for name, changed in {"a": {}, "b": {}, "c": {"normalize": OTHER}}.items()
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_whole_submission_is_read_in_the_order_of_the_manifest(tmp_path):
    answers = right_answers(EXERCISES)
    assert list(read_submission(write_submission(tmp_path, answers)).answers) == list(EXERCISES)


@pytest.mark.parametrize(
    "line", [" " * 60_000 + "x =", "?" * 60_000 + "x =", "#" * 60_000 + " NBVAL x =", "[" * 60_000]
)
def test_a_line_that_is_costly_to_search_is_read_at_once(tmp_path, line):
    cells = [code_cell(line) for _ in range(10)]
    assert list(read_submission(written(tmp_path, *cells, code_cell(DEFINITION))).answers) == ["normalize"]


@pytest.mark.parametrize("files", [1, 2])
def test_much_code_of_a_student_is_not_looked_through_and_a_note_says_so(tmp_path, files):
    cells = [code_cell(DEFINITION), *[code_cell("y = " + "1+" * 30_000 + "1") for _ in range(30 // files)]]
    for name in "ab"[:files]:
        submission = read_submission(written(tmp_path, *cells, code_cell(OTHER), name=f"{name}.ipynb"))
    assert submission.answers["normalize"].source == DEFINITION
    assert f"{name}.ipynb: too much code was handed in: only its first" in submission.notes[0]


def test_a_cell_is_parsed_once(tmp_path, monkeypatch):
    parsed = Counter()
    monkeypatch.setattr(submission, "parse", lambda code: parsed.update([code]) or parse(code))
    read_submission(write_submission(tmp_path / "s", right_answers(["batch_statistics", "normalize"])))
    assert max(parsed.values()) == 1


def test_a_cell_of_many_megabytes_hides_no_answer(tmp_path):
    folder = written(tmp_path, code_cell("x = '" + "a" * 8 * 2**20 + "'"), code_cell(DEFINITION))
    assert normalize_of(folder).source == DEFINITION


@pytest.mark.parametrize("end", ["\x0c", "\x0b", "\x1c", "\x85", "\u2028", "\r"])
def test_a_comment_for_nbval_is_found_wherever_nbval_ends_a_line(tmp_path, end):
    text = f'{DEFINITION}\n"""{end}# NBVAL_SKIP\n"""'
    answer = normalize_of(written(tmp_path, code_cell(text, "normalize")))
    assert "NBVAL" not in answer.source
    assert answer.error == ""


def test_a_notebook_that_is_large_by_its_outputs_is_read_in_memory_that_its_sources_need(tmp_path):
    cell = code_cell(DEFINITION, "normalize")
    deep = [[{"a": ["]", '\\"', "}"]}]]
    data = {"image/png": "A" * (40 * 2**20), "text/plain": ['"outputs": [', *['"'] * 1000]}
    cell["outputs"] = [{"output_type": "display_data", "metadata": {"deep": deep}, "data": data}] * 2
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "n.ipynb").write_text(json.dumps(notebook(cell), indent=1, sort_keys=True), encoding="utf-8")
    tracemalloc.start()
    answer = normalize_of(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.code == DEFINITION
    assert peak < 8 * 2**20
    lines = (folder / "n.ipynb").read_text("utf-8").split("\n")
    assert "def normalize" in lines[answer.line - 1]


def test_a_text_that_speaks_of_outputs_is_kept(tmp_path):
    text = 'def normalize(x, eps=1e-5):\n    return {"outputs": [1, 2], "a": "\\"outputs\\": ["}'
    for indent in (None, 1):
        (tmp_path / "n.ipynb").write_text(json.dumps(notebook(code_cell(text, "normalize")), indent=indent))
        assert normalize_of(tmp_path).code == text


# What platforms and editors do to files


def answers_of(tmp_path, *cells, name="01_normalization.ipynb"):
    (tmp_path / name).write_text(json.dumps(notebook(*cells)), "utf-8")
    return read_files({name: tmp_path / name}, "kim")


@pytest.mark.parametrize("encoding", ["utf-16", "cp949", "utf-8-sig"])
def test_a_notebook_is_read_in_whatever_encoding_it_was_saved(tmp_path, encoding):
    cells = (code_cell("# 평균과 분산을 먼저 구하고, 그 다음에 나눈다."), code_cell(DEFINITION, "normalize"))
    (tmp_path / "a.ipynb").write_bytes(json.dumps(notebook(*cells), ensure_ascii=False).encode(encoding))
    assert read_files({"a.ipynb": tmp_path / "a.ipynb"}, "kim").answers["normalize"].code == DEFINITION


def test_a_cell_with_all_answers_is_taken_apart(tmp_path):
    helper = "def centered(x):\n    return x - x.mean(axis=0)"
    other = "def batch_statistics(x):\n    return centered(x), 1"
    text = "\n".join(("import numpy as np", helper, other, DEFINITION, 'quiz_1 = "b"', 'check("normalize", normalize)'))
    answers = answers_of(tmp_path, code_cell(text, "batch_statistics")).answers
    assert answers["normalize"].code == DEFINITION
    assert answers["quiz_1"].letter == "b"
    assert "def centered" in answers["batch_statistics"].source
    assert "check(" not in answers["batch_statistics"].source


def test_a_cell_that_brings_its_own_version_of_another_answer_stays_whole(tmp_path):
    both = f"def batch_statistics(x):\n    return 1, 2\n\n{DEFINITION}"
    first = code_cell("def batch_statistics(x):\n    return 3, 4", "batch_statistics")
    answers = answers_of(tmp_path, first, code_cell(both, "normalize")).answers
    assert answers["normalize"].code == both
    assert "3, 4" in answers["batch_statistics"].code


def test_a_file_without_any_answer_is_told(tmp_path):
    told = answers_of(tmp_path, code_cell("def normalise(x):\n    return x"))
    assert told.lost == ("01_normalization.ipynb: no answer to any exercise was found in it",)
    assert told.lost[0] in told.notes


def test_an_explanation_is_carried_and_an_empty_one_is_not(tmp_path):
    def explained(words):
        cell = {"cell_type": "markdown", "id": "explain_1", "metadata": {}, "source": words}
        return answers_of(tmp_path, code_cell(DEFINITION, "normalize"), cell)

    assert explained([EXPLAIN]).explanations == ()
    told = explained([EXPLAIN, "\n", "The scale cancels."])
    assert told.explanations == (("explain_1", "The scale cancels."),)
    assert list(told.answers) == ["normalize"]
    assert told.content_hash() == explained([EXPLAIN]).content_hash()
