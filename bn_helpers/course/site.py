"""The course as a static site to read: a front page, five notebooks without their answers, and the READMEs behind them.

A class may read it while it works: where a solved notebook holds an answer, the page has the student's empty function.
What the answers make visible is there, figures and printed results. Sphinx makes the pages; MyST-NB reads notebooks.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from io import StringIO
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bn_helpers.course import builder, claims, pages
from bn_helpers.course.notebook_file import serialized, source
from bn_helpers.course.sources import BuildError
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, TASKS
from bn_helpers.files import write_together

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

LOOKS = pages.TEMPLATES / "page"
LEFT_OUT = ("check(", "summary(")  # what these cells would print belongs to a learner's own answers
READ_ON = "# Here the notebook has an answer to an earlier exercise, to be read."
PICTURE = f"solutions/{claims.PICTURE}"
BEHIND = {"student": "notebooks", "lecturer": "bn_helpers/course", "grader": "bn_helpers/grading"}  # their READMEs
PAGES = {f"{folder}/README.md": f"{page}.md" for page, folder in BEHIND.items()}
PAGES |= {f"solutions/{name}.ipynb": f"{name}.ipynb" for name in NOTEBOOKS}
WORK = '<a href="lite/index.html">Work in the browser</a>'
SETTINGS = {
    "project": "Batch normalization",
    "html_title": "Batch normalization",
    "extensions": ["myst_nb", "bn_helpers.course.site"],
    "nb_execution_mode": "off",
    "myst_enable_extensions": ["dollarmath"],
    "myst_heading_anchors": 2,
    "smartquotes": False,
    "html_theme": "furo",
    "html_static_path": ["_static"],
    "html_css_files": ["style.css"],
    "html_math_renderer": "mathml",
    "html_show_search_summary": False,  # a page that is opened as a file may not read the others
    "html_permalinks": False,  # the contents have the same links
    "html_copy_source": False,
    "html_use_index": False,
    "html_show_copyright": False,
}


def write_site(root: Path, out: Path) -> list[Path]:
    """Write the site, and print each page's path. Where `out` has the folder `lite`, every page links to it."""
    notebooks = {name: reading(*builder.executed(root, name)) for name in NOTEBOOKS}
    texts = {"index.md": front_page(root, notebooks)}
    texts |= {f"{name}.ipynb": serialized(notebook) for name, notebook in notebooks.items()}
    texts |= {f"{page}.md": _readme(root, folder) for page, folder in BEHIND.items()}
    files = {
        PICTURE: (root / PICTURE).read_bytes(),
        "_static/math.woff": pages.math_font(),
        "_static/style.css": (LOOKS / "style.css").read_bytes(),
    }
    work = {"announcement": WORK} if (out / "lite" / "index.html").exists() else {}
    with TemporaryDirectory() as folder:
        write_together({Path(folder, "sources", name): content for name, content in (texts | files).items()})
        _make(Path(folder), SETTINGS | {"html_theme_options": work}, alternatives(notebooks.values()))
        for part in Path(folder, "site").iterdir():
            if part.is_dir():  # of pictures and scripts, none of an earlier site stays
                shutil.rmtree(out / part.name, ignore_errors=True)
        shutil.copytree(Path(folder, "site"), out, dirs_exist_ok=True)
    written = [out / Path(name).with_suffix(".html") for name in texts]
    print(*written, sep="\n")
    return written


def front_page(root: Path, notebooks: Mapping[str, dict]) -> str:
    """Markdown of the front page: what the course is, its notebooks, how to begin, and what lies behind."""
    opening, student, lecturer, grader, *_ = _readme(root, ".").split("\n## ")
    listed = []
    for name, notebook in NOTEBOOKS.items():
        points = sum(part.points for part in TASKS.values() if part.notebook == name)
        _, promise, *_ = source(notebooks[name]["cells"][0]).split("\n\n")
        facts = f"{notebook.minutes} minutes, {points} points"
        listed.append(f"{notebook.number}. [{notebook.title}]({name}.ipynb): {facts}. {promise}")
    lecturer, grader = (text.strip().rpartition("\n\n")[2] for text in (lecturer, grader))  # where to read on
    facts = {"opening": opening, "student": student, "lecturer": lecturer, "grader": grader}
    return Template((LOOKS / "index.md").read_text("utf-8")).substitute(facts, notebooks="\n".join(listed))


