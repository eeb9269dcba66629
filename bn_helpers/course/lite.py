"""The course in the browser: JupyterLite and Pyodide, a folder of files that any web server can hand out.

Each part of the course is a site of its own, staged as the zips of `bundle` are. The package comes as a wheel, which
Pyodide's lock file lists beside the packages that it needs, so that a notebook's imports fetch them.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import distribution, version
from pathlib import Path

from bn_helpers.course import bundle, notebook_file
from bn_helpers.course.sources import BuildError
from bn_helpers.exercises import NOTEBOOKS

TEMPLATES = Path(__file__).with_name("templates") / "lite"
KERNEL = "@jupyterlite/pyodide-kernel-extension"
EXTENSIONS = {"jupyterlite-pyodide-kernel": KERNEL, "jupyterlab_widgets": "@jupyter-widgets/jupyterlab-manager"}
# What the kernel asks for before the first cell. Listed here, it comes while Python starts, and from nowhere else.
STARTED = ("micropip", "piplite", "ipykernel", "comm", "pyodide-kernel", "jedi", "ipython")
# What no Pyodide has: each wheel's module, and what of the lock file it needs
ADDED = {
    "piplite": ("piplite", ["micropip"]),
    "ipykernel": ("ipykernel", ["pyodide-kernel"]),
    "pyodide-kernel": ("pyodide_kernel", ["comm", "ipython"]),
    "comm": ("comm", []),
    "ipywidgets": ("ipywidgets", ["comm", "ipython", "traitlets"]),
    "bn-helpers": ("bn_helpers", ["ipywidgets", "matplotlib", "numpy", "threadpoolctl"]),
}
SHOWN = ("notebooks/", "solutions/")
FETCHED = ("fashion_mnist.npz",)  # data that come when a notebook asks for them
KEPT = """**Your work lives in this browser, on this machine: download it before you close.** The last cell hands all
notebooks over as one file. Nothing is sent anywhere. The first cell takes up to half a minute, while Python comes; a
cell that goes on without end is stopped by *Kernel, Restart Kernel*."""
SETTINGS = {"LiteBuildConfig": {"apps": ["lab", "notebooks"], "ignore_sys_prefix": True, "no_sourcemaps": True}}
PYODIDE = "static/pyodide"  # where in a site the lock file lies, and our wheels
LOCK = "pyodide-lock.json"
RUNTIME = ("pyodide.mjs", "pyodide.asm.*", "python_stdlib.zip")


def write_lite(
    root: Path, out: Path, names: Sequence[str] | None = None, *, reference: bool = False, pyodide: Path | None = None
) -> list[Path]:
    """Write a site for each part of the course, and a page that leads to their notebooks; return the sites' folders.

    Parameters
    ----------
    root : Path
        The checkout.
    out : Path
        Where the sites go. What another part left there stays.
    names : sequence of str, optional
        The notebooks of the one part to write, else every part of the course.
    reference : bool, default False
        Whether solutions and reference go with them.
    pyodide : Path, optional
        A folder with Pyodide, to be handed out with the course; else a browser gets it from its publisher.

    Raises
    ------
    BuildError
        If a part would give an answer away, or a site is not whole.
    """
    sites = []
    for name, files in bundle.copies(root, names, reference=reference).items():
        site = out / re.sub(rf"{bundle.FOLDER}_|\.zip", "", name)
        files = {path.partition("/")[2]: held for path, held in files.items()}
        with tempfile.TemporaryDirectory() as folder:
            _build(root, Path(folder), files, pyodide)
            built = Path(folder) / "site"
            if not reference:
                _refuse_leaks(root, built, files)
            shutil.rmtree(site, ignore_errors=True)
            shutil.copytree(built, site)
        sites.append(site)
        print(site, flush=True)
    (out / "index.html").write_text(_index(out), "utf-8")
    return sites


def _build(root: Path, folder: Path, files: Mapping[str, bytes], pyodide: Path | None) -> None:
    """Make the site of a part in a fresh folder: JupyterLite keeps notes of its builds in the one it is started in."""
    for name, notebook in _notebooks(files).items():
        target = folder / "contents" / f"{name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_notebook(notebook, name), "utf-8")
    _run_jupyterlite(folder)
    site = folder / "site"
    for name in FETCHED:
        if held := files.get(f"bn_helpers/datasets/{name}"):
            (site / PYODIDE / name).parent.mkdir(parents=True, exist_ok=True)
            (site / PYODIDE / name).write_bytes(held)
    _lock(site, dict(_wheels(root, site, files)), pyodide)


def _run_jupyterlite(folder: Path) -> None:
    """Build what `folder` holds into its subfolder `site`. An addon that fails only warns, and is left out: refused."""
    extensions = [str(_extension(*each)) for each in EXTENSIONS.items()]
    places = {"contents": ["contents"], "federated_extensions": extensions, "output_dir": str(folder / "site")}
    settings = SETTINGS | {"LiteBuildConfig": SETTINGS["LiteBuildConfig"] | places}
    (folder / "jupyter_lite_config.json").write_text(json.dumps(settings), "utf-8")
    for name in ("jupyter-lite.json", "overrides.json"):
        shutil.copy(TEMPLATES / name, folder)
    command = [sys.executable, "-m", "jupyterlite_core", "build"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or re.search(r"\] (WARNING|ERROR|CRITICAL) \|", done.stdout):
        raise BuildError(f"JupyterLite does not build the site as it should:\n{done.stdout}")


def _extension(package: str, name: str) -> Path:
    """The folder of an installed extension of JupyterLab."""
    files = distribution(package).files or []
    return next(Path(file.locate()).resolve().parent for file in files if file.match(f"{name}/package.json"))


def _notebooks(files: Mapping[str, bytes]) -> dict[str, dict]:
    """The notebooks of a part, by their places in the list that a browser shows; solved ones in a folder."""
    found = {path.removeprefix("notebooks/"): held for path, held in files.items() if path.startswith(SHOWN)}
    return {path.removesuffix(".ipynb"): json.loads(held) for path, held in found.items()}


def _notebook(notebook: dict, name: str) -> str:
    """A notebook with a first cell for the browser; a student's also says where work is kept, and hands it over.

    Its metadata are those that the kernel gives: else merely to open it would save a copy, which hides an update.
    """
    begin = _cell("browser", f'from bn_helpers import browser\n\nbrowser.begin("{name}", "{_digest_of(notebook)}")')
    first, *others = notebook["cells"]
    if name in NOTEBOOKS:
        title, rest = notebook_file.source(first).split("\n", 1)
        first = first | {"source": f"{title}\n\n{KEPT}\n{rest}"}
        others.append(_cell("hand-over", "browser.hand_over()"))
    metadata = notebook["metadata"] | json.loads((TEMPLATES / "kernel.json").read_text("utf-8"))
    return notebook_file.serialized(notebook | {"cells": [first, begin, *others], "metadata": metadata})


def _digest_of(notebook: dict) -> str:
    return notebook["metadata"]["bn_helpers"]["digest"][:12]


def _cell(name: str, code: str) -> dict:
    cell = {"cell_type": "code", "id": name, "metadata": {}, "source": code}
    return cell | {"execution_count": None, "outputs": []}


def _wheels(root: Path, site: Path, files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The wheels that no Pyodide has, by name: of the kernel, of what is installed here, and of the student's part."""
    for wheel in sorted((site / "extensions" / KERNEL / "static/pypi").glob("*.whl")):
        yield wheel.name, wheel.read_bytes()
    for package in ("comm", "ipywidgets"):
        paths = [path for path in distribution(package).files or [] if ".." not in path.parts]
        held = {path.as_posix(): Path(path.locate()).read_bytes() for path in paths if path.suffix != ".pyc"}
        yield f"{package}-{version(package)}-py3-none-any.whl", bundle.zipped(held, zipfile.ZIP_DEFLATED)
    ours = bundle.zipped(_ours(root, files), zipfile.ZIP_DEFLATED)
    # a number and the digest make a new name of each new version, which no browser takes from its store
    yield f"bn_helpers-{version('bn_helpers')}-1{_digest(ours)[:12]}-py3-none-any.whl", ours


