"""The roster: who is in the class, and which of them a platform means by a name, a number or an address."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bn_helpers.grading.results import GradingError
from bn_helpers.grading.spreadsheet import read_table

# What platforms call these columns when they export a class.
_NEEDED = {"name": ("student", "student name", "full name", "fullname", "이름", "성명")}
_OPTIONAL = {
    "id": ("sid", "student id", "id number", "username", "user name", "학번"),
    "email": ("e-mail", "email address", "e-mail address", "mail", "이메일"),
    "section": ("sections", "group", "class", "분반"),
    "canvas": ("canvas id", "canvas user id"),
    "github": ("github username", "github_username"),
    "sis": ("sis user id",),
    "login": ("sis login id",),
}


@dataclass(frozen=True)
class Person:
    """One line of the roster. `canvas` and `github` are what these call the student, where that is another name."""

    name: str
    id: str = ""
    email: str = ""
    section: str = ""
    canvas: str = ""
    github: str = ""


class Roster:
    """A class, in which people are found by whatever names a platform has for them."""

    def __init__(self, people: list[Person]) -> None:
        self.people = people
        self._known: dict[str, set[Person]] = defaultdict(set)
        for person in people:
            for key in _keys(person):
                self._known[key].add(person)

    def find(self, *names: str) -> Person | None:
        """The one person whom the first name means that means only one."""
        for name in names:
            found = self._known.get(_plain(name), ()) if _plain(name) else ()
            if len(found) == 1:
                return next(iter(found))
        return None


def read_roster(path: Path) -> Roster:
    """Read the roster.

    Parameters
    ----------
    path : Path
        A CSV file whose first line names the columns: name, and where known id, email, section, canvas, github.

    Returns
    -------
    roster : Roster

    Raises
    ------
    GradingError
        If it is no such file, names nobody, or somebody twice.
    """
    people = []
    for row in read_table(path, _NEEDED, _OPTIONAL):
        line = row.pop("line")
        if row["name"].lower() in ("points possible", "student, test", "test student"):
            continue  # Canvas adds these to a class
        if not row["name"]:
            raise GradingError(f"{path}: line {line} has no name.")
        person = _person(**row)
        if person in people:
            raise GradingError(f"{path}: line {line} names {person.name} a second time.")
        people.append(person)
    if not people:
        raise GradingError(f"{path} names nobody.")
    return Roster(people)


def _person(*, sis: str = "", login: str = "", **row: str) -> Person:
    """A person of a row. In Canvas's own export the id is Canvas's, and the school's stand beside it."""
    if sis or login:
        row = {**row, "canvas": row.get("id", ""), "id": sis or login, "email": row.get("email") or login}
    return Person(**row)


def _keys(person: Person) -> Iterator[str]:
    """The names of a person, as `_plain` writes them; a name in any order of its parts."""
    yield from {_plain(name) for name in (person.id, person.email, person.canvas, person.github)} - {""}
    if "@" in person.email:
        yield _plain(person.email.partition("@")[0])
    words = [word for word in re.split(r"[\s,]+", person.name) if word]
    yield from {_plain("".join(words[turn:] + words[:turn])) for turn in range(len(words))} - {""}


def _plain(name: str) -> str:
    """Small letters and figures only: platforms leave out spaces, commas and hyphens."""
    return "".join(c for c in name.casefold() if c.isalnum())
