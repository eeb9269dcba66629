"""summary.html, the pages of mistakes, and what platforms take back."""

import csv
import io
import re
import zipfile
from dataclasses import replace

import pytest
from sample_results import ORDER, exercise_result, graded, submission_result
from test_grading_report import DDOF, HOSTILE, Page, wrong

from bn_helpers.exercises import EXERCISES
from bn_helpers.grading.overrides import Override, apply_overrides
from bn_helpers.grading.report import gradebooks, lesson, summary, write_reports
from bn_helpers.grading.results import MISSING, NOTHING, UNCLEAR, Named

CODE = '''def normalize(x, eps=1e-5):
    """Kim Minsu wrote this."""
    # 2026001, Kim Minsu
    return x - 1
'''


HIT = 100 - EXERCISES["normalize"].points + 3.0  # who made the mistake
MEAN = (3 * HIT + 2 * 100) / 5


@pytest.fixture
def lecture():
    """Three who made one mistake, one who was right, one whose work cannot be read, one who handed in nothing."""
    ddof = wrong(diagnosis="ddof", code=CODE)
    other = wrong(diagnosis="ddof", code=CODE.replace("- 1", "- 2"))
    lost = replace(submission_result("lost"), lost=("report.pdf: no notebook",), notes=("report.pdf: no notebook",))
    nothing = submission_result("absent", *(exercise_result(e.id, MISSING) for e in lost.exercises), notes=(NOTHING,))
    names = [submission_result("김민수", ddof), submission_result("lee", ddof), submission_result("park", other)]
    told = replace(submission_result("choi"), explanations=(("explain_1", "Because <b>scale</b> cancels."),))
    class_ = graded(*names, told, lost, nothing)
    sections = [replace(s, section="AB"[i % 2], id=f"2026{i}") for i, s in enumerate(class_.students)]
    return replace(class_, students=sections)


def test_the_lesson_begins_with_what_was_not_graded_then_what_most_got_wrong(lecture):
    page = Page(lesson.page(lecture))
    assert page.text.index("report.pdf: no notebook") < page.text.index("What most got wrong") < page.text.index(DDOF)
    assert "3 ×" in page.text
    assert "Handed in nothing: 1" in page.text
    assert f"5 handed in; mean {MEAN:.1f}, median {HIT:.1f} of 100 points" in page.text
    for heading in ("Points by exercise", "Points by section", "How the points are spread", "In their own words"):
        assert heading in page.text


def test_excerpts_are_two_different_ones_and_name_nobody(lecture):
    text = lesson.page(lecture)
    shown = re.findall(r"<pre.*?>(.*?)</pre>", text, re.DOTALL)
    assert [excerpt.splitlines()[-1].strip() for excerpt in shown] == ["return x - 1", "return x - 2"]
    assert not any("Kim" in excerpt or "2026" in excerpt for excerpt in shown)


def test_no_gradebook_gives_a_zero_to_whom_something_that_was_handed_in_may_belong():
    open_ = [exercise_result(task, MISSING) for task in ORDER]
    twin = submission_result("kim", *open_, notes=(f"1 who handed in may be the one of the roster: {UNCLEAR}",))
    class_ = graded(twin, submission_result("lee", *open_, notes=(NOTHING,)))
    class_.students[:] = [replace(student, id=str(number)) for number, student in enumerate(class_.students)]
    for write in (gradebooks.canvas, gradebooks.moodle):
        text = write(class_).decode("utf-8-sig")
        assert ("kim" in text, "lee" in text) == (False, True)


def test_what_a_human_says_of_points_set_by_hand_is_no_mistake_to_show_to_a_class():
    before = [submission_result("kim"), submission_result("lee")]
    hand = [Override(student, "normalize", 0.0, "copied from park") for student in ("kim", "lee")]
    class_ = graded(*apply_overrides(before, hand))
    assert "copied" not in lesson.page(class_)
    assert lesson.mistake_pages(class_) == {}


def test_names_are_behind_a_fold(lecture):
    outside = re.sub(r"<details>.*?</details>", "", lesson.page(lecture), flags=re.DOTALL)
    assert not [name for name in ("김민수", "lee", "park", "choi", "absent") if name in outside]


def test_an_explanation_is_shown_as_it_is(lecture):
    assert "choi: Because <b>scale</b> cancels." in Page(lesson.page(lecture)).text


def test_a_frequent_mistake_has_a_page_with_who_and_their_code(lecture):
    [(name, text)] = lesson.mistake_pages(lecture).items()
    page = Page(text)
    assert name == "normalize-ddof.html"
    assert DDOF in page.text
    assert all(student in page.text for student in ("김민수", "lee", "park"))
    assert "# 2026001, Kim Minsu" in page.text