def _ours(root: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of our wheel: the student's part without terminal and large data, and what a browser needs."""
    left_out = {*bundle.TERMINAL, *(f"datasets/{name}" for name in FETCHED)}
    package = {path.removeprefix("bn_helpers/"): held for path, held in files.items() if path.startswith("bn_helpers/")}
    kept = {path for path in package if path not in left_out and not path.startswith("expected/")}
    digests = {name: _digest_of(notebook) for name, notebook in _notebooks(files).items()}
    about = f"bn_helpers-{version('bn_helpers')}.dist-info"
    return {f"bn_helpers/{path}": package[path] for path in kept} | {
        "bn_helpers/browser.py": bundle.data(root / "bn_helpers/browser.py"),
        "bn_helpers/digests.json": json.dumps(digests).encode(),
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: bn_helpers\nVersion: {version('bn_helpers')}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }


def _lock(site: Path, wheels: Mapping[str, bytes], pyodide: Path | None) -> None:
    """Write Pyodide's lock file with our wheels in it, beside them; with a Pyodide of our own, that too."""
    folder = site / PYODIDE
    folder.mkdir(parents=True, exist_ok=True)
    lock = json.loads((pyodide / LOCK).read_text("utf-8")) if pyodide else _published()
    for wheel, held in wheels.items():
        name = _normal(wheel.partition("-")[0])
        if name in ADDED and name not in lock["packages"]:
            lock["packages"][name] = _entry(name, wheel, held)
            (folder / wheel).write_bytes(held)
    if pyodide:
        lock["packages"] = {name: lock["packages"][name] for name in _needed(lock["packages"], [*STARTED, *ADDED])}
        packages = [pyodide / package["file_name"] for package in lock["packages"].values()]
        for path in (*packages, *(path for pattern in RUNTIME for path in pyodide.glob(pattern))):
            if path.exists():  # the others are our wheels
                shutil.copy(path, folder)
    (folder / LOCK).write_text(json.dumps(lock), "utf-8")
    settings = site / "jupyter-lite.json"
    config = json.loads(settings.read_text("utf-8"))
    plugin = config["jupyter-config-data"].setdefault("litePluginSettings", {}).setdefault(f"{KERNEL}:kernel", {})
    plugin["loadPyodideOptions"] = {"lockFileURL": f"./{PYODIDE}/{LOCK}", "packages": list(STARTED)}
    plugin["disablePyPIFallback"] = True
    if pyodide:
        plugin["pyodideUrl"] = f"./{PYODIDE}/pyodide.mjs"
    settings.write_text(json.dumps(config, indent=1), "utf-8")


def _published() -> dict:
    """The lock file of the release that the kernel wants, with its packages' addresses at the publisher."""
    from jupyterlite_pyodide_kernel.constants import PYODIDE_CDN_URL

    try:
        with urllib.request.urlopen(f"{PYODIDE_CDN_URL}/{LOCK}") as answer:
            lock = json.load(answer)
    except OSError as error:
        message = f"Pyodide does not come from {PYODIDE_CDN_URL} ({error})"
        raise BuildError(f"{message}: unpack one, and name it with --pyodide FOLDER") from None
    for package in lock["packages"].values():
        package["file_name"] = f"{PYODIDE_CDN_URL}/{package['file_name']}"
    return lock


def _entry(name: str, wheel: str, held: bytes) -> dict:
    module, depends = ADDED[name]
    entry = {"name": name, "version": wheel.split("-")[1], "file_name": wheel, "sha256": _digest(held)}
    entry |= {"install_dir": "site", "package_type": "package", "unvendored_tests": False}
    return entry | {"imports": [module], "depends": depends}


def _needed(packages: Mapping[str, dict], names: Iterable[str]) -> list[str]:
    """Packages with all that they depend on."""
    needed, open_ = [], [*names]
    while open_:
        name = open_.pop()
        if name not in needed:
            needed.append(name)
            open_ += map(_normal, packages[name]["depends"])
    return sorted(needed)


def _normal(name: str) -> str:
    """A package's name as a lock file spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _refuse_leaks(root: Path, site: Path, files: Mapping[str, bytes]) -> None:
    """Raise GivenAway where any file of a site, wheels unpacked, answers what its notebooks ask for."""
    names = [path.stem for path in map(Path, sorted(files)) if path.parts[0] == "notebooks"]
    held = {}
    for path in site.rglob("*"):
        place = path.relative_to(site).as_posix()
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                held |= {f"{place}/{name}": wheel.read(name) for name in wheel.namelist()}
        elif path.is_file():
            held[place] = path.read_bytes()
    if found := bundle.answers_in(root, names, held):
        raise bundle.GivenAway("\n".join(found))


def _index(out: Path) -> str:
    """The page that leads to the notebooks of all sites in a folder."""
    lines = []
    for name, notebook in NOTEBOOKS.items():
        for path in sorted(out.glob(f"*/files/{name}.ipynb")):
            address = f"{path.parts[-3]}/lab/index.html?path={name}.ipynb"
            solved = " (with solutions beside it)" * path.with_name("solutions").exists()
            lines.append(f'<li><a href="{address}">{notebook.number} {notebook.title}</a>{solved}</li>')
    return (TEMPLATES / "index.html").read_text("utf-8").replace("NOTEBOOKS", "\n".join(lines))


def _digest(held: bytes) -> str:
    return hashlib.sha256(held).hexdigest()
