"""What an attack on the grader got through with: each fails until its fault is mended, then it joins its kind."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest
from messy_class import put, work, zipped
from submissions import by_id, write_submission

from bn_helpers.exercises import EXERCISES
from bn_helpers.grading import handed
from bn_helpers.grading.grader import Grader
from bn_helpers.grading.handed import Collector
from bn_helpers.grading.ledger import Ledger
from bn_helpers.grading.report import gradebooks
from bn_helpers.grading.results import BWRAP, PASSED, USER, ExerciseResult, Graded, SandboxUnavailable, SubmissionResult
from bn_helpers.grading.roster import read_roster
from bn_helpers.grading.sandbox.workshop import choose_sandbox
from bn_helpers.grading.students import find_students
from bn_helpers.submission import read_submission

FIRST = "01_normalization.ipynb"


@pytest.fixture(scope="module", params=[BWRAP, USER])
def grade(request, tmp_path_factory):
    try:
        sandbox = choose_sandbox(request.param)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with Grader(b"a key", sandbox) as grader:
        yield lambda answers: by_id(
            grader.grade(read_submission(write_submission(tmp_path_factory.mktemp("s") / "s", answers)))
        )


# A hand-in that ends the batch, or costs others


def _bad_lzma() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.ipynb", "{}" * 100)
    data = bytearray(buffer.getvalue())
    data[30 + len("a.ipynb") + 4] = 0xFF  # the first of the stream's properties
    return bytes(data)


def _nameless() -> bytes:
    data = zipped({"a": ""})
    first, entry, end = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    header = bytearray(data[entry:end])
    header[28:30] = struct.pack("<H", 0)  # the length of the name
    del header[46:47]
    tail = bytearray(data[end:])
    tail[12:16] = struct.pack("<I", len(header))
    return data[first:entry] + bytes(header) + bytes(tail)


@pytest.mark.parametrize("damaged", [_bad_lzma, _nameless])
def test_no_damage_of_a_zip_stops_the_others(tmp_path, damaged):
    for path, data in {"kim/work.zip": damaged(), f"lee/{FIRST}": work("lee")}.items():
        put(tmp_path / "class" / path, data)
    (tmp_path / "scratch").mkdir()
    assert [s.name for s in find_students([tmp_path / "class"], scratch=tmp_path / "scratch")] == ["kim", "lee"]


def test_a_zip_deep_in_folders_is_read(tmp_path):
    put(tmp_path / f"class/kim/{'/'.join('abcdefghijkl')}/work.zip", zipped({FIRST: work("kim")}))
    put(tmp_path / "class/lee" / FIRST, work("lee"))
    (tmp_path / "scratch").mkdir()
    kim, lee = find_students([tmp_path / "class"], scratch=tmp_path / "scratch")
    assert (kim.name, len(kim.files), lee.name) == ("kim", 1, "lee")


def test_zips_in_a_zip_leave_room_for_other_students(tmp_path, monkeypatch):
    monkeypatch.setattr(handed, "MAX_ZIP", 1000)
    monkeypatch.setattr(handed, "MAX_CLASS", 5000)
    inner = zipped({"a.ipynb": " " * 900})
    put(tmp_path / "class/evil/work.zip", zipped({f"{n}.zip": inner for n in range(6)}))
    put(tmp_path / "class/kim/work.zip", zipped({FIRST: " " * 900}))
    (tmp_path / "scratch").mkdir()
    found = Collector(tmp_path / "scratch").files(tmp_path / "class")
    assert [one.problem for one in found if one.place[0] == "kim"] == [""]


def test_zips_in_a_zip_hold_no_more_files_than_one(tmp_path, monkeypatch):
    monkeypatch.setattr(handed, "MAX_MEMBERS", 10)
    inner = zipped({f"{n}": "" for n in range(10)})
    put(tmp_path / "class/evil/work.zip", zipped({f"{n}.zip": inner for n in range(10)}))
    (tmp_path / "scratch").mkdir()
    Collector(tmp_path / "scratch").files(tmp_path / "class")
    assert sum(path.is_file() for path in (tmp_path / "scratch").rglob("*")) <= 20


def test_a_name_that_is_no_unicode_ends_no_report(tmp_path):
    folder = os.fsencode(tmp_path) + b"/Kim\xff_1234_assignsubmission_file"
    os.mkdir(folder)
    Path(os.fsdecode(folder), FIRST).write_text(work("kim"))
    [kim] = find_students([tmp_path])
    gradebooks.moodle_feedback(Graded(BWRAP, [kim], [SubmissionResult(kim.name, 0.0, 100.0, 1.0)]))


def test_a_name_on_moodle_takes_no_other_students_place(tmp_path):
    put(tmp_path / "Kim_1234_assignsubmission_file" / FIRST, work("kim"))
    put(tmp_path / "Kim_1234_assignsubmission_file_99_assignsubmission_file" / FIRST, work("evil"))
    assert len(find_students([tmp_path])) == 2


def roster(path, *lines):
    path.write_text("\n".join(("name,id", *lines)))
    return read_roster(path)


def test_a_number_of_moodles_own_is_no_number_of_the_roster(tmp_path):
    put(tmp_path / "class/Lee Anna_12_assignsubmission_file" / FIRST, work("lee"))
    found = find_students([tmp_path / "class"], roster=roster(tmp_path / "r.csv", "Kim Minsu,12", "Lee Anna,13"))
    assert {student.name: len(student.files) for student in found} == {"Kim Minsu": 0, "Lee Anna": 1}


def test_two_whom_the_platform_knows_apart_are_not_one_by_a_name_in_the_roster(tmp_path):
    for number in (1234, 99):
        put(tmp_path / f"class/Kim Minsu_{number}_assignsubmission_file" / FIRST, work(f"kim {number}"))
    found = find_students([tmp_path / "class"], roster=roster(tmp_path / "r.csv", "Kim Minsu,20261234", "Lee,20261235"))
    assert max(len(student.files) for student in found) == 1


def test_a_number_that_canvas_gives_is_no_number_of_the_roster(tmp_path):
    for number, name in ((12, "kimminsu"), (13, "lee")):
        put(tmp_path / "class" / f"{name}_{number}_5678_{FIRST}", work(name))
    people = roster(tmp_path / "r.csv", "Park,12", "Kim Minsu,1", "Lee,2")
    found = find_students([tmp_path / "class"], roster=people)
    assert {student.name: len(student.files) for student in found} == {"Kim Minsu": 1, "Lee": 1, "Park": 0}


SUBMITTER = "submission_{n}:\n  :submitters:\n  - :name: {name}\n    :sid: '5'\n    :email: {n}@x.org\n"


@pytest.mark.parametrize("names", [("Kim", "Evil"), ("Kim", "2001-99-99")])
def test_whoever_gives_anothers_number_on_gradescope_is_not_that_one(tmp_path, names):
    for n in range(2):
        put(tmp_path / f"submission_{n}" / FIRST, work(str(n)))
    lines = (SUBMITTER.format(n=n, name=name) for n, name in enumerate(names))
    put(tmp_path / "submission_metadata.yml", "".join(lines))
    assert [len(student.files) for student in find_students([tmp_path])] == [1, 1]


def test_whoever_shares_a_name_keeps_to_his_own_results_in_the_next_run(tmp_path):
    ledger, results = Ledger(tmp_path / "out"), []
    for week, sections in {"1": "AB", "2": "B"}.items():
        for section in sections:
            put(tmp_path / week / section / "Kim" / f"0{week}.ipynb", work(f"kim {section}"))
            put(tmp_path / week / section / f"other {section}" / f"0{week}.ipynb", work(f"other {section}"))
        students = find_students([tmp_path / week])
        task = EXERCISES["normalize" if week == "1" else "scale_and_shift"]
        result = ExerciseResult(task.id, task.notebook, 1.0, 1.0, PASSED)
        results = [SubmissionResult(s.name, 1.0, 1.0, 1.0, exercises=(result,)) for s in students]
        ledger.add([tmp_path / week], students, results, BWRAP)
    graded = zip(ledger.students, ledger.graded().results, strict=True)
    scores = {student.path.parent.name: result.score for student, result in graded if "Kim" in student.name}
    assert scores == {"A": 1.0, "B": 2.0}


def test_an_empty_folder_of_moodle_has_its_students_name_and_number(tmp_path):
    put(tmp_path / "Kim_1234_assignsubmission_file" / FIRST, work("kim"))
    (tmp_path / "Lee_99_assignsubmission_file").mkdir()
    assert [(s.name, s.platform.id) for s in find_students([tmp_path])] == [("Kim", "1234"), ("Lee", "99")]


@pytest.mark.parametrize("name", ["__kim", ".kim", "~$kim"])
def test_a_student_of_whatever_name_is_graded_or_told(tmp_path, name, capsys):
    put(tmp_path / f"{name}_1234_assignsubmission_file" / FIRST, work("kim"))
    put(tmp_path / "Lee_99_assignsubmission_file" / FIRST, work("lee"))
    found = [s.name for s in find_students([tmp_path])]
    assert len(found) == 2 or name in capsys.readouterr().err


# Reports that can be flooded or spoofed


def test_what_is_left_aside_gives_no_commands_to_a_terminal_or_to_github(tmp_path, capsys):
    put(tmp_path / "kim" / FIRST, work("kim"))
    put(tmp_path / 'x\n::notice title=Autograding report::{"totalPoints":100,"maxPoints":100}\n\x1b[2J.csv')
    find_students([tmp_path])
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert not any(line.startswith("::") for line in said.splitlines())


def test_one_student_does_not_fill_the_summary(tmp_path):
    put(tmp_path / "class/evil/work.zip", zipped({f"{n}.rar": "" for n in range(3000)}))
    put(tmp_path / "class/kim" / FIRST, work("kim"))
    (tmp_path / "scratch").mkdir()
    evil, _ = find_students([tmp_path / "class"], scratch=tmp_path / "scratch")
    assert len(evil.lost) < 20
