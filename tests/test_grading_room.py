import os
from types import SimpleNamespace

import pytest

from bn_helpers.grading import room


@pytest.fixture
def disk(monkeypatch):
    """A folder for temporary files with so many MB left."""

    def disk(free=10_000, flags=0):
        monkeypatch.setattr(room.tempfile, "gettempdir", lambda: "/somewhere")
        monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free * 2**20))
        monkeypatch.setattr(room.os, "statvfs", lambda folder: SimpleNamespace(f_flag=flags))

    return disk


def test_what_is_not_about_room_stays_as_it_is(disk):
    disk()
    assert room.advice(ValueError("no")) == "no"


def test_a_full_disk_is_told_with_its_folder_and_what_to_do(disk, tmp_path):
    disk(free=3)
    said = room.advice(OSError(28, "No space left on device", str(tmp_path / "grades.csv")))
    assert f"3 MB are free there. Make room in {tmp_path}" in said
    assert "/somewhere has only 3 MB left of the 500 that grading takes: set TMPDIR" in said


def test_a_folder_from_which_nothing_runs_is_told(disk):
    disk(flags=os.ST_NOEXEC)
    assert room.advice(RuntimeError("it does not start")).endswith("mounted noexec): set TMPDIR to a folder elsewhere.")


def test_what_another_program_says_is_cut(disk):
    disk()
    assert len(room.advice(RuntimeError("x" * 770_000))) < 600
