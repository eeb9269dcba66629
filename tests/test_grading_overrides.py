import unicodedata

import pytest
from sample_results import exercise_result, submission_result

from bn_helpers.exercises import TASKS
from bn_helpers.grading.overrides import Override, apply_overrides, keep_overrides, read_overrides
from bn_helpers.grading.results import GradingError
from bn_helpers.grading.spreadsheet import formula_free

HEADER = "student,exercise,points,reason\n"


@pytest.fixture
def read(tmp_path):
    def read(text, students=("kim", "이서연"), encoding="utf-8"):
        path = tmp_path / "overrides.csv"
        path.write_bytes(text.encode(encoding))
        return read_overrides(path, students)

    return read


def test_rows_become_overrides(read):
    text = HEADER + 'kim,normalize,4.5,"late, but right"\n\n이서연,quiz_1,0,\n'
    assert read(text) == [
        Override("kim", "normalize", 4.5, "late, but right"),
        Override("이서연", "quiz_1", 0.0, ""),
    ]


def test_a_spreadsheets_marks_and_the_order_of_columns_do_not_matter(read):
    text = "points;reason".replace(";", ",") + ",exercise,student,more\r\n3,why,normalize,kim,x\r\n"
    assert read(text, encoding="utf-8-sig") == [Override("kim", "normalize", 3.0, "why")]


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_whatever_excel_writes_is_read(read, encoding, delimiter):
    lines = ["student,exercise,points,reason", "이서연,normalize,4.5,늦게 냈지만 맞았다", ",,,", "kim,quiz_1,1,"]
    text = "\r\n".join(lines).replace(",", delimiter)
    text = text.replace("4.5", "4,5") if delimiter != "," else text
    assert read(text, encoding=encoding) == [
        Override("이서연", "normalize", 4.5, "늦게 냈지만 맞았다"),
        Override("kim", "quiz_1", 1.0, ""),
    ]


@pytest.mark.parametrize("name", ["=kim", "-kim", "a;=1+1"])
def test_a_name_may_stand_as_grades_csv_writes_it(read, name):
    assert formula_free(name) != name
    [override] = read(f"{HEADER}{formula_free(name)},normalize,1,\n", students=[name])
    assert override.student == name


def test_korean_letters_match_however_they_are_composed(read):
    apart = unicodedata.normalize("NFD", "이서연")
    assert apart != "이서연"
    assert read(f"{HEADER}{apart},normalize,1,x\n")[0].student == "이서연"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("lee,normalize,1,x", "no student is called 'lee'"),
        ("kim,normalise,1,x", "no exercise that is due is called 'normalise'"),
        ("kim,normalize,101,x", f"a number from 0 to {TASKS['normalize'].points}"),
        ("kim,normalize,-1,x", f"a number from 0 to {TASKS['normalize'].points}"),
        ("kim,normalize,nan,x", f"a number from 0 to {TASKS['normalize'].points}"),
        ("kim,normalize,many,x", "this is 'many'"),
        ("kim,normalize", "this is ''"),
        ("kim,normalize,1,x\nkim,normalize,2,x", "there is a second line"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(read, row, words):
    with pytest.raises(GradingError, match=rf"line {3 + row.count(chr(10))}: .*{words}"):
        read(f"{HEADER}이서연,normalize,1,x\n{row}\n")


def test_all_wrong_rows_are_told_at_once(read):
    with pytest.raises(GradingError) as raised:
        read(f"{HEADER}a,normalize,1,\nkim,b,1,\n")
    assert len(str(raised.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ("student,exercise,points\n", "utf-8", "missing: reason"),
        ("", "utf-8", "missing: student"),
        (f'{HEADER}"kim', "utf-8", "not a CSV file"),
    ],
)
def test_a_file_of_another_kind_is_told(read, text, encoding, words):
    with pytest.raises(GradingError, match=words):
        read(text, encoding=encoding)


def test_overridden_points_count_and_are_shown_as_such():
    wrong = exercise_result("normalize", "failed", message="x_hat has the wrong values", diagnosis="ddof")
    before = [submission_result("kim", wrong, notes=("a note",)), submission_result("lee", wrong)]
    kim, lee = apply_overrides(before, [Override("kim", "normalize", 4.5, "a slip of mine")])
    told = "set by hand to 4.5 points instead of 0: a slip of mine"
    [normalize] = [e for e in kim.exercises if e.id == "normalize"]
    assert kim.score == before[0].score + 4.5
    assert kim.notes == ("a note", f"normalize: {told}")
    assert (normalize.score, normalize.status) == (4.5, "partial")
    assert normalize.message == f"x_hat has the wrong values\n{told}"
    assert lee == before[1]


def test_a_kept_line_that_is_wrong_is_told_and_the_others_count(tmp_path, capsys):
    (tmp_path / "overrides.csv").write_text(f"{HEADER}kim,normalize,many,\nkim,quiz_1,0,x\n")
    kept = keep_overrides(tmp_path, [], None)
    [after] = apply_overrides([submission_result("kim")], keep_overrides(tmp_path, [], None))
    assert kept == keep_overrides(tmp_path, [], None)
    assert after.score == 99
    assert "not applied: overrides.csv: kim, normalize: points" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("found", "points", "status"),
    [
        ("missing", TASKS["normalize"].points, "passed"),
        ("missing", 0, "missing"),
        ("passed", 0, "failed"),
        ("crashed", 1, "partial"),
    ],
)
def test_the_status_follows_the_points(found, points, status):
    before = submission_result("kim", exercise_result("normalize", found))
    [after] = apply_overrides([before], [Override("kim", "normalize", points, "")])
    assert {e.id: e.status for e in after.exercises}["normalize"] == status
