"""How files are named: which student, which notebook, which copy. A table says it for the platforms that are known.

A pattern stands for a path below the folder that is graded. Of a pattern's parts `{name}`, `{id}`, `{number}` and
`{email}` are who it is, `{notebook}` is the name or the number (01) of a notebook, `{late}` a mark, `{date}` a time of
an attempt, `{file}` what is left of the path; `*` is any text within a name, `**` any path, and what stands in square
brackets may be missing.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, count, takewhile

from bn_helpers.exercises import NOTEBOOKS
from bn_helpers.grading.results import Named
from bn_helpers.text import one_line

LONGEST = 200  # characters of a name in a report
LONGEST_FOLDER = 60  # characters; 180 bytes at most, which every file system takes

_TITLE = "|".join(map(re.escape, NOTEBOOKS))
_NUMBER = f"0[1-{len(NOTEBOOKS)}]"
_PARTS = {
    "name": "[^/]+?",
    "id": "[^/_]+",
    "number": r"\d+",
    "other": r"\d+",
    "owner": "[^/]+?",  # an assignment and a user; either may hold underscores
    "dash": " - |_",
    "email": "[^/@]+@[^/_]+?",
    "late": "LATE|late",
    "date": r"\d{4}(?:-\d\d){5}",
    "plugin": "file|onlinetext",
    # Ends a folder's name. Before a file's it is an underscore, and what follows does not end like a folder's.
    "end": "_?/|_(?![^/]*_assignsubmission_(?:file|onlinetext)_?/)",
    "notebook": rf"(?:{_TITLE}|(?<!\d){_NUMBER}(?!\d))",
    "file": ".*",
}
# What a student may choose stands last: none reaches further into a name than it must. Extend it, or use --names.
PATTERNS = {
    "Moodle": "{name}_{number}_assignsubmission_{plugin}{end}{file}",
    "Blackboard": "{owner}_attempt_{date}{file}",
    "Canvas": "{name}[_{late}]_{number}_{other}_{file}",
    "Gradescope": "submission_{number}/{file}",
    "mail or Google Classroom": "{name}{dash}{notebook}*.ipynb",
}
# Words that say which copy it is, or that it is homework; they name nobody.
_COPY = re.compile(
    r"\b(copy|old|new|backup|draft|final|fixed|version|attempt|submission|submitted|resubmission|v|hw|homework|assignment|"
    r"notebooks?|untitled|answers?|solutions?|exercises?|work|part|week|nb|my|the|of|colab|복사본|최종|수정|과제|제출|사본|숙제)\b"
)
_NTH = re.compile(r"(?: ?\((\d+)\)|-(\d+)|[-_ ]Copy ?(\d*)|[-_ ]v(\d+))$", re.IGNORECASE)


def match(pattern: str, path: str) -> Named | None:
    """What a pattern says of a path, if it fits."""
    found = _compiled(pattern).fullmatch(path)
    if not found:
        return None
    parts = {name: text or "" for name, text in found.groupdict().items()}
    who = {"name": parts.get("name", ""), "email": parts.get("email", ""), "date": parts.get("date", "")}
    if who["name"] and not words(who["name"]):
        return None  # "final_01_normalization.ipynb" names nobody
    number = next((parts[part] for part in ("id", "number", "owner") if parts.get(part)), "")
    return Named(id=number, late=bool(parts.get("late")), file=parts.get("file") or path, **who)


def fitting(path: str) -> dict[str, Named]:
    """What the platforms whose patterns fit say of a path; a bare name is none where there is a number."""
    matches = {platform: match(pattern, path) for platform, pattern in PATTERNS.items()}
    found = {platform: replace(named, platform=platform) for platform, named in matches.items() if named}
    return found if len(found) == 1 else {platform: named for platform, named in found.items() if named.id}


def commonest(files: Iterable[dict[str, Named]]) -> str:
    """The platform that fits most files; of several the first of the table."""
    counts = Counter(platform for fits in files for platform in fits)
    return max(PATTERNS, key=counts.__getitem__)


def likeliest(fits: dict[str, Named]) -> str:
    """The platform that leaves the most of a name to the student, who may have written what another one would."""
    return max(fits, key=lambda platform: len(fits[platform].file))


def beyond_shared(names: Iterable[str], mark: str) -> dict[str, str]:
    """Of each name what is left of it without the parts that all begin with, and at least its last part."""
    parts = {name: name.split(mark) for name in names}
    beginnings = zip(*(own[:-1] for own in parts.values()), strict=False)
    shared = sum(1 for _ in takewhile(lambda same: len({*same}) == 1, beginnings))
    return {name: mark.join(own[shared:]) for name, own in parts.items()}


def notebook_of(path: str) -> str:
    """The notebook that a path names, in a file's name or in a folder's; empty where it names none."""
    for part in reversed(path.split("/")):
        title = re.search(_TITLE, part)
        number = re.search(rf"(?<![\d-]){_NUMBER}(?![\d-])", part)
        if title:
            return title[0]
        if number:
            return list(NOTEBOOKS)[int(number[0]) - 1]
    return ""


def words(text: str) -> frozenset[str]:
    """What is left of a name without notebooks, copies and figures: whose it is, if anybody's."""
    plain = re.sub(r"[\W\d_]+", " ", re.sub(_TITLE, " ", text).casefold())
    return frozenset(_COPY.sub(" ", plain).split())


