"""Classes as learning platforms hand them out, in many kinds of mess: each says who handed in what.

`python tests/messy_class.py FOLDER COUNT` writes a class of each kind, with that many students, to grade by hand.
"""

from __future__ import annotations

import io
import json
import os
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from submissions import code_cell, notebook

NAMES = ("김민수", "이서연", "박지훈", "최유진", "정하늘", "Kim Minsu", "Lee-Park Anna", "O'Neil Sam", "Müller Jörg")
GRADED, FLAGGED = "graded", "flagged"
FIRST, SECOND = "01_normalization.ipynb", "02_scale_and_shift.ipynb"

KINDS: dict[str, Callable[[Path, list[str]], dict[str, str]]] = {}


def kind(write: Callable[[Path, list[str]], dict[str, str]]) -> Callable:
    """Register a kind. It writes a class of these students and says what must become of each, by the name expected."""
    KINDS[write.__name__] = write
    return write


def people(count: int, start: int = 0) -> list[str]:
    """Names, no two of them alike."""
    several = [divmod(i, len(NAMES)) for i in range(start, start + count)]
    return [NAMES[which] + (f" {chr(97 + turn // 26)}{chr(97 + turn % 26)}" if turn else "") for turn, which in several]


def number(student: str) -> int:
    """What a platform calls a student."""
    return 1000 + zlib.crc32(student.encode()) % 10**6


def marked(student: str, answer: str = "return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)") -> str:
    """A right answer that nobody else hands in."""
    return f"def normalize(x, eps=1e-5):\n    {answer}  # {student}"


def work(student: str, name: str = FIRST) -> str:
    """A notebook with one right answer, as JSON."""
    if name == FIRST:
        cells = [code_cell("import numpy as np"), code_cell(marked(student), "normalize", "normalize")]
    else:
        text = f"def scale_and_shift(x_hat, gamma, beta):\n    return gamma * x_hat + beta  # {student}"
        cells = [code_cell(text, "scale_and_shift", "scale_and_shift")]
    return json.dumps(notebook(*cells), ensure_ascii=False)


def put(path: Path, data: str | bytes = "") -> None:
    """Write a file and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip of some files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def packed(folder: Path) -> None:
    """Put a folder into a zip beside it, and remove it."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    put(folder.with_name(f"{folder.name}.zip"), zipped(files))


