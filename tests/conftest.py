import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from jupyter_core.utils import ensure_event_loop

DESCRIPTORS = Path("/proc/self/fd")
KEPT = (".ttf", "history.sqlite")  # what libraries open once and keep: matplotlib its fonts, IPython its history


def open_files() -> Counter[str]:
    """How many files, sockets and so on this process has open; nothing where the system does not tell."""
    found: Counter[str] = Counter()
    for descriptor in DESCRIPTORS.iterdir() if DESCRIPTORS.exists() else ():
        try:
            file = os.readlink(descriptor)
        except OSError:  # the listing's own
            continue
        if not file.endswith(KEPT):
            found[file.partition(":[")[0]] += 1
    return found


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """A shell has what it starts in the background ignore Ctrl-C: a test that interrupts itself would never end."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_left_open():
    """A test closes what it opens: left to the garbage collector, it would fail a later test that is not to blame."""
    ensure_event_loop()  # Jupyter opens one a process, and keeps it
    before = open_files()
    yield
    assert open_files() - before == Counter()


@pytest.fixture
def style():
    """The course's style for one test, all type in its figures large enough, and no figure left over after it."""
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    from bn_helpers import plotting

    with plt.rc_context():
        plotting.use_style()
        yield
    texts = [text for number in plt.get_fignums() for text in plt.figure(number).findobj(Text) if text.get_text()]
    assert all(text.get_fontsize() >= 8.5 for text in texts), "smaller type than bn.mplstyle allows"
    plt.close("all")
