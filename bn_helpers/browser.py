"""What a notebook needs where Python runs in the browser: there is no terminal, no interrupt and no folder of files.

Only the course in the browser has this module, and no other Python can run it.
"""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any

HANDED = "batch_normalization.zip"
PATIENCE = 60  # seconds; the notebook is saved every five, and more seldom where that takes long
OLDER = """This copy of the notebook is older than the one on the site. Your work is kept, and goes on working.
For the new one:
1. If you wrote anything: File, Download, so that you keep it.
2. In the list on the left, delete this notebook. That deletes the copy in this browser, not the one on the site.
3. Reload the page. The new notebook is there; write your answers into it."""


def begin(name: str, digest: str) -> None:
    """Prepare a notebook's session, and say whether the notebook is older than the site.

    Parameters
    ----------
    name : str
        The notebook, for instance "01_normalization".
    digest : str
        That of the cells which this copy was made with.
    """
    from IPython import get_ipython

    get_ipython().set_custom_exc((Exception,), _told)
    digests = json.loads(Path(__file__).with_name("digests.json").read_text(encoding="utf-8"))
    print("Python is ready." if digests.get(name) == digest else OLDER)


def hand_over() -> None:
    """Wait until this notebook is saved, and offer all notebooks as one zip to download."""
    from IPython.display import display

    notebooks = sorted(Path().glob("*.ipynb"))
    if not notebooks:
        print("This browser keeps Python from the notebooks, as in a private window. Take each by File, Download.")
    elif not _saved(notebooks):
        print("It is not saved yet. Save it (Ctrl + S), and run this cell again.")
    else:
        held = base64.b64encode(_zipped(notebooks)).decode()
        link = f'<a download="{HANDED}" href="data:application/zip;base64,{held}">Download {HANDED}</a>'
        # not as an HTML object, which looks for a file of that name
        display({"text/html": f"{link}: {', '.join(path.stem for path in notebooks)}"}, raw=True)


def _saved(notebooks: list[Path]) -> bool:
    """Wait for what is on the screen to be saved. What this prints is saved with all that was written before."""
    said, begun = f"{time.strftime('%X')}: waiting until this notebook is saved", time.monotonic()
    print(said)
    while not any(said in path.read_text(encoding="utf-8") for path in notebooks):
        if time.monotonic() > begun + PATIENCE:
            return False
        time.sleep(0.5)
    return True


def _zipped(notebooks: list[Path]) -> bytes:
    """Notebooks as one zip, each without the zip that it handed over before."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in notebooks:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            for cell in notebook["cells"]:
                if cell.get("id") == "hand-over":
                    cell["outputs"] = []
            archive.writestr(path.name, json.dumps(notebook, ensure_ascii=False, indent=1))
    return buffer.getvalue()


def _told(shell: Any, kind: type, error: Exception, trace: TracebackType, tb_offset: int | None = None) -> None:
    """Show an error; where a check told it, as an output of a cell that ran, for Run All to go on.

    JupyterLite drops all cells that wait when one fails, whatever the tags of that one say.
    """
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)
    if shell.user_ns["In"][-1].startswith("check("):
        told, shell._last_traceback = shell._last_traceback, None
        shell.display_pub.publish({"application/vnd.jupyter.stderr": "\n".join(told["traceback"])})
