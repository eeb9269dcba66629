"""An answer without end is stopped, and what one prints is cut."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading

import pytest

from bn_helpers.guard import SHOWN, Endless, Printed, counted, limited, place

SHORT = 0.05


def endless():
    while True:
        pass


def endless_and_stubborn():
    while True:
        with contextlib.suppress(Exception):
            endless()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
@pytest.mark.parametrize("answer", [endless, endless_and_stubborn])
def test_endless_answer_is_stopped_and_its_line_told(answer):
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(Endless) as caught, limited(SHORT):
        answer()
    assert place(caught.value, {"answer": answer}) in (
        f" (line {endless.__code__.co_firstlineno + 1}: while True:)",
        f" (line {endless.__code__.co_firstlineno + 2}: pass)",
    )
    assert signal.getsignal(signal.SIGVTALRM) == before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_where_there_are_no_timers_lines_are_counted():
    before = sys.gettrace()
    with pytest.raises(Endless, match=r"^1,000 lines of Python$") as caught, counted(1000):
        endless_and_stubborn()
    assert "line" in place(caught.value, {"answer": endless})
    with counted(1000):
        assert sum(range(10)) == 45
    assert sys.gettrace() == before


def test_where_no_answer_was_at_work_no_line_is_told():
    assert place(Endless(), {"answer": print}) == ""


def test_another_thread_goes_on_without_a_limit():
    done = []

    def work():
        with limited(SHORT):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_what_is_printed_is_cut_and_counted():
    printed = Printed()
    assert printed.words() == []
    print("a\nb", file=printed)
    assert printed.words() == ["your code printed 4 characters: 'a\\nb\\n'"]
    print("c" * 10_000, file=printed)
    assert printed.words()[0].startswith("your code printed 10,005 characters: 'a\\nb\\nccc")
    assert printed.words()[0].endswith("ccc' ...")
    assert len(printed.words()[0]) < SHOWN + 60