def test_pages_need_nothing_from_elsewhere_and_no_script(lecture):
    for text in (lesson.page(lecture), *lesson.mistake_pages(lecture).values()):
        page = Page(text)
        assert not {tag for tag, _ in page.elements} & {"script", "img", "link", "iframe", "object", "form"}
        assert not re.search(r"https?://|url\(|@import", text)
        assert all(not link["href"].startswith(("//", "http")) for link in page.all("a"))


def test_every_link_leads_to_a_page_that_is_there(lecture, tmp_path):
    write_reports(lecture, tmp_path)
    pages = [tmp_path / "summary.html", *(tmp_path / "mistakes").iterdir()]
    links = [(path, link["href"]) for path in pages for link in Page(path.read_text("utf-8")).all("a")]
    assert len(links) > 5
    assert all((path.parent / href).is_file() for path, href in links)


def test_nothing_in_the_lesson_is_markup_that_a_student_wrote():
    answer = wrong(message=HOSTILE, code=HOSTILE, status="failed")
    results = [submission_result(f"{HOSTILE}{i}", answer, notes=(HOSTILE,)) for i in range(2)]
    results = [replace(r, lost=(HOSTILE,), explanations=((HOSTILE, HOSTILE),)) for r in results]
    class_ = graded(*results)
    for text in (lesson.page(class_), *lesson.mistake_pages(class_).values()):
        assert "script" not in {tag for tag, _ in Page(text).elements}
        assert "img" not in {tag for tag, _ in Page(text).elements}
        assert "<script>alert(1)</script>" in Page(text).text


def test_the_page_of_a_mistake_that_nobody_makes_any_more_is_removed(lecture, tmp_path):
    write_reports(lecture, tmp_path)
    assert [path.name for path in (tmp_path / "mistakes").iterdir()] == ["normalize-ddof.html"]
    write_reports(graded(submission_result("kim")), tmp_path)
    assert list((tmp_path / "mistakes").iterdir()) == []


def test_the_summary_tells_first_what_was_not_graded_and_counts_who_handed_in(lecture):
    page = summary.page(lecture)
    assert page.splitlines()[2] == f"5 submissions: mean {MEAN:.1f}, median {HIT:.1f} of 100 points."
    assert page.index("- **lost**: report.pdf: no notebook") < page.index("## Most frequent")
    assert "Handed in nothing (1): absent." in page
    assert page.count("report.pdf") == page.count("**lost**") == 1


# What platforms take back


def rows(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_canvas_gets_an_assignment_a_notebook_with_its_points(lecture):
    head, possible, first, *_ = rows(gradebooks.canvas(lecture))
    assert head[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert len(head) == 10
    assert possible[0] == "Points Possible"
    assert sum(map(float, possible[5:])) == 100
    assert first[:5] == ["김민수", "", "20260", "", "A"]
    assert sum(map(float, first[5:])) == HIT


@pytest.fixture
def moodle(lecture):
    students = [replace(s, platform=Named(s.name, f"5{i}", platform="Moodle")) for i, s in enumerate(lecture.students)]
    return replace(lecture, students=students)


def test_moodle_gets_participants_and_points(moodle):
    head, first, *_ = rows(gradebooks.moodle(moodle))
    row = dict(zip(head, first, strict=True))
    assert row.items() >= {"Identifier": "Participant 50", "Full name": "김민수", "ID number": "20260"}.items()
    assert (row["Grade"], row["Maximum Grade"]) == (f"{HIT:.1f}", "100.0")


def test_moodles_feedback_zip_has_its_own_names_for_folders(moodle):
    names = zipfile.ZipFile(io.BytesIO(gradebooks.moodle_feedback(moodle))).namelist()
    assert names[0] == "김민수_50_assignsubmission_file/feedback.html"
    # Moodle splits a name at its first four underscores, and takes the second part for the participant.
    assert all(name.split("/")[0].split("_", 4)[1].isdecimal() for name in names)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("Kim\udcff", "Kim\ufffd_50"), ("Kim_12_assignsubmission", "Kim 12 assignsubmission_50")],
)
def test_no_name_ends_moodles_feedback_or_sends_it_to_another(moodle, name, folder):
    first, *others = moodle.students
    students = [replace(first, platform=replace(first.platform, name=name)), *others]
    data = gradebooks.moodle_feedback(replace(moodle, students=students))
    assert zipfile.ZipFile(io.BytesIO(data)).namelist()[0] == f"{folder}_assignsubmission_file/feedback.html"


def test_where_no_platform_would_know_anybody_there_are_no_such_files(tmp_path):
    class_ = graded(submission_result("kim"))
    assert gradebooks.canvas(class_) is gradebooks.moodle(class_) is gradebooks.moodle_feedback(class_) is None
