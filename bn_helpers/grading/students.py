"""Find out who handed in what: from files to students, each with a name for people and one for a folder.

It never makes one student of several: where files claim the same notebook and nothing says whose they are, it asks.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import yaml

from bn_helpers.grading import names
from bn_helpers.grading.claimed import are_nobodys_folders, are_one, claim, is_answer, newest, without_solutions
from bn_helpers.grading.handed import EMPTY, Collector, Handed
from bn_helpers.grading.names import stem
from bn_helpers.grading.results import NOTHING, UNCLEAR, GradingError, Named, Student
from bn_helpers.grading.roster import Person, Roster
from bn_helpers.submission import Submission, read_files
from bn_helpers.text import few, one_line

EXAMPLES = 5
METADATA = "submission_metadata.yml"  # of Gradescope
MAX_METADATA = 32 * 2**20
# Beside students' work these are nobody's; anything else there is somebody's, and told where it cannot be graded.
_ASIDE = {".csv", ".yml", ".yaml", ".md", ".txt", ".json", ".xlsx", ".xls", ".db", ".log", ".key"}


def find_students(
    paths: Sequence[Path],
    others: Iterable[Path] = (),
    *,
    scratch: Path | None = None,
    pattern: str | None = None,
    roster: Roster | None = None,
) -> list[Student]:
    """Find the students below some paths.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks, a student's folder, folders with a class or a part of its work, zips of any of these.
    others : iterable of Path, optional
        What may lie there and is no student's: the folder of the results, say.
    scratch : Path, optional
        Where zips are unpacked; it has to stay until they are read.
    pattern : str, optional
        How names stand in paths, as `names` describes it. Without it, the table there is tried.
    roster : Roster, optional
        Who is in the class. Whoever handed in nothing is then a student, too.

    Returns
    -------
    students : list of Student
        In the order of their names.

    Raises
    ------
    GradingError
        If a path is not there, no student is found, or it cannot be told whose files are whose.
    """
    finder = _Finder(Collector(scratch or Path(tempfile.gettempdir()), others), pattern, roster)
    groups = _merged([group for path in paths for group in finder.below(path)])
    if not groups:
        raise GradingError(
            f"{', '.join(map(str, paths))}: there is no submission. Name a notebook, a folder with notebooks, "
            "or a folder or a zip that holds what each student handed in."
        )
    groups = _of_class(groups, roster) if roster else groups
    if finder.aside:
        aside = few([one_line(name)[: names.LONGEST] for name in sorted(finder.aside)])
        print(f"left aside, as nobody's work: {', '.join(aside)}", file=sys.stderr)
    groups.sort(key=lambda group: (group.name, str(group.path)))
    own = [group.name for group in groups]
    shown = names.unique(list(map(names.shown_name, own)), own, str)
    folders = names.unique(list(map(names.folder_name, own)), own, str.casefold)
    return [group.student(*of_one, roster) for group, *of_one in zip(groups, shown, folders, strict=True)]


def read_student(student: Student) -> Submission:
    """Read one student's submission, as of `read_files`."""
    return read_files(dict(student.files), student.name)


