import io
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


def test_a_zip_that_lies_about_its_sizes_is_refused_by_what_it_gives(collect, monkeypatch):
    monkeypatch.setattr(handed, "MAX_MEMBER", 1000)
    data = zipped(("a.ipynb", b"x" * 100_000))
    lying = data.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    [problem] = collect(work_zip=lying).values()
    assert problem


@pytest.mark.parametrize("data", [b"", b"PK", zipped(("a.ipynb", "{}"))[:-8]])
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
