import io
import struct
import zipfile

import pytest

from bn_helpers.grading import handed
from bn_helpers.grading.handed import Collector
from bn_helpers.grading.results import GradingError


@pytest.fixture
def collect(tmp_path):
    """The problems, by place, of what is handed in by one student, given as files."""
    (tmp_path / "class" / "kim").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()

    def collect(**files):
        for name, data in files.items():
            (tmp_path / "class" / "kim" / name.replace("_zip", ".zip")).write_bytes(data)
        found = Collector(tmp_path / "scratch").files(tmp_path / "class")
        return {"/".join(one.place[1:]): one.problem for one in found}

    return collect


def zipped(*files, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data, **options)
    return buffer.getvalue()


def test_zips_inside_zips_are_folders(collect):
    inner = zipped(("a.ipynb", "{}"))
    assert collect(work_zip=zipped(("b/inner.zip", inner), ("c.pdf", "x"))) == {
        "work.zip/b/inner.zip/a.ipynb": "",
        "work.zip/c.pdf": "",
    }


@pytest.mark.parametrize(
    "name", ["../a.ipynb", "/../a.ipynb", "b\\..\\..\\a.ipynb", "/etc/a.ipynb", "x" * 300 + "a.ipynb"]
)
def test_nothing_is_written_outside_and_nothing_lost(collect, tmp_path, name):
    places = collect(work_zip=zipped((name, "{}"), ("b.ipynb", "{}")))
    assert all(place.endswith(("a.ipynb", "b.ipynb")) for place in places)
    assert len(places) == 2
    assert all(path.is_relative_to(tmp_path / "scratch") for path in tmp_path.rglob("*.ipynb"))


def test_two_files_of_the_same_name_in_a_zip_are_both_there(collect):
    assert len(collect(work_zip=zipped(("a.ipynb", "1"), ("../a.ipynb", "2")))) == 2


def test_links_in_a_zip_are_not_made(collect):
    link = zipfile.ZipInfo("a.ipynb")
    link.external_attr = 0o120777 << 16
    assert collect(work_zip=zipped((link, "/etc/passwd"))) == {"work.zip": "there is nothing in it"}


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("MAX_MEMBER", 10, "unpacks to more than"),
        ("MAX_ZIP", 10, "unpacks to more than"),
        ("MAX_CLASS", 10, "unpacks to more than"),
        ("MAX_MEMBERS", 1, "holds 2 files"),
        ("MAX_ZIPS", 0, "inside one another"),
    ],
)
def test_what_is_too_much_is_told(collect, monkeypatch, limit, value, words):
    monkeypatch.setattr(handed, limit, value)
    [(place, problem)] = collect(work_zip=zipped(("a.ipynb", "x" * 100), ("b.ipynb", "x"))).items()
    assert place == "work.zip"
    assert words in problem


def test_zips_in_a_zip_leave_room_for_other_students(collect, monkeypatch):
    monkeypatch.setattr(handed, "MAX_ZIP", 1000)
    monkeypatch.setattr(handed, "MAX_CLASS", 5000)
    inner = zipped(("a.ipynb", " " * 900))
    places = collect(evil_zip=zipped(*((f"{n}.zip", inner) for n in range(6))), work_zip=inner)
    assert places["work.zip/a.ipynb"] == ""


def test_zips_in_a_zip_hold_no_more_files_than_one(collect, monkeypatch, tmp_path):
    monkeypatch.setattr(handed, "MAX_MEMBERS", 10)
    inner = zipped(*((f"{n}", "") for n in range(10)))
    collect(work_zip=zipped(*((f"{n}.zip", inner) for n in range(10))))
    assert sum(path.is_file() for path in (tmp_path / "scratch").rglob("*")) <= 20


def test_a_zip_that_lies_about_its_sizes_is_refused_by_what_it_gives(collect, monkeypatch):
    monkeypatch.setattr(handed, "MAX_MEMBER", 1000)
    data = zipped(("a.ipynb", b"x" * 100_000))
    lying = data.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    [problem] = collect(work_zip=lying).values()
    assert problem


def bad_lzma():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.ipynb", "{}" * 100)
    data = bytearray(buffer.getvalue())
    data[30 + len("a.ipynb") + 4] = 0xFF  # the first of the stream's properties
    return bytes(data)


def nameless():
    data = zipped(("a", ""))
    first, entry, end = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    header = bytearray(data[entry:end])
    header[28:30] = struct.pack("<H", 0)  # the length of the name
    del header[46:47]
    tail = bytearray(data[end:])
    tail[12:16] = struct.pack("<I", len(header))
    return data[first:entry] + bytes(header) + bytes(tail)


@pytest.mark.parametrize("data", [b"", b"PK", zipped(("a.ipynb", "{}"))[:-8], bad_lzma(), nameless()])
def test_what_is_no_zip_is_told(collect, data):
    [problem] = collect(work_zip=data).values()
    assert "cannot be unpacked" in problem


def test_folders_too_deep_are_told(collect, tmp_path):
    (tmp_path / "class" / "kim" / "/".join("abcdefghijklmnopqrstuvwxyz")).mkdir(parents=True)
    [problem] = collect().values()
    assert "inside one another" in problem


def test_no_room_says_where_and_what_to_set(collect, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handed, "_extract", full)
    with pytest.raises(GradingError, match=r"no room .* MB are free.*TMPDIR"):
        collect(work_zip=zipped(("a.ipynb", "{}")))
