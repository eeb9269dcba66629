"""The roster: who is in the class, and which of them a platform means by a name, a number or an address."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bn_helpers.grading.results import OWN_NUMBERS, GradingError, Named
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
        self._known: dict[tuple[str, str], set[Person]] = defaultdict(set)
        for person in people:
            for key in _keys(person):
                self._known[key].add(person)

    def find(self, named: Named) -> Person | None:
        """The one person who may be meant; nobody where these are several."""
        found = self.may_be(named)
        return next(iter(found)) if len(found) == 1 else None

    def may_be(self, named: Named) -> set[Person]:
        """Whom the address, the id or the name mean, whichever is the first that means only one; else all of them.

        Where a platform numbers its students, its number is no school's, and a name nothing but a name.
        """
        own = named.platform in OWN_NUMBERS
        keys = (
            ("email", named.email.casefold()),
            (named.platform if own else "any", _plain(named.id)),
            ("name" if own else "any", _plain(named.name)),
        )
        known = [self._known.get(key, set()) for key in keys]
        return next((found for found in known if len(found) == 1), set().union(*known))


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
        If it is no such file, names nobody, somebody twice, or two by the same id or address.
    """
    people: list[Person] = []
    taken: dict[str, Person] = {}
    for row in read_table(path, _NEEDED, _OPTIONAL):
        line = row.pop("line")
        if row["name"].lower() in ("points possible", "student, test", "test student"):
            continue  # Canvas adds these to a class
        if not row["name"]:
            raise GradingError(f"{path}: line {line} has no name.")
        person = _person(**row)
        if person in people:
            raise GradingError(f"{path}: line {line} names {person.name} a second time.")
        for sign in {person.id.casefold(), person.email.casefold()}:  # by which a gradebook is imported
            if re.search(r"[\d@]", sign) and taken.setdefault(sign, person) is not person:
                raise GradingError(f"{path}: line {line} gives {person.name} {sign!r}, as {taken[sign].name} has.")
        people.append(person)
    if not people:
        raise GradingError(f"{path} names nobody.")
    return Roster(people)


def _person(*, sis: str = "", login: str = "", **row: str) -> Person:
    """A person of a row. In Canvas's own export the id is Canvas's, and the school's stand beside it."""
    if sis or login:
        row = {**row, "canvas": row.get("id", ""), "id": sis or login, "email": row.get("email") or login}
    return Person(**row)


def _keys(person: Person) -> Iterator[tuple[str, str]]:
    """The names of a person, each with its kind; a name in any order of its parts."""
    words = [word for word in re.split(r"[\s,]+", person.name) if word]
    names = {_plain("".join(words[turn:] + words[:turn])) for turn in range(len(words))}
    others = {_plain(name) for name in (person.id, person.email, person.email.partition("@")[0], person.github)}
    yield from (("name", name) for name in names)
    yield from (("any", name) for name in (names | others) - {""})
    yield from (("email", name.casefold()) for name in (person.id, person.email) if "@" in name)
    if person.canvas:
        yield "Canvas", _plain(person.canvas)


def _plain(name: str) -> str:
    """Small letters and figures only: platforms leave out spaces, commas and hyphens."""
    return "".join(c for c in name.casefold() if c.isalnum())
