"""A comparison as one HTML page, without a network, everything escaped: its table, the places with their sound."""

from __future__ import annotations

from pathlib import Path

from tasks.comparison.records import Comparison
from tasks.comparison.tables import (
    TEXT_COLUMNS,
    format_remark,
    format_span,
    list_agreement,
    list_columns,
    list_errors,
    list_rows,
    list_texts,
)
from tasks.text import to_one_line

TEMPLATE = "page.html.jinja"


def render_page(found: Comparison, sound: Path | None = None) -> str:
    """Render the page. `sound`: the recording, where it is one file: each place plays its part of it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    where = sound.absolute().as_uri() if sound else None
    return environment.get_template(TEMPLATE).render(
        title=f"Engines on {to_one_line(found.source_name)}",
        remark=format_remark(found),
        columns=list_columns(found),
        rows=list_rows(found),
        texts=TEXT_COLUMNS,
        agreement=list_agreement(found),
        errors=list_errors(found),
        places=[
            {
                "when": format_span(place.span),
                "sound": where and f"{where}#t={place.span.start_s:.2f},{place.span.end_s:.2f}",
                "texts": list_texts(found, place),
            }
            for place in found.places
        ],
    )
