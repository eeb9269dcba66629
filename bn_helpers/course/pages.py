"""A notebook as HTML that asks the network for nothing, for slides; and the font that the site has, too.

nbconvert writes the HTML. Formulas become MathML, which browsers draw themselves; a font for them, pictures and styles
stand in the file.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import nbformat

from bn_helpers.course.notebook_file import serialized

TEMPLATES = Path(__file__).with_name("templates")
# Latin, accents, arrows, operators, and the italic letters that variables are set in
SIGNS = "20-7E,A0-D7,2C6,302,210E,2190-2193,21D0-21D3,2208-221E,2248-2265,22C5,1D434-1D467"


def render(notebook: dict, facts: dict[str, str]) -> str:
    """One notebook as one HTML file, by `templates/talk`, which finds `facts` in its `resources`."""
    from nbconvert.exporters import SlidesExporter
    from traitlets.config import Config

    known = {"display_data_priority": ["image/png", "text/html", "text/markdown", "text/plain"]}
    writer = SlidesExporter(
        config=Config({"NbConvertBase": known}),
        template_name="talk",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        extra_template_basedirs=[str(TEMPLATES)],
    )
    writer.register_filter("markdown2html", markdown)
    node = nbformat.reads(serialized(notebook), as_version=4)
    html, _ = writer.from_notebook_node(node, resources=facts | {"math_font": b64encode(math_font()).decode()})
    return html


def markdown(text: str) -> str:
    """HTML of a Markdown text, its formulas in MathML."""
    from latex2mathml.converter import convert
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            formula = convert(body, display="block")
            return f'<div class="formula" role="group" aria-label="formula" tabindex="0">{formula}</div>'

        def inline_math(self, body: str) -> str:
            return convert(body)

    return MarkdownWithMath(renderer=Renderer(escape=False, anchor_link_text="#")).render(text)


@cache
def math_font() -> bytes:
    """STIX Two Math as a WOFF file, but for the letters and signs that no formula here needs."""
    from fontTools.subset import Options, Subsetter, parse_unicodes
    from fontTools.ttLib import TTFont

    font = TTFont(folder("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf", recalcTimestamp=False)
    subsetter = Subsetter(Options(layout_features=["ssty", "flac", "dtls"]))  # small scripts, accents
    subsetter.populate(unicodes=parse_unicodes(SIGNS))
    subsetter.subset(font)
    font.flavor = "woff"
    data = BytesIO()
    font.save(data)
    return data.getvalue()


def folder(package: str) -> Path:
    """Where an installed package has its files. It is not imported: only what lies beside its code is wanted."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"no module named {package!r}", name=package)
    return Path(found.origin).parent