def resubmitted(label: str) -> str:
    """What Canvas called a file before it numbered it anew; empty where it is no file of Canvas's."""
    canvas = fitting(label).get("Canvas")
    return re.sub(r"-\d+$", "", stem(label)) if canvas and "/" not in canvas.file else ""


def nth(stem: str) -> tuple[str, int]:
    """A file's name without the mark of a copy, and which copy it is: 0 for the first."""
    found = _NTH.search(stem)
    if not found:
        return stem, 0
    return stem[: found.start()], int(next(filter(None, found.groups()), "1"))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    tokens: Sequence[str] = re.split(r"(\{\w+\}|\*\*|\*|\[|\])", pattern)
    special = {"*": "[^/]*", "**": ".*", "[": "(?:", "]": ")?"}
    return re.compile("".join(special.get(token) or _part(token) for token in tokens), re.DOTALL)


def _part(token: str) -> str:
    if not token.startswith("{"):
        return re.escape(token)
    name = token.strip("{}")
    if name not in _PARTS:
        raise ValueError(f"a pattern has no {token}; there are: {', '.join(f'{{{part}}}' for part in _PARTS)}")
    return f"(?P<{name}>{_PARTS[name]})"


# Names in reports, and of folders


def stem(name: str) -> str:
    """A name without what says that it is a notebook, a program or a zip."""
    base, dot, suffix = name.rpartition(".")
    return base if dot and suffix.lower() in ("ipynb", "py", "zip") else name


def shown_name(name: str) -> str:
    """The name in reports."""
    return one_line(name)[:LONGEST] or "(no name)"


def folder_name(name: str) -> str:
    """A name that every file system takes; where that changes it, with a mark that keeps it apart from others."""
    shown = shown_name(name)
    clean = "".join(c if c.isalnum() or c in " -_." else "_" for c in shown)[:LONGEST_FOLDER].strip(" .")
    if clean == name:
        return clean
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{clean or 'student'}-{mark}"


def unique(given: Sequence[str], own: Sequence[str], key: Callable[[str], str]) -> list[str]:
    """The names, with a number after those that another one equals. Who is really called so keeps the name."""
    taken: set[str] = set()
    names = [*given]
    for place in sorted(range(len(given)), key=lambda place: given[place] != own[place]):
        numbered = (f"{given[place]} ({number})" for number in count(2))
        names[place] = next(name for name in chain([given[place]], numbered) if key(name) not in taken)
        taken.add(key(names[place]))
    return names
