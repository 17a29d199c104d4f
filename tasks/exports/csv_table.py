"""CSV for spreadsheets (RFC 4180), a row a segment.

    header = start,end,speaker,text        start, end: seconds with three decimals

UTF-8 with a byte order mark, by which spreadsheets know it. A cell that a spreadsheet would take for a formula (it
begins with = + - @, or a full-width form of these) has an apostrophe before it.
"""

from __future__ import annotations

import csv
import io

from tasks.exports.paragraphs import list_paragraphs
from tasks.exports.text import format_seconds
from tasks.records import Transcript

BYTE_ORDER_MARK = "\ufeff"
FORMULA = "=+-@\t\r\n＝＋－＠|%"
"""First characters of cells that one spreadsheet or another takes for a formula or a command."""


def write(transcript: Transcript) -> str:
    """Write transcript.csv; the header alone for a transcript without words."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(["start", "end", "speaker", "text"])
    for one in list_paragraphs(transcript):
        times = format_seconds(one.start_ms), format_seconds(one.end_ms)
        rows.writerow([*times, disarm(one.speaker or ""), disarm(one.text)])
    return BYTE_ORDER_MARK + out.getvalue()


def disarm(cell: str) -> str:
    """Put an apostrophe before text that would be a formula.

    >>> disarm("=1+1"), disarm(" -2"), disarm("No - never.")
    ("'=1+1", "' -2", 'No - never.')
    """
    bare = cell.lstrip(" \u00a0\u200b\u200e\u200f\u2068\ufeff\"'")
    return f"'{cell}" if bare[:1] and bare[0] in FORMULA else cell
