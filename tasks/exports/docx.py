"""A Word document (.docx) for reading and correcting: who, when and what. Written by python-docx."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

from tasks.canonical import parse_timestamp
from tasks.exports.extras import require_package
from tasks.exports.paragraphs import list_paragraphs
from tasks.exports.text import is_right_to_left
from tasks.intervals import format_duration, format_timestamp
from tasks.records import Transcript
from tasks.text import to_one_line

EPOCH = (1980, 1, 1, 0, 0, 0)


def write(transcript: Transcript) -> bytes:
    """Write transcript.docx; equal transcripts give equal bytes."""
    require_package("docx")
    from docx import Document
    from docx.oxml import OxmlElement
    from docx.shared import RGBColor

    recording = transcript.recording
    document = Document()
    title = _clean(to_one_line(recording.source_name))
    document.add_heading(title, level=1)
    facts = [to_one_line(recording.recorded_at or ""), format_duration(recording.duration_s)]
    document.add_paragraph(", ".join(fact for fact in facts if fact))
    _set_properties(document.core_properties, title, parse_timestamp(transcript.run.processed_at))
    last: str | None = None
    for one in list_paragraphs(transcript):
        paragraph = document.add_paragraph()
        if is_right_to_left(one.text):
            paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
        time = paragraph.add_run(format_timestamp(one.start_ms, "") + " ")
        time.font.color.rgb = RGBColor(0x70, 0x70, 0x70)
        if one.speaker and one.speaker != last:
            paragraph.add_run(f"{_clean(one.speaker)}: ").bold = True
        last = one.speaker
        paragraph.add_run(_clean(one.text))
    out = io.BytesIO()
    document.save(out)
    return _without_times(out.getvalue())


def _set_properties(properties: object, title: str, made: datetime) -> None:
    naive = made.replace(tzinfo=None)
    values = {"title": title[:255], "author": "Daylong", "created": naive, "modified": naive, "comments": ""}
    for name, value in values.items():
        setattr(properties, name, value)


def _clean(text: str) -> str:
    """Text without the characters that XML 1.0 has no place for."""
    return "".join(c for c in text if c not in "\ufffe\uffff")


def _without_times(packed: bytes) -> bytes:
    """The same archive with one date for all its files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, EPOCH), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