def all_graded(students: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(students, GRADED)


def _canvas_name(student: str) -> str:
    return "".join(c for c in student.lower() if c.isalnum())


# Platforms


@kind
def canvas_flat(folder, students):
    for i, student in enumerate(students):
        for name in (FIRST, SECOND):
            put(
                folder / f"{_canvas_name(student)}_{'LATE_' * (i % 2)}{number(student)}_{90 + i}_{name}",
                work(student, name),
            )
    return all_graded(map(_canvas_name, students))


@kind
def canvas_zip(folder, students):
    expected = canvas_flat(folder, students)
    packed(folder)
    return expected


@kind
def canvas_resubmitted(folder, students):
    for i, student in enumerate(students):
        stem = f"{_canvas_name(student)}_{number(student)}_{90 + i}_01_normalization"
        put(folder / f"{stem}.ipynb", work(f"older {student}"))
        put(folder / f"{stem}-1.ipynb", work(student))
    return all_graded(map(_canvas_name, students))


@kind
def canvas_of_zips(folder, students):
    for i, student in enumerate(students):
        put(
            folder / f"{_canvas_name(student)}_{number(student)}_{90 + i}_hw.zip",
            zipped({f"hw/{FIRST}": work(student)}),
        )
    return all_graded(map(_canvas_name, students))


@kind
def moodle_folders(folder, students):
    for student in students:
        put(folder / f"{student}_{number(student)}_assignsubmission_file_" / FIRST, work(student))
    return all_graded(students)


@kind
def moodle_4_folders(folder, students):
    for student in students:
        put(folder / f"{student}_{number(student)}_assignsubmission_file" / "my work" / FIRST, work(student))
        put(folder / f"{student}_{number(student)}_assignsubmission_onlinetext" / "onlinetext.html", "<p>done</p>")
    return all_graded(students)


@kind
def moodle_flat(folder, students):
    for student in students:
        put(folder / f"{student}_{number(student)}_assignsubmission_file_{FIRST}", work(student))
    return all_graded(students)


@kind
def gradescope(folder, students):
    lines = []
    for student in students:
        put(folder / f"submission_{number(student)}" / FIRST, work(student))
        lines += [f"submission_{number(student)}:", "  :submitters:", f"  - :name: {json.dumps(student)}"]
        lines += [
            f"    :sid: '{number(student)}'",
            f"    :email: s{number(student)}@example.edu",
            "  :created_at: 2026-11-20 10:15:30.000000000 Z",
        ]
    put(folder / "submission_metadata.yml", "---\n" + "\n".join(lines))
    return all_graded(students)


@kind
def blackboard(folder, students):
    for student in students:
        stem = f"gradebook_2026_homework_u{number(student)}_attempt_2026-11-"
        put(folder / f"{stem}18-09-00-00_{FIRST}", work(f"older {student}"))
        put(folder / f"{stem}20-10-15-30_{FIRST}", work(student))
        put(folder / f"{stem}20-10-15-30.txt", "Name: somebody\nComments: none")
    return all_graded(f"u{number(student)}" for student in students)


@kind
def google_classroom(folder, students):
    for student in students:
        put(folder / f"{student} - {FIRST}", work(student))
        put(folder / f"{student} - {SECOND}", work(student, SECOND))
    return all_graded(students)


@kind
def github_classroom(folder, students):
    users = [f"user{number(student)}-{chr(97 + i % 26)}" for i, student in enumerate(students)]
    for user, student in zip(users, students, strict=True):
        clone = folder / f"batch-norm-{user}"
        put(clone / ".git" / "HEAD", "ref: refs/heads/main")
        put(clone / "notebooks" / FIRST, work(student))
        put(clone / "solutions" / FIRST, work("the course"))
        put(clone / "bn_helpers" / "layers.py", "# %%\ndef normalize(x): ...")
    return all_graded(users)


@kind
def names_and_notebooks(folder, students):
    for student in students:
        put(folder / f"{student}_{FIRST}", work(student))
    return all_graded(students)


# Folders and zips


@kind
def folders_from_a_mac(folder, students):
    for student in students:
        put(folder / unicodedata.normalize("NFD", student) / FIRST, work(student))
        put(folder / ".DS_Store")
        put(folder / "__MACOSX" / student / f"._{FIRST}", b"\0")
    return all_graded(students)


@kind
def a_zip_of_a_folder_of_folders(folder, students):
    for student in students:
        put(folder / "homework" / student / FIRST, work(student))
    packed(folder)
    return all_graded(students)


@kind
def a_zip_each(folder, students):
    for student in students:
        put(folder / f"{student}.zip", zipped({f"{student}/{FIRST}": work(student), f"__MACOSX/._{FIRST}": "x"}))
    return all_graded(students)


@kind
def a_zip_in_a_zip_in_a_folder(folder, students):
    for student in students:
        inner = zipped({FIRST: work(student), f".ipynb_checkpoints/{FIRST}": work("older")})
        put(folder / student / "submission.zip", zipped({"final.zip": inner}))
    return all_graded(students)


@kind
def a_zip_from_windows(folder, students):
    for student in students:
        inside = {f"과제/{FIRST}": work(student), f"보고서\\{SECOND}": work(student, SECOND)}
        put(folder / f"{student}.zip", zipped({n.encode("cp949").decode("cp437"): d for n, d in inside.items()}))
    return all_graded(students)


@kind
def a_folder_a_notebook(folder, students):
    for student in students:
        put(folder / student / "01_normalization" / "notebook.ipynb", work(student))
        put(folder / student / "02_scale_and_shift" / "notebook.ipynb", work(student, SECOND))
    return all_graded(students)


@kind
def copies(folder, students):
    for i, student in enumerate(students):
        stub = "def normalize(x):\n    raise NotImplementedError"
        put(folder / student / FIRST, json.dumps(notebook(code_cell(stub))))
        copy = ("01_normalization (2).ipynb", "01_normalization-Copy1.ipynb", "01_final.ipynb", "fixed/01.ipynb")
        put(folder / student / copy[i % 4], work(student))
    return all_graded(students)


@kind
def names_of_their_own(folder, students):
    for i, student in enumerate(students):
        put(folder / student / ("Untitled.ipynb", "hw.ipynb", "과제1.ipynb", "Colab.ipynb")[i % 4], work(student))
    return all_graded(students)


@kind
def folders_in_parts(folder, students):
    for student in students:
        put(folder / "part 1" / student / FIRST, work(student))
        put(folder / "part 2" / student / SECOND, work(student, SECOND))
    return all_graded(students)


@kind
def beside_other_things(folder, students):
    for student in students:
        put(folder / student / FIRST, work(student))
        put(folder / student / "figure.png", b"\x89PNG")
    put(folder / "grades.csv", "student,points\n")
    put(folder / "README.md")
    return all_graded(students)


# Inside the files


@kind
def encodings(folder, students):
    for i, student in enumerate(students):
        text = json.loads(work(student))
        text["cells"].insert(0, code_cell("# 배치 정규화: 평균과 분산을 구한다. 표준편차로 나눈다."))
        data = json.dumps(text, ensure_ascii=False).replace("Müller Jörg", "Muller Jorg")
        put(folder / student / FIRST, data.encode(("utf-16", "cp949", "utf-8-sig")[i % 3]))
    return all_graded(students)


@kind
def python_exports(folder, students):
    for i, student in enumerate(students):
        code = ("import numpy as np", marked(student))
        percent = "# %% [markdown]\n# # Homework\n\n# %%\n{}\n\n# %%\n{}\n"
        nbconvert = "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n\n{}\n\n\n# In[ ]:\n\n\n{}\n"
        colab = '"""hw.ipynb\n\nAutomatically generated by Colab.\n"""\n\n# !ls\n{}\n\n{}\n'
        put(
            folder / student / ("hw.py", "01_normalization.py")[i % 2], (percent, nbconvert, colab)[i % 3].format(*code)
        )
    return all_graded(students)


@kind
def ids_lost(folder, students):
    for student in students:
        cells = [code_cell("import numpy as np"), code_cell(marked(student))]
        for cell in cells:
            del cell["id"]
        put(folder / student / "Copy of hw.ipynb", json.dumps(notebook(*cells)))
    return all_graded(students)


@kind
def all_code_in_one_cell(folder, students):
    for i, student in enumerate(students):
        statistics = "def batch_statistics(x):\n    return x.mean(axis=0), x.var(axis=0)"
        rest = ('quiz_1 = "a"', 'check("normalize", normalize)')
        text = "\n".join(("import numpy as np", statistics, marked(student), *rest))
        first = code_cell(text, "batch_statistics", "batch_statistics") if i % 2 else code_cell(text)
        put(folder / student / FIRST, json.dumps(notebook(first)))
    return all_graded(students)


@kind
def answers_below_their_stubs(folder, students):
    stub = code_cell("def normalize(x, eps=1e-5):\n    raise NotImplementedError", "normalize", "normalize")
    for student in students:
        put(folder / student / FIRST, json.dumps(notebook(stub, code_cell(marked(student), id="new"))))
    return all_graded(students)


@kind
def answers_as_text(folder, students):
    for i, student in enumerate(students):
        cell = code_cell(marked(student), "normalize", "normalize") | {"cell_type": ("markdown", "raw")[i % 2]}
        put(folder / student / FIRST, json.dumps(notebook(cell)))
    return all_graded(students)


@kind
def magics_and_imports(folder, students):
    above = ("%%time\n", "import matplotlib.pyplot as plt\n", "!pip install numpy \\\n   scipy\n", "files = !ls\n")
    for i, student in enumerate(students):
        put(folder / student / FIRST, json.dumps(notebook(code_cell(above[i % 4] + marked(student), "normalize"))))
    return all_graded(students)


# What cannot be graded, and must be told


@kind
def other_notebooks(folder, students):
    for student in students:
        put(folder / student / FIRST, json.dumps(notebook(code_cell(f"def normalise(x):\n    return x  # {student}"))))
    return dict.fromkeys(students, FLAGGED)


@kind
def no_notebooks(folder, students):
    kinds = ("report.pdf", "answers.docx", "work.rar", "normalize.py", "screenshot.png")
    for i, student in enumerate(students):
        put(folder / student / kinds[i % len(kinds)], b"%PDF")
    return dict.fromkeys(students, FLAGGED)


@kind
def documents_beside_folders(folder, students):
    for i, student in enumerate(students):
        put(folder / f"{student}.{('pdf', 'hwp', '7z', 'html')[i % 4]}", b"%PDF")
    put(folder / "somebody" / FIRST, work("somebody"))
    return {f"{student}.{('pdf', 'hwp', '7z', 'html')[i % 4]}": FLAGGED for i, student in enumerate(students)} | {
        "somebody": GRADED
    }


@kind
def empty_folders(folder, students):
    for student in students:
        (folder / student).mkdir(parents=True)
    return dict.fromkeys(students, FLAGGED)


@kind
def damaged(folder, students):
    broken = (work("x")[:200], b"", b"\x89PNG\r\n", b"[" * 100_000, "<html>Sign in</html>")
    for i, student in enumerate(students):
        put(folder / student / FIRST, broken[i % len(broken)])
    return dict.fromkeys(students, FLAGGED)


@kind
def damaged_zips(folder, students):
    for i, student in enumerate(students):
        data = (b"PK", zipped({FIRST: work(student)})[:-30], zipped({f"../{FIRST}": "x"}), zipped({}))[i % 4]
        put(folder / f"{student}.zip", data)
    return dict.fromkeys(students, FLAGGED)


@kind
def links_and_pipes(folder, students):
    put(folder / "victim" / FIRST, work("victim"))
    for i, student in enumerate(students):
        (folder / student).mkdir()
        if i % 2:
            os.mkfifo(folder / student / FIRST)
        else:
            os.symlink(folder / "victim" / FIRST, folder / student / FIRST)
    return dict.fromkeys(students, FLAGGED) | {"victim": GRADED}


def write_classes(folder: Path, count: int) -> dict[str, dict[str, str]]:
    """Write a class of each kind, and say what must become of its students."""
    expected = {}
    for i, (name, write) in enumerate(KINDS.items()):
        (folder / name).mkdir(parents=True)
        expected[name] = write(folder / name, people(count, i * count))
    return expected


if __name__ == "__main__":
    write_classes(Path(sys.argv[1]), int(sys.argv[2]))