@dataclass
class _Group:
    """What is one student's, as far as it is known: `files` by their paths within the student's work."""

    named: Named
    path: Path
    files: list[tuple[str, Handed]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    person: Person | None = None

    @property
    def name(self) -> str:
        return self.person.name if self.person else self.named.name or self.named.id or self.named.email

    @property
    def claimed(self) -> set[str]:
        """The notebooks that are there."""
        return {claim(handed) for _, handed in self.files if is_answer(handed)}

    def is_apart(self, other: _Group) -> bool:
        """Whether two of one name may be two people: a platform says so, or all that they have is a name, and both did
        the same work."""
        one, two = self.named, other.named
        if one.key and two.key and one.platform == two.platform and not one.is_numbered_anew:
            return one.key != two.key
        here = bool(one.key and two.key) and self.path == other.path
        return here or bool(self.claimed & other.claimed)

    def join(self, other: _Group) -> None:
        """Add another part of the work."""
        taken = {label for label, _ in self.files}
        for label, handed in other.files:
            while label in taken:
                label = f"{other.path.name}/{label}"
            taken.add(label)
            self.files.append((label, handed))
        self.notes += other.notes
        self.named = replace(self.named, late=self.named.late or other.named.late)

    def student(self, name: str, folder: str, roster: Roster | None) -> Student:
        """The student of the group."""
        canvas = self.named.id if self.named.platform == "Canvas" else ""
        person = self.person or Person("", self.named.school_id, self.named.email)
        kept, older = newest([(label, handed) for label, handed in self.files if is_answer(handed)])
        notes = [*self.notes, *(["handed in late, as the platform says"] if self.named.late else [])]
        notes += few([f"an older copy was not read: {label}" for label in older])
        notes += ["not in the roster"] if roster and not (self.person or roster.may_be(self.named)) else []
        notes += [NOTHING] if not (self.files or self.notes) else []
        files = tuple((label, handed.path) for label, handed in kept)
        about = {"id": person.id, "email": person.email, "section": person.section, "platform": self.named}
        about["canvas"] = person.canvas or canvas
        lost = few(list(self._lost(files)))
        return Student(name, folder, self.path, files, notes=tuple(notes), lost=lost, own=self.name, **about)

    def _lost(self, files: Sequence) -> Iterable[str]:
        """What was handed in and cannot be graded as it is, and why."""
        for label, handed in self.files:
            if handed.problem and not (files and handed.problem == EMPTY):
                yield f"{label or handed.place[-1]}: {handed.problem}"
        unread = [label for label, handed in self.files if not handed.problem]
        if unread and not files:
            yield f"no notebook, but {', '.join(unread[:EXAMPLES])}"


class _Finder:
    """Parts what lies below a path into groups, one a student."""

    def __init__(self, collector: Collector, pattern: str | None, roster: Roster | None) -> None:
        self.aside: set[str] = set()
        self._collector, self._pattern, self._roster = collector, pattern, roster

    def below(self, path: Path) -> list[_Group]:
        """The groups below a path that was named."""
        try:
            root = path.resolve(strict=True)
        except (OSError, RuntimeError):
            message = f"there is no file or folder {str(path)!r}. Check the path of the submissions."
            raise GradingError(message) from None
        if root.is_dir() or root.suffix.lower() == ".zip":
            files = self._collector.files(root)
            return self._chosen(root, files) if self._pattern else self._parted(root, files, 0)
        if root.suffix.lower() not in (".ipynb", ".py"):
            raise GradingError(f"{str(path)!r} is no notebook. Name notebooks (.ipynb), folders or zips.")
        [file] = self._collector.files(root)
        named = names.match(self._pattern, root.name) if self._pattern else _fits(root.parent, [file], 0).get(file)
        return [_Group(named or Named(root.stem), root.parent, [(root.name, file)])]

    def _chosen(self, root: Path, files: list[Handed]) -> list[_Group]:
        """The groups that the given pattern makes."""
        try:
            found = {handed: names.match(self._pattern, _whole(handed)) for handed in without_solutions(files, 0)}
        except ValueError as error:
            raise GradingError(f"--names {self._pattern!r}: {error}.") from None
        strange = ["/".join(h.place) for h, named in found.items() if not named and is_answer(h)]
        if strange:
            raise GradingError(f"--names {self._pattern!r} does not fit {len(strange)} files:{_listed(strange)}")
        return _by_name(root, {handed: named for handed, named in found.items() if named})

    def _parted(self, root: Path, files: list[Handed], at: int) -> list[_Group]:
        """The groups of files whose places agree up to `at`; `root` is the folder that they are in."""
        files = without_solutions(files, at)
        fits = _fits(root, files, at)
        rest = [handed for handed in files if handed not in fits]
        groups = _by_name(root, fits)
        if any(handed.place[at] == METADATA for handed in rest):
            groups = _from_metadata(groups, next(handed.path for handed in rest if handed.place[at] == METADATA))
        loose = [handed for handed in rest if len(handed.place) == at + 1]
        answers = list(filter(is_answer, loose))
        if not groups and (answers or are_nobodys_folders(rest, at)) and are_one(rest, at, root.name):
            return [_group(root.name, root, rest, at)]
        if answers and not are_one(answers, at, root.name):
            raise _unclear(root, answers, "{name}_{notebook}*")
        groups += self._loose(root, loose, answers, at)
        return groups + self._folders(root, [handed for handed in rest if len(handed.place) > at + 1], at)

    def _loose(self, root: Path, loose: list[Handed], answers: list[Handed], at: int) -> list[_Group]:
        """Notebooks beside folders are one student's; whatever else is not known to be nobody's is one's each."""
        groups = []
        if answers:
            groups.append(_group(root.name, root, answers, at))
            groups[-1].notes.append(f"these notebooks lie beside the students' folders: {answers[0].place[-1]} …")
        for handed in loose:
            if handed in answers:
                continue
            if handed.suffix in _ASIDE and not handed.problem:
                self.aside.add(handed.place[-1])
            else:
                home = handed.path if handed.problem == EMPTY else root
                groups.append(_group(handed.place[-1], home, [handed], at))
        return groups

    def _folders(self, root: Path, files: list[Handed], at: int) -> list[_Group]:
        """Each folder is one student, unless it holds several: then it is looked into."""
        folders: dict[str, list[Handed]] = defaultdict(list)
        for handed in files:
            folders[handed.place[at]].append(handed)
        full = [name for name, inside in folders.items() if any(map(is_answer, inside))]
        several = [name for name in full if not are_one(folders[name], at + 1, name) and not self._knows(name)]
        if several and len(several) < len(full):
            raise _unclear(root, [handed for handed in folders[several[0]] if is_answer(handed)], "{name}/**")
        users = _users(root, folders)
        groups = []
        for name, inside in folders.items():
            if name in several:
                groups += self._parted(root / name, inside, at + 1)
            else:
                groups.append(_group(name, root / name, inside, at + 1, users.get(name, "")))
        return groups

    def _knows(self, name: str) -> bool:
        return bool(self._roster and self._roster.find(Named(stem(name))))


def _fits(root: Path, files: list[Handed], at: int) -> dict[Handed, Named]:
    """What the platform that has named a folder's files says of each. Where another may have named one, it asks."""
    found = {handed: fits for handed in files if (fits := names.fitting(_whole(handed, at)))}
    answers = list(filter(is_answer, found))
    platform = names.commonest(found[handed] for handed in answers or found)
    if strange := [handed for handed in answers if names.likeliest(found[handed]) != platform]:
        other = names.likeliest(found[strange[0]])
        why = f"Most names here are as if from {platform}, but these as if from {other}"
        raise _unclear(root, strange, names.PATTERNS[platform], why)
    chosen = {handed: fits[platform] for handed, fits in found.items() if platform in fits}
    return _with_users(root, chosen) if platform == "Blackboard" else chosen


def _with_users(root: Path, found: dict[Handed, Named]) -> dict[Handed, Named]:
    """The same with the users for the owners: what all begin with is the assignment, as far as that can be told."""
    users = names.beyond_shared({named.id for named in found.values()}, "_")
    alike = Counter(user.rpartition("_")[2] for user in users.values())
    strange = [handed for handed, named in found.items() if alike[users[named.id].rpartition("_")[2]] > 1]
    if strange and all("_" in user for user in users.values()):
        assignment = found[strange[0]].id.removesuffix(users[found[strange[0]].id])
        why = "These may be of one user in several assignments, or of several users"
        raise _unclear(root, strange, f"{assignment}{{name}}_attempt_{{date}}*", why)
    return {handed: replace(named, id=users[named.id]) for handed, named in found.items()}


# Groups


def _group(name: str, path: Path, files: Iterable[Handed], at: int, user: str = "") -> _Group:
    labelled = [("/".join(handed.place[at:]), handed) for handed in files]
    return _Group(Named(user or stem(name), user), path, labelled)


def _by_name(root: Path, fits: dict[Handed, Named]) -> list[_Group]:
    """A group for each name or number. Of the attempts that a platform dates only the newest counts.

    One that is dated in the future was dated by a wrong clock: it counts where there is no other.
    """
    tomorrow = (datetime.now() + timedelta(days=1)).strftime("%Y-%m-%d-%H-%M-%S")  # it may be another zone's time
    found: dict[tuple[str, str], list[tuple[Handed, Named]]] = defaultdict(list)
    for handed, named in fits.items():
        found[named.key, "" if named.key else named.name].append((handed, named))
    groups = []
    for entries in found.values():
        dates = sorted({named.date for _, named in entries})
        last = max((date for date in dates if date <= tomorrow), default=dates[-1])
        files = [("/".join(handed.place), handed) for handed, named in entries if named.date == last]
        late = any(named.late for _, named in entries)
        named = replace(entries[0][1], late=late)
        group = _Group(named if named.name or named.key else Named(root.name), root, files)
        group.notes += few([f"an earlier attempt was not read: {date}" for date in dates if date < last])
        group.notes += few([f"an attempt dated in the future was not read: {date}" for date in dates if date > last])
        group.notes += [f"the attempt that counts is dated in the future: {last}"] * (last > tomorrow)
        groups.append(group)
    return groups


def _from_metadata(groups: list[_Group], path: Path) -> list[_Group]:
    """The groups, each for all who handed it in together, as Gradescope tells it."""
    try:
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # all is text: a name may look like a date
        data = yaml.load(path.read_bytes()[:MAX_METADATA], Loader=loader)
        people = {
            str(key).rpartition("_")[2]: [
                Named(*(str(one.get(f":{part}") or "") for part in ("name", "sid", "email")))
                for one in entry[":submitters"]
            ]
            for key, entry in data.items()
        }
    except (OSError, ValueError, yaml.YAMLError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise GradingError(f"{path.name} cannot be read, so names are missing: {one_line(str(error))[:200]}") from None
    return [
        replace(group, named=named, notes=list(group.notes))
        for group in groups
        for named in people.get(group.named.id) or [replace(group.named, name=f"submission_{group.named.id}")]
    ]


def _merged(groups: list[_Group]) -> list[_Group]:
    """One group a student: the parts of a student's work may lie in several places.

    A name alone joins only what claims different notebooks: there may be two of that name.
    """
    numbered: dict[tuple, list[_Group]] = defaultdict(list)
    called: dict[tuple, list[_Group]] = defaultdict(list)
    for group in groups:
        named = group.named
        numbered[(named.platform, named.key) if named.key else (id(group),)].append(group)
    for [group] in map(_joined, numbered.values()):
        named = group.named
        by_name = group.claimed and (named.is_numbered_anew or not named.key)
        called[(named.key and named.platform, named.name) if by_name else (id(group),)].append(group)
    found = [_joined(several) for several in called.values()]
    for first, *others in found:
        for group in others:
            group.notes.append(f"another student has the same name: {first.path.name}")
    return [group for several in found for group in several]


def _joined(several: list[_Group]) -> list[_Group]:
    """One group of those that are called the same; where two of them may be two people, all of them."""
    if any(one.is_apart(other) for one, other in combinations(several, 2)):
        return several
    for group in several[1:]:
        several[0].join(group)
    return several[:1]


def _of_class(groups: list[_Group], roster: Roster) -> list[_Group]:
    """One group for each of the class, and those that are nobody's of it.

    Who may be two people are not made one by a name in the roster, nor is one taken for either of two in it: then it is
    not known which of them is meant.
    """
    meant: dict[Person | None, list[_Group]] = {person: [] for person in roster.people}
    for group in sorted(groups, key=lambda group: not group.named.key):
        meant.setdefault(roster.find(group.named), []).append(group)
    found = meant.pop(None, [])
    called = {person: [group for group in found if person in roster.may_be(group.named)] for person in roster.people}
    for person, several in meant.items():
        own, *others = _joined(several) if several else [_Group(Named(person.name), Path())]
        found += several if others else []
        unclear = several if others else [] if several else called[person]
        for group in unclear:
            group.notes.append(f"may be {person.name} of the roster, as another may: none is taken for it")
        if unclear:
            why = f"{len(unclear)} who handed in may be the one of the roster: {UNCLEAR}"
            own = _Group(Named(person.name), Path(), notes=[why])
        found.append(replace(own, person=person))
    return found


def _users(root: Path, folders: Iterable[str]) -> dict[str, str]:
    """User names of clones that GitHub Classroom named ASSIGNMENT-USER."""
    clones = [name for name in folders if (root / name / ".git").exists()]
    users = names.beyond_shared(clones, "-") if len(clones) > 1 else {}
    return users if all(user != name for name, user in users.items()) else {}


# Words


def _unclear(
    root: Path, files: Sequence[Handed], option: str, why: str = "These files claim the same notebook"
) -> GradingError:
    """Who asks instead of guessing."""
    examples = _listed(["/".join(handed.place) for handed in files])
    return GradingError(
        f"{root}: it cannot be told who handed in what. {why}:{examples}"
        f"\nSay how the paths name a student, for instance --names '{option}' (bn_helpers/grading/names.py explains "
        "it), or give a --roster. What is one student's goes into a folder of its own."
    )


def _whole(handed: Handed, at: int = 0) -> str:
    """The path of a file, or of a folder with nothing in it, from some folder on."""
    return "/".join(handed.place[at:]) + "/" * (handed.problem == EMPTY)


def _listed(paths: Sequence[str]) -> str:
    return "".join(f"\n  {path}" for path in few([one_line(path)[: names.LONGEST] for path in paths], EXAMPLES))
