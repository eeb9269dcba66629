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
    assert f"grades.csv: No space left on device. 3 MB are free there. Make room in {tmp_path}" in said
    assert "/somewhere has only 3 MB left of the 500 that grading takes: set TMPDIR" in said


def test_a_folder_from_which_nothing_runs_is_told(disk):
    disk(flags=os.ST_NOEXEC)
    assert room.advice(RuntimeError("it does not start")).endswith("mounted noexec): set TMPDIR to a folder elsewhere.")


def test_what_another_program_says_is_cut(disk):
    disk()
    assert len(room.advice(RuntimeError("x" * 770_000))) < 600


@pytest.mark.parametrize(
    ("free", "limit", "wanted", "count", "words"),
    [
        (23, "max", None, 4, "4, which take at most 11.0 GB of memory; 23.0 GB are free"),
        (
            23,
            "6442450944",
            None,
            2,
            "2, which take at most 5.5 GB of memory; 6.0 GB are free, which is too little for 4",
        ),
        (1, "max", None, 1, "That may not be enough: close other programs."),
        (6, "max", 3, 3, "That may not be enough: close other programs, or give fewer --workers."),
    ],
)
def test_no_more_processes_are_had_than_there_is_memory_for(tmp_path, monkeypatch, free, limit, wanted, count, words):
    for name, text in (("MEMINFO", f"MemTotal: 1 kB\nMemAvailable: {free * 2**20} kB\n"), ("LIMIT", f"{limit}\n")):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(room, name, tmp_path / name)
    found, said = room.processes(4, wanted)
    assert found == count
    assert said.endswith(words)


def test_where_nothing_tells_of_memory_nothing_is_said_of_it(monkeypatch):
    for name in ("MEMINFO", "LIMIT"):
        monkeypatch.setattr(room, name, room.Path("/absent"))
    assert room.processes(4, None) == (4, "")
