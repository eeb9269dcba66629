"""The reports: each in its format, with nothing that a student wrote taken for anything but text."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from xml.etree import ElementTree

import jsonschema
import pytest
from sample_results import ORDER, exercise_result, graded, submission_result

from bn_helpers.catalogue import CATALOGUE
from bn_helpers.exercises import EXERCISES, TASKS
from bn_helpers.grading.report import (
    feedback,
    github,
    gradescope,
    junit,
    markup,
    summary,
    tables,
    write_reports,
)
from bn_helpers.grading.results import Student
from bn_helpers.grading.spreadsheet import cell, formula_free

HOSTILE = (
    "</pre><script>alert(1)</script> & \"q\" 'a' \x1b[31m\x00\udcff\u202e | `x` **b** <img src=x>\r\n::error::x\n%0A"
)
POINTS, SCALE = TASKS["normalize"].points, TASKS["scale_and_shift"].points
WITH_3 = 100 - (POINTS - 3)  # what there is where normalize earns 3
DDOF = CATALOGUE["normalize"]["ddof"].message


def wrong(task="normalize", status="partial", score=3.0, **fields):
    given = {"message": "x_hat has the wrong values\n  wanted  yours\n  1  2\nIt looks as if ...", "code": "return 1"}
    return exercise_result(task, status, score, **{**given, **fields})


@pytest.fixture
def hostile():
    """A class in which every text that a student can set is hostile."""
    answer = wrong(message=HOSTILE, code=HOSTILE, file=HOSTILE, line=7)
    return graded(submission_result(HOSTILE, answer, notes=(HOSTILE,)), submission_result("lee"))


def schema(name):
    return json.loads(resources.files("bn_helpers").joinpath("grading", name).read_text("utf-8"))


def test_all_reports_are_written_each_student_with_a_folder(tmp_path):
    write_reports(graded(submission_result("kim"), submission_result("lee")), tmp_path)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    own = {f"students/student-{number}/{name}" for number in (0, 1) for name in ("feedback.html", "results.json")}
    assert files == {"results.json", "grades.csv", "junit.xml", "summary.md", "summary.html", *own}


def test_pages_of_who_is_gone_are_removed_and_what_is_not_ours_stays(tmp_path):
    write_reports(graded(submission_result("kim"), submission_result("lee")), tmp_path)
    (tmp_path / "students" / "student-1" / "letter.txt").touch()
    gone = [Student(name, name, Path()) for name in ("student-0", "student-1", "never")]
    write_reports(
        replace(graded(submission_result("park")), students=[Student("park", "park", Path())], gone=gone), tmp_path
    )
    left = {str(path.relative_to(tmp_path / "students")) for path in (tmp_path / "students").rglob("*")}
    assert left == {"park", "park/feedback.html", "park/results.json", "student-1", "student-1/letter.txt"}


# results.json


def test_results_keep_to_their_schema(hostile):
    data = json.loads(tables.results(hostile))
    jsonschema.Draft202012Validator.check_schema(schema("results.schema.json"))
    jsonschema.validate(data, schema("results.schema.json"))
    normalize = next(e for e in data["submissions"][0]["exercises"] if e["id"] == "normalize")
    assert normalize.items() >= {"score": 3.0, "max_score": POINTS, "status": "partial", "diagnosis": None}.items()
    assert normalize["cases"][0] == {"id": "easy", "passed": True, "points": POINTS / 2}
    assert (data["schema"], data["sandbox"]) == (1, "bwrap")


@pytest.mark.parametrize(
    ("place", "value"),
    [(("sandbox",), "chroot"), (("submissions", 0, "exercises", 0, "status"), "great"), (("extra",), 1)],
)
def test_the_schema_refuses_what_is_not_agreed(place, value):
    data = json.loads(tables.results(graded(submission_result("kim"))))
    *path, last = place
    target = data
    for step in path:
        target = target[step]
    target[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema("results.schema.json"))


# grades.csv


def test_grades_have_a_row_a_student_and_a_column_an_exercise():
    data = tables.grades(graded(submission_result("김민수", wrong()), submission_result("lee")))
    assert data.startswith(b"\xef\xbb\xbf")  # by which Excel knows UTF-8
    text = data.decode("utf-8-sig")
    head, kim, _ = csv.reader(io.StringIO(text))
    assert head == [
        "student", "id", "email", "section", "late", "score", "max_score", *ORDER, "sandbox", "feedback"
    ]  # fmt: skip
    assert dict(zip(head, kim, strict=True)).items() >= {
        "student": "김민수", "score": f"{WITH_3}.0", "normalize": "3.0", "sandbox": "bwrap"
    }.items()  # fmt: skip


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1"])
def test_no_name_is_a_formula(name):
    text = tables.grades(graded(submission_result(name))).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text)))[1][0][0] == "'"


def test_no_part_of_a_name_is_one_where_a_spreadsheet_splits_cells_elsewhere():
    for name, wanted in (("a;=1+1", "a;'=1+1"), ("a, ＝1", "a, '＝1"), ("＋1", "'＋1"), ("a-b;c", "a-b;c")):
        assert formula_free(name) == wanted
        assert cell(wanted) == name


# junit.xml


def test_junit_says_points_and_diagnosis_in_the_name_and_in_the_failure():
    exercises = [wrong(diagnosis="ddof"), wrong("quiz_1", "missing", 0.0), wrong("scale_and_shift", "error", 0.0)]
    root = ElementTree.fromstring(junit.suites(graded(submission_result("kim", *exercises))))
    [suite] = root
    cases = {case.get("name"): case for case in suite}
    assert root.tag == "testsuites"
    assert suite.attrib == {
        "name": f"kim: {WITH_3 - SCALE - 1}/100 points", "time": "1.25", "tests": str(len(TASKS)),
        "failures": "1", "errors": "1", "skipped": "1"
    }  # fmt: skip
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}.items() <= suite.attrib.items()
    [failure] = cases[f"normalize: 3/{POINTS} points, ddof"]
    assert (failure.tag, failure.get("message")) == ("failure", f"partial: 3/{POINTS} points, ddof")
    assert failure.text.startswith(f"3/{POINTS} points, ddof\nx_hat has the wrong values")
    assert [child.tag for child in cases["quiz_1: 0/1 points"]] == ["skipped"]
    assert [child.tag for child in cases[f"scale_and_shift: 0/{SCALE} points"]] == ["error"]
    assert len(cases["quiz_2: 1/1 points"]) == 0
    assert cases[f"normalize: 3/{POINTS} points, ddof"].get("classname") == "kim.01_normalization"


def test_junit_holds_whatever_a_student_wrote(hostile):
    root = ElementTree.fromstring(junit.suites(hostile))
    assert "</pre><script>" in root[0].find("testcase/failure").text
    assert "</pre><script>" in root[0].find("system-out").text


# Gradescope


def test_gradescope_results_keep_to_their_schema(hostile):
    data = json.loads(gradescope.results(hostile.results[0]))
    jsonschema.Draft202012Validator.check_schema(schema("gradescope.schema.json"))
    jsonschema.validate(data, schema("gradescope.schema.json"))
    by_number = {test["number"]: test for test in data["tests"]}
    assert data["score"] == sum(test["score"] for test in data["tests"]) == WITH_3
    assert by_number["1.2"]["status"] == "failed"
    assert by_number["1.2"]["tags"] == ["01_normalization", "partial"]
    assert by_number["1.1"]["status"] == "passed"
    assert by_number["Q5"]["max_score"] == 1.0


# feedback.html


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def test_feedback_shows_points_words_code_and_where_to_look():
    result = submission_result("김민수", wrong(diagnosis="ddof"), notes=("a note",))
    page, cases = Page(feedback.page(result)), len(EXERCISES["normalize"].weights)
    for text in (
        "feedback for 김민수", f"{WITH_3} of 100 points", "a note", "1.2 Normalize a batch", "partly right",
        f"3 of {POINTS} points", "It looks as if ...", "return 1", "notebook 1 (01_normalization.ipynb), exercise 1.2",
        f"{cases - 1} of {cases} cases failed", "as many examples as features",
    ):  # fmt: skip
        assert text in page.text
    assert "wanted  yours\n1  2" in page.text


def test_feedback_on_what_is_not_attempted_says_so_without_the_stub():
    missing = wrong("normalize", "missing", 0.0, message="There is no answer yet.", code="raise NotImplementedError")
    page = Page(feedback.page(submission_result("kim", missing)))
    assert "There is no answer yet." in page.text
    assert "NotImplementedError" not in page.text


def test_feedback_begins_with_all_that_is_wrong_also_where_no_mistake_is_known():
    broken = wrong("batch_statistics", "failed", 0.0, message="the cell is not Python: line 2\nmore", diagnosis=None)
    result = submission_result("kim", broken, wrong(diagnosis="ddof"), wrong("layer_outputs", "missing", 0.0))
    beginning = Page(feedback.page(result)).text.partition("Begin with")[2].partition("Exercise")[0]
    assert "1.1 Mean and variance of a batch: the cell is not Python: line 2" in beginning
    assert "1.2 Normalize a batch: " in beginning
    assert "more" not in beginning
    assert "1.3" not in beginning


def test_feedback_is_one_page_without_scripts_for_a_phone_and_a_screen_reader():
    page = Page(feedback.page(submission_result("kim", wrong())))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "form"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert all(link["href"].startswith("#") for link in page.all("a"))
    assert {link["href"][1:] for link in page.all("a")} == {heading["id"] for heading in page.all("h3")}
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert all(pre["aria-label"] and pre["tabindex"] == "0" for pre in page.all("pre"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_nothing_in_feedback_is_markup_that_a_student_wrote(hostile):
    text = feedback.page(hostile.results[0])
    page, harmless = Page(text), Page(feedback.page(submission_result("kim", wrong(), notes=("note",))))
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in harmless.elements}
    assert page.text.count("<script>alert(1)</script>") >= 4
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\udc00-\udfff]", text)


def colours(name):
    return re.findall(rf"--{name}: (#\w+)", markup.STYLE)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["text", "soft", "right", "part", "wrong", "link"])
def test_every_colour_can_be_read_by_day_and_by_night(name):
    backgrounds = zip(colours("back"), colours("box"), strict=True)
    for colour, places in zip(colours(name), backgrounds, strict=True):
        for place in places:
            light, dark = sorted(map(luminance, (colour, place)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5


# summary.md


@pytest.fixture
def lecture():
    ddof = wrong(diagnosis="ddof")
    slow, absent = wrong("scale_and_shift", "timeout", 0.0), exercise_result("quiz_1", "missing")
    students = [submission_result("a", ddof, slow), submission_result("b", ddof), submission_result("c", absent)]
    lost = [exercise_result(task, "error") for task in ORDER]
    return summary.page(graded(*students, submission_result("d", *lost, notes=("look by hand",))))


def test_the_summary_begins_with_what_most_got_wrong(lecture):
    first = lecture.index(f"1. **2 ×** 1.2 Normalize a batch: {DDOF}")
    assert first < lecture.index("## Every exercise")
    assert "took too long" not in lecture[: lecture.index("## Every exercise")]
    assert "- **1 ×** took too long" in lecture


def test_the_summary_ranks_by_how_many_not_by_points():
    quiz, costly = wrong("quiz_1", "failed", 0.0), wrong("normalize", "failed", 0.0)
    page = summary.page(graded(*(submission_result(name, quiz, costly) for name in "ab"), submission_result("c", quiz)))
    assert page.index("1. **3 ×** Quiz 1: the wrong letter") < page.index("2. **2 ×** 1.2 Normalize a batch")


def test_the_summary_counts_right_partly_wrong_and_missing(lecture):
    scores = (WITH_3 - SCALE, WITH_3, 99, 0)
    middle = f"mean {mean(scores):.1f}, median {median(scores):.1f}"
    assert lecture.splitlines()[2] == f"4 submissions: {middle} of 100 points."
    assert f"| 1.2 Normalize a batch | {POINTS} | {(3 + 3 + POINTS) / 4:.1f} | 1 | 2 | 1 |  |" in lecture
    assert "| Quiz 1 | 1 | 0.5 | 2 |  | 1 | 1 |" in lecture


def test_the_summary_ends_with_what_needs_a_human(lecture):
    assert lecture.endswith("## For a human to look at\n\n- **d**: look by hand\n")


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        (["large mean: x_hat has the wrong values\n 1", "large mean: x_hat has the wrong values\n 2"], "values"),
        (["easy: normalize raised KeyError: 'a'", "easy: normalize raised KeyError: 'b'"], "raised KeyError"),
        (
            ["The answer cell does not run: NameError: a", "The answer cell does not run: NameError: b"],
            "run: NameError",
        ),
        (["the cell is not Python: line 1: x", "the cell is not Python: line 2: y"], "is not Python"),
    ],
)
def test_answers_without_a_known_mistake_count_as_one_where_the_same_is_seen(messages, words):
    page = summary.page(graded(*(submission_result(message, wrong(message=message)) for message in messages)))
    [line] = [line for line in page.splitlines() if line.startswith("1. ")]
    assert line.startswith("1. **2 ×** 1.2 Normalize a batch: no known mistake: ")
    assert line.endswith(words)


def test_nothing_in_the_summary_is_markup_that_a_student_wrote(hostile):
    page = summary.page(hostile)
    assert "<" not in page
    *_, line = (line for line in page.splitlines() if "alert" in line)
    assert line.startswith("- **&lt;/pre&gt;&lt;script&gt;")
    assert r"\| \`x\` \*\*b\*\*" in line
    assert not any(line.startswith("::") for line in page.splitlines())


# Formative


def test_without_a_sandbox_every_report_says_formative(tmp_path):
    result = submission_result("kim", notes=("formative: graded without a sandbox",))
    write_reports(graded(result, sandbox="none"), tmp_path)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or "formative" in path.read_text("utf-8"), path.name


# GitHub


@pytest.fixture
def actions(tmp_path):
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }


def single(tmp_path, *exercises, notes=()):
    of_one = graded(submission_result("kim", *exercises, notes=notes), folder=tmp_path / "work")
    of_one.students[0].path.mkdir(parents=True)
    return of_one


def test_outside_actions_nothing_is_said(tmp_path):
    assert github.report(single(tmp_path, wrong()), {}) == []


def test_annotations_stand_at_the_answers_lines_and_classroom_reads_the_points(tmp_path, actions):
    exercises = [
        wrong(file="01 a,b.ipynb", line=12, message="50 % wrong\nhere"),
        wrong("quiz_1", "missing", 0.0, message=""),
        wrong("scale_and_shift", "crashed", 0.0, file="02.ipynb", message="It ended."),
    ]
    left, part = WITH_3 - SCALE - 1, f"3/{POINTS}"
    assert github.report(single(tmp_path, *exercises), actions) == [
        f"::notice title=Autograding complete::Points {left}/100",
        f'::notice title=Autograding report::{{"totalPoints":{left}.0,"maxPoints":100.0}}',
        f"::warning file=work/student-0/01 a%2Cb.ipynb,line=12,title=normalize%3A {part} points::50 %25 wrong%0Ahere",
        "::notice title=quiz_1%3A 0/1 points::Where to look: notebook 1 (01_normalization.ipynb), the quiz.",
        f"::error file=work/student-0/02.ipynb,title=scale_and_shift%3A 0/{SCALE} points::It ended.",
    ]


def test_a_student_cannot_give_commands(tmp_path, actions):
    of_one = single(tmp_path, wrong(message=HOSTILE, file=HOSTILE, line=1), notes=(HOSTILE,))
    lines = github.report(of_one, actions)
    assert len(lines) == 3
    assert all(re.fullmatch(r"::(warning|notice) [^\n\r]*", line) for line in lines)
    assert "%250A" in lines[2]
    assert "::error" not in lines[2].split("::", 2)[1]
    assert "<script" not in Path(actions["GITHUB_STEP_SUMMARY"]).read_text()


def test_of_a_class_there_is_the_summary_only(actions, hostile):
    assert github.report(hostile, actions) == []
    assert Path(actions["GITHUB_STEP_SUMMARY"]).read_text() == summary.page(hostile)


def test_the_step_summary_of_one_student_is_his_table(tmp_path, actions):
    github.report(single(tmp_path, wrong(diagnosis="ddof"), notes=("a note",)), actions)
    text = Path(actions["GITHUB_STEP_SUMMARY"]).read_text()
    assert text.startswith(f"# {WITH_3} of 100 points\n\n- a note\n")
    assert (
        f"| 1.2 Normalize a batch | 3/{POINTS} | {DDOF} (notebook 1 (01_normalization.ipynb), exercise 1.2) |" in text
    )


@pytest.mark.parametrize("before", [0, 500_000, 2**20])
def test_a_step_summary_stays_below_what_github_takes(tmp_path, actions, before):
    path = Path(actions["GITHUB_STEP_SUMMARY"])
    path.write_text("x" * before)
    notes = tuple(f"note {number} {'한' * 90}" for number in range(5000))
    github.report(single(tmp_path, notes=notes), actions)
    assert before <= path.stat().st_size <= 2**20
    if before < 2**20:
        assert path.read_text().endswith("The rest did not fit.\n")
