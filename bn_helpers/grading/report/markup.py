"""What the pages in HTML share: one file each, without scripts or anything from elsewhere; every text is escaped."""

from __future__ import annotations

import html

from bn_helpers.text import printable

# Colours repeat what words say; each has a contrast of at least 4.5 to 1 with its background, by day and by night.
STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --back: #fff; --box: #f3f5f7; --line: #d0d7de;
  --right: #0a5c36; --part: #7a4b00; --wrong: #a1260d; --link: #0550ae; --none: #8c959f; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9da7b3; --back: #0d1117; --box: #161b22;
  --line: #30363d; --right: #56d364; --part: #e3b341; --wrong: #ff9492; --link: #79c0ff; --none: #6e7681; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 54rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { margin-top: 2.5rem; font-size: 1.25rem; }
h3 { margin: 0; font-size: 1.05rem; }
a { color: var(--link); }
.points { font-size: 1.25rem; font-weight: 600; }
.soft { color: var(--soft); } .right { color: var(--right); } .part { color: var(--part); }
.wrong { color: var(--wrong); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .35rem .5rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 400; } thead th { font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
article { margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; }
article > p { margin: .5rem 0; }
.first h2, article h2 { margin: 0 0 .5rem; }
.first { margin: 1rem 0; padding: .75rem 1rem; border-left: .25rem solid var(--part); background: var(--box); }
pre { margin: .5rem 0; padding: .6rem; background: var(--box); border-radius: .35rem; overflow-x: auto;
  font: .85rem/1.45 ui-monospace, monospace; tab-size: 4; }
summary { padding: .4rem 0; color: var(--link); cursor: pointer; }
ul, ol { margin: .25rem 0; padding-left: 1.5rem; }
.bar { display: flex; min-width: 6rem; height: 1rem; border-radius: .2rem; overflow: hidden; background: var(--box); }
.bar i { display: block; height: 100%; }
.bar .right, .key.right { background: var(--right); } .bar .part, .key.part { background: var(--part); }
.bar .wrong, .key.wrong { background: var(--wrong); } .bar .none, .key.none { background: var(--none); }
.chart td:nth-child(2) { width: 40%; }
.key { display: inline-block; width: .8rem; height: .8rem; margin: 0 .3rem 0 .8rem; border-radius: .15rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media (max-width: 30rem) { body { padding: .75rem; } article { padding: .75rem; } pre { font-size: .75rem; }
  table { font-size: .9rem; } }
@media print { article { break-inside: avoid; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(title: str, body: str) -> str:
    """A whole page with a heading."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escaped(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escaped(title)}</h1>
{body}
</main>
</body>
</html>
"""


def escaped(text: str) -> str:
    """Text that is nothing but text."""
    return html.escape(printable(text))


def scrolling(label: str, text: str) -> str:
    """Text that keeps its columns; where it is wider than the screen, it can be scrolled by keyboard, too."""
    return f'<pre tabindex="0" role="region" aria-label="{escaped(label)}">{escaped(text)}</pre>'


def listed(items: list[str]) -> str:
    """A list of what is markup already."""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" if items else ""


def folded(heading: str, inside: str, opened: bool = False) -> str:
    """What is read on demand."""
    return f"<details{' open' * opened}><summary>{heading}</summary>{inside}</details>"


def table(columns: tuple[str, str, str], rows: str) -> str:
    """A table with two columns of words and one of numbers."""
    first, second, third = columns
    head = f'<th scope="col">{first}</th><th scope="col">{second}</th><th scope="col" class="number">{third}</th>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>"
