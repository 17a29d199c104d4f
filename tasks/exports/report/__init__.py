"""report.html: a recording to read, search and listen to, in one file that needs no network.

    page.html.jinja   the page's template; header and tables are filled in here (Jinja2, everything escaped)
    report.css        styles: light, dark, narrow, printed
    scripts/*.js      scripts, joined in the order of their names; they fetch nothing
    served/*.js       scripts added to a page that `daylong review` serves
    data.py           the transcript as JSON columns, which the scripts unfold
    people.py         speakers by name, label, or as a question
    facts.py          figures of the header and tables
    quality.py        the quality of each hour
    review.py         the errors to expect in each row
    links.py          relative paths from the report to the recording's sound

Spoken text and file names are untrusted. They reach the page as escaped text, or as JSON in which no character can
end the script element, and the scripts insert them as text, never as markup. A Content-Security-Policy allows only
the one script, by its digest, and only sound to be fetched; a page that `daylong review` serves may call that server.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.canonical import canonical
from tasks.exports.report.data import build_columns, encode_json
from tasks.exports.report.facts import build_facts
from tasks.exports.report.review import Served
from tasks.records import Transcript

if TYPE_CHECKING:
    from jinja2 import Template

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; media-src 'self' file: blob: data:; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
CALLS = "; connect-src 'self'"
"""Added where the page is served."""


def write(transcript: Transcript, served: Served | None = None) -> str:
    """Write report.html. The page finds the sound by the relative `path` of each part (see links.py). `served`: for
    the page of `daylong review`."""
    from markupsafe import Markup

    transcript = canonical(transcript)
    script, style = _read_script(served is not None), _read_style()
    return _load_template().render(
        policy=POLICY.format(script=_hash(script), style=_hash(style)) + (CALLS if served else ""),
        style=Markup(style),
        script=Markup(script),
        data=Markup(encode_json(build_columns(transcript, served))),
        **build_facts(transcript),
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def _read_script(is_served: bool) -> str:
    """Read all scripts as one, in a scope of its own."""
    folders = ["scripts", "served"] if is_served else ["scripts"]
    texts = [p.read_text(encoding="utf-8") for name in folders for p in sorted((HERE / name).glob("*.js"))]
    return '(() => {\n"use strict";\n' + "\n".join(texts) + "})();\n"


@functools.cache
def _read_style() -> str:
    return (HERE / "report.css").read_text(encoding="utf-8")


@functools.cache
def _load_template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.jinja")
