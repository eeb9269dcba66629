import pytest

from bn_helpers.grading.results import GradingError, Named
from bn_helpers.grading.roster import Person, Roster, read_roster


@pytest.fixture
def read(tmp_path):
    def read(text, encoding="utf-8"):
        (tmp_path / "class.csv").write_bytes(text.encode(encoding))
        return read_roster(tmp_path / "class.csv")

    return read


def test_a_roster_is_read_by_the_names_of_its_columns(read):
    roster = read(
        "Name;Student ID;E-mail;Section\n김민수;2026001;minsu@example.edu;A\n;;;\nLee Anna;2026002;;B\n", "cp949"
    )
    assert roster.people == [
        Person("김민수", "2026001", "minsu@example.edu", "A"),
        Person("Lee Anna", "2026002", "", "B"),
    ]


def test_canvas_and_moodle_columns_are_known(read):
    canvas = read('Student,ID,SIS User ID,SIS Login ID,Section\nPoints Possible,,,,\n"Kim, Minsu",7,2026001,minsu,A\n')
    assert canvas.people == [Person("Kim, Minsu", "2026001", "minsu", "A", canvas="7")]
    moodle = read("Full name,ID number,Email address\nKim Minsu,2026001,m@example.edu\n")
    assert moodle.people == [Person("Kim Minsu", "2026001", "m@example.edu")]


@pytest.mark.parametrize(
    "name", ["2026001", "minsu@example.edu", "minsu", "Kim, Minsu", "Minsu Kim", "kimminsu", "minsukim"]
)
def test_a_person_is_found_by_any_name_of_a_platform(name):
    kim = Person("Kim, Minsu", "2026001", "minsu@example.edu")
    assert Roster([kim, Person("Lee, Minho")]).find(Named(name)) is kim


def test_a_name_that_means_two_means_nobody(read):
    roster = Roster([Person("Kim Minsu", "1"), Person("Minsu Kim", "2")])
    assert roster.find(Named("Kim Minsu")) is None
    assert roster.find(Named("Kim Minsu", "2")).id == "2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,email\n1,a", "missing: name"),
        ("name,id\n", "names nobody"),
        ("name,id\n,1\n", "line 2 has no name"),
        ("name,id\nkim,1\nkim,1\n", "line 3 names kim a second time"),
        ("name,id\nkim,1\nlee,1\n", "line 3 gives lee '1', as kim has"),
        ("name,email\nkim,a@x.org\nlee,A@x.org\n", "line 3 gives lee 'a@x.org', as kim has"),
        ("nome,id\nkim,1\n", "missing: name. It is 'nome,id'"),
        ("PK\3\4", "save it there as CSV"),
    ],
)
def test_what_is_no_roster_is_told(read, text, words):
    with pytest.raises(GradingError, match=words):
        read(text)
