"""A comparison as rows of text, for the terminal and the page.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tasks.comparison.records import Comparison, EngineRun, Place
from tasks.intervals import Span, format_timestamp

NOTHING = "–"
TEXT_COLUMNS = 3
"""Columns with text, from the left; the others hold numbers."""


def list_columns(found: Comparison) -> list[str]:
    """Name the columns; rates where there is a reference."""
    unit = "CER" if any(r.unit == "character" for r in found.rates if r) else "WER"
    return [
        "engine",
        "model",
        "device",
        "× real time",
        "load",
        "memory",
        "words",
        *([unit, f"{unit} normalised"] if found.has_reference else []),
    ]


def list_rows(found: Comparison) -> list[list[str]]:
    """List a row for each candidate."""
    return [
        [*_list_facts(number, run, found.duration_s), *_list_rates(found, number)]
        for number, run in enumerate(found.runs)
    ]


def list_agreement(found: Comparison) -> list[list[str]]:
    """List how far each two candidates agree: a row of names, then one for each; empty for a single one."""
    if len(found.runs) < 2:
        return []
    names = [format_candidate(number, run.label) for number, run in enumerate(found.runs)]
    rows = [
        [name, *(NOTHING if k == number else _format_share(share) for k, share in enumerate(found.agreement[number]))]
        for number, name in enumerate(names)
    ]
    return [["agree", *(str(number + 1) for number in range(len(names)))], *rows]


def format_model(name: str) -> str:
    """Format the name of weights; of a file or folder without where it is.

    >>> format_model("/models/ggml-base.bin"), format_model("Systran/faster-whisper-base"), format_model("./base")
    ('ggml-base.bin', 'Systran/faster-whisper-base', 'base')
    """
    is_path = name.startswith(("/", "./", "../", "~")) or "\\" in name
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] if is_path else name


def format_candidate(number: int, label: str) -> str:
    """Format a candidate's number and name, without its model.

    >>> format_candidate(1, "onnx:/models/base[languages=de]"), format_candidate(0, "faster-whisper")
    ('2 onnx[languages=de]', '1 faster-whisper')
    """
    return f"{number + 1} {re.sub(r':[^[]*', '', label, count=1)}"


def format_span(span: Span) -> str:
    """Format a place's begin and end.

    >>> format_span(Span(61.0, 65.5))
    '00:01:01.0 – 00:01:05.5'
    """
    first, last = (format_timestamp(round(1000 * time_s))[:-2] for time_s in (span.start_s, span.end_s))
    return f"{first} – {last}"


def list_texts(found: Comparison, place: Place) -> list[tuple[str, str]]:
    """List what was heard at a place: the reference's text if there is one, then each candidate's, with its name."""
    names = (format_candidate(number, run.label) for number, run in enumerate(found.runs))
    heard = zip(names, place.texts, strict=True)
    said = [("reference", place.reference)] if place.reference is not None else []
    return [(label, text or NOTHING) for label, text in (*said, *heard)]


def list_errors(found: Comparison) -> list[str]:
    """List the errors of candidates, with their names."""
    return [f"{run.label}: {error}" for run in found.runs for error in run.errors]


def format_remark(found: Comparison) -> str:
    """Format how the figures were made."""
    parts = [f"texts compared after {found.normalizer}"]
    parts[0] += f", language {found.language}" if found.language else ""
    if any(run.cached for run in found.runs):
        parts.append("cached: of an earlier run, which --fresh repeats")
    return "; ".join(parts)


def _list_facts(number: int, run: EngineRun, duration_s: float) -> Iterator[str]:
    yield format_candidate(number, run.label)
    yield format_model(run.model)
    yield run.device
    mark = " cached" if run.cached and run.cached == run.steps else " partly cached" if run.cached else ""
    yield f"{duration_s / run.work_s:.1f}{mark}" if run.work_s > 0 and run.steps else NOTHING
    yield NOTHING if run.load_s is None else f"{run.load_s:.1f} s"
    yield f"{run.peak_mb:,.0f} MiB" if run.peak_mb else NOTHING
    yield f"{len(run.words):,}"


def _list_rates(found: Comparison, number: int) -> list[str]:
    if not found.has_reference:
        return []
    rates = found.rates[number]
    return [_format_share(rate) for rate in ((rates.written, rates.normalized) if rates else (None, None))]


def _format_share(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.1f} %"
