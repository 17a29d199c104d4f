"""report.html: a recording to look at, search and listen to, in one file that needs no network.

    page.html.jinja   what stands in the page, header and tables filled in here (Jinja2, everything escaped)
    report.css        how it looks: light, dark, narrow, printed
    scripts/*.js      what it does, in the order of their names: one script, nothing fetched
    data.py           the transcript as columns, which the scripts unfold
    people.py         speakers by name, label, or as a question
    facts.py          the header's figures as people read them
    links.py          the way from the report to the recording's sound

What was said, and what files are called, is text of strangers. It reaches the page as escaped text, or as JSON in
which no character can end the script element, and the scripts put it there as text, never as markup. A
Content-Security-Policy lets nothing run but the one script whose digest it names, and nothing be fetched but sound.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.canonical import canonical
from tasks.exports.report.data import columns, embedded
from tasks.exports.report.facts import facts
from tasks.records import Transcript

if TYPE_CHECKING:
    from jinja2 import Template

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; media-src 'self' file: blob: data:; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)


def write(transcript: Transcript) -> str:
    """report.html. A part whose `path` is relative (see links.py) is where the page looks for the sound."""
    from markupsafe import Markup

    transcript = canonical(transcript)
    script, style = _script(), _style()
    return _template().render(
        policy=POLICY.format(script=_digest(script), style=_digest(style)),
        style=Markup(style),
        script=Markup(script),
        data=Markup(embedded(columns(transcript))),
        **facts(transcript),
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def _script() -> str:
    """All scripts as one, whose names nobody outside sees."""
    texts = [p.read_text(encoding="utf-8") for p in sorted((HERE / "scripts").glob("*.js"))]
    return '(() => {\n"use strict";\n' + "\n".join(texts) + "})();\n"


@functools.cache
def _style() -> str:
    return (HERE / "report.css").read_text(encoding="utf-8")


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    world = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return world.get_template("page.html.jinja")
