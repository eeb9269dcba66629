"""Pages in HTML and in Markdown, from templates/: every text that is put into one is escaped, whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from bn_helpers.exercises import CASES, EXERCISES, NOTEBOOKS
from bn_helpers.grading.report.words import STATES, colour, mistake, place, reason, title
from bn_helpers.grading.results import FORMATIVE, OPEN, PASSED, UNCONFINED
from bn_helpers.text import number, one_line, printable

STYLE = resources.files(__package__).joinpath("templates", "style.css").read_text("utf-8")
_MARKUP = re.compile(r"([\\`*\[\]{}#|~!$@])|(?<!\w)_|_(?!\w)")


def html(template: str, **values: Any) -> str:
    """A page without scripts or anything from elsewhere."""
    return _HTML.get_template(template).render(**values)


def markdown(template: str, **values: Any) -> str:
    """A page in Markdown."""
    return _MARKDOWN.get_template(template).render(**values)


def _plain(value: Any) -> Any:
    """Text as HTML may hold it; Jinja escapes the rest."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _escaped(value: Any) -> Any:
    """Text that Markdown shows as it stands, on one line."""
    if not isinstance(value, str):
        return value
    return _MARKUP.sub(r"\\\g<0>", one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _environment(finalize: Callable[[Any], Any], **options: Any) -> Environment:
    options = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True, **options}
    environment = Environment(loader=PackageLoader(__package__), finalize=finalize, **options)
    environment.filters |= {"number": number, "named": title, "mistake": mistake, "place": place, "reason": reason}
    environment.filters |= {"colour": colour}
    environment.globals |= {"CASES": CASES, "EXERCISES": EXERCISES, "NOTEBOOKS": NOTEBOOKS, "STATES": STATES}
    environment.globals |= {"FORMATIVE": FORMATIVE, "OPEN": OPEN, "PASSED": PASSED, "UNCONFINED": UNCONFINED}
    return environment


_HTML = _environment(_plain, autoescape=True)
_HTML.globals["STYLE"] = Markup(STYLE)
_MARKDOWN = _environment(_escaped)
