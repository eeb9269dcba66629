"""What slides and site share: formulas in MathML, which browsers draw themselves, with their font; and templates."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

TEMPLATES = Path(__file__).with_name("templates")
# Latin, accents, arrows, operators, and the italic letters that variables are set in
SIGNS = "20-7E,A0-D7,2C6,302,210E,2190-2193,21D0-21D3,2208-221E,2248-2265,22C5,1D434-1D467"


def formula(text: str, display: str = "inline") -> str:
    """A formula within a line, unless told otherwise."""
    from latex2mathml.converter import convert

    return convert(text, display=display)


def formula_block(text: str) -> str:
    """A formula on lines of its own; where it is wide it scrolls, by keyboard too."""
    return f'<div class="formula" role="group" aria-label="formula" tabindex="0">{formula(text, "block")}</div>'


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
