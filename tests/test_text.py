import pytest

from bn_helpers.text import number, one_line, printable


@pytest.mark.parametrize("control", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\udcff", "\ufeff"])
def test_controls_become_visible(control):
    assert printable(f"a{control}b") == "a\ufffdb"


@pytest.mark.parametrize("text", ["배치 정규화", "é", "👩\u200d🔬", "a\tb\nc", "\u00a0"])
def test_ordinary_text_stays(text):
    assert printable(text) == text


def test_every_end_of_a_line_is_a_newline():
    assert printable("a\r\nb\rc") == "a\nb\nc"
    assert one_line(" a\r\n b\tc ") == "a b c"


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (10.0, "10"), (5.5, "5.5"), (1 / 3, "0.33"), (100, "100")])
def test_points_have_no_digits_that_say_nothing(value, text):
    assert number(value) == text
