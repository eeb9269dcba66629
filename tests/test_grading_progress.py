import io

import pytest

from bn_helpers.grading.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, total):
    progress = Progress("grading", total, stream)
    for _ in range(total):
        progress.step()
    return stream.getvalue()


def test_a_terminal_shows_one_line_that_moves():
    text = shown(Terminal(), 30)
    assert text.count("\r") == 30
    assert text.count("\n") == 1
    assert "15/30" in text
    assert "left" in text
    assert text.rstrip("\033[K\n").split("\r")[-1].startswith(f"grading [{'#' * 24}] 30/30")


@pytest.mark.parametrize(("total", "lines"), [(1, 1), (7, 7), (30, 10), (300, 10)])
def test_a_log_gets_a_line_for_each_tenth(total, lines):
    text = shown(io.StringIO(), total)
    assert "\r" not in text
    assert len(text.splitlines()) == lines
    assert f"{total}/{total}" in text.splitlines()[-1]
