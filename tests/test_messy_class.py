"""Nobody loses work unflagged, whatever platform it came from."""

import re

import pytest
from messy_class import FLAGGED, GRADED, KINDS, people

from bn_helpers.grading.students import find_students, read_student


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [2, 12])
def test_nobody_loses_work_unflagged(tmp_path, kind, count):
    folder = tmp_path / "class"
    folder.mkdir()
    students = people(count)
    expected = KINDS[kind](folder, students)
    path = folder if folder.exists() else folder.with_suffix(".zip")
    found = {student.name: student for student in find_students([path], scratch=tmp_path)}
    assert found.keys() == expected.keys()
    codes = []
    for (_, outcome), student in zip(sorted(expected.items()), found.values(), strict=True):
        submission = read_student(student)
        told = (*student.lost, *submission.lost)
        assert bool(told) == (outcome == FLAGGED), told
        attempted = [answer for answer in submission.answers.values() if answer.attempted]
        assert bool(attempted) == (outcome == GRADED)
        owners = {owner for answer in attempted for owner in re.findall(r"# ((?:older )?\w.*)", answer.code)}
        assert len(owners) == (outcome == GRADED)  # one student's work
        codes += owners
    assert len(set(codes)) == len(codes)  # and nobody else's
    assert not any(code.startswith("older") for code in codes)