def _readme(root: Path, folder: str) -> str:
    """A folder's README, its links leading to pages of the site; into the checkout no link leads."""

    def followed(link: re.Match) -> str:
        label, target, place = link.groups(default="")
        page = PAGES.get(posixpath.normpath(f"{folder}/{target}"))
        return f"[{label}]({page}{place})" if page else label

    text = (root / folder / "README.md").read_text("utf-8")
    return re.sub(r"(?<!!)\[([^]]+)\]\((?!http)([^)#]+)(#[^)]+)?\)", followed, text)


def reading(solved: dict, student: dict) -> dict:
    """The student's notebook with what the solved one shows; without checks, and without answers to an earlier one."""
    outputs = {cell["id"]: cell["outputs"] for cell in solved["cells"] if cell["cell_type"] == "code"}
    cells = []
    for cell in student["cells"]:
        if cell["cell_type"] == "code":
            code = source(cell)
            if code.startswith(LEFT_OUT):
                continue
            answers = EXERCISES.keys() & set(re.findall(r"^def (\w+)", code, re.MULTILINE))
            given_away = answers and "raise NotImplementedError" not in code
            cell = cell | {"source": READ_ON if given_away else code, "outputs": outputs[cell["id"]]}
        cells.append(cell)
    return student | {"cells": cells}


def alternatives(notebooks: Iterable[dict]) -> dict[str, str]:
    """The alternative text of each figure, by the name under which MyST-NB writes it."""
    outputs = [output for each in notebooks for cell in each["cells"] for output in cell.get("outputs", ())]
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    names = [sha256(b64decode(output["data"]["image/png"])).hexdigest() for output in figures]
    return dict(zip(names, (output["metadata"]["image/png"]["alt"] for output in figures), strict=True))


def _make(folder: Path, settings: dict[str, Any], texts: Mapping[str, str]) -> None:
    """Make the folder `site` of the folder `sources`."""
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    def describe(app: Sphinx, tree: nodes.document) -> None:
        for image in tree.findall(nodes.image):
            image["alt"] = texts.get(Path(image["uri"]).stem) or image["alt"]

    def reach(app: Sphinx, page: str, template: str, facts: dict, tree: nodes.document | None) -> None:
        body = re.sub("<img [^>]+>", r'<span class="wide">\g<0></span>', facts.get("body", ""))
        # what may scroll sideways can be reached by keyboard
        facts["body"] = re.sub('<pre|<(div|span) (?=class="(table-wrapper|wide))', r'\g<0> tabindex="0" ', body)

    warnings = StringIO()
    with docutils_namespace():  # of what extensions register, nothing stays behind
        app = Sphinx(folder / "sources", None, folder / "site", folder / "read", "html", settings, None, warnings)
        app.connect("doctree-read", describe)
        app.connect("html-page-context", reach)
        app.build()
    if warnings.getvalue():
        noise = rf"\x1b\[[\d;]+m|{re.escape(str(folder))}/sources/"
        raise BuildError(re.sub(noise, "", warnings.getvalue()).strip())


def setup(app: Sphinx) -> None:
    """Let Sphinx write formulas in MathML."""
    from docutils.nodes import SkipNode

    def written(formula: Callable[[str], str]) -> Callable[[nodes.NodeVisitor, nodes.Element], None]:
        def write(writer: nodes.NodeVisitor, node: nodes.Element) -> None:
            writer.body.append(formula(node.astext()))
            raise SkipNode

        return write

    app.add_html_math_renderer("mathml", (written(pages.formula), None), (written(pages.formula_block), None))
