"""Rows of an answer on stdout: a table for people, CSV or JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flows.cli.terminal import Terminal, plain
from tasks.text import escape_unprintable_json

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "csv", "json")

LONG_LIST = 8
"""Of a longer list (a voice's 256 numbers) a table shows the first few and the number."""


def show(schema: pa.Schema, batches: Iterable[pa.RecordBatch], form: str, screen: Terminal, most: int = 0) -> None:
    """Write an answer in one of FORMATS. `most`: so many rows has a table; 0: all. What it leaves out is told."""
    import pyarrow as pa

    names, rows = schema.names, _rows(batches)
    if form == "table":
        numbers = [
            pa.types.is_integer(f.type) or pa.types.is_floating(f.type) or pa.types.is_decimal(f.type) for f in schema
        ]
        _table(names, numbers, rows, screen, most)
    elif form == "csv":
        _csv(names, rows, screen)
    else:
        _json(names, rows, screen)


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe stands before what it would.

    >>> guarded("=1+1"), guarded(" @a"), guarded("so")
    ("'=1+1", "' @a", 'so')
    """
    return f"'{text}" if text.lstrip(" \t\r\n\"'").startswith(("=", "+", "-", "@")) else text


def told(value: Any) -> str:
    """A value as a cell shows it.

    >>> told(0.1 + 0.2), told(None), told([1, 2]), told(True)
    ('0.3', '', '[1, 2]', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list) and len(value) > LONG_LIST:
        return f"[{', '.join(map(told, value[:3]))}, … {len(value)} values]"
    if isinstance(value, (list, dict)):
        return json.dumps(_simple(value), ensure_ascii=False)
    return str(_simple(value))


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    """Row by row as they come; float32, also in lists, with the digits that it has."""
    import pyarrow as pa

    for batch in batches:
        columns = [column.to_pylist() for column in batch.columns]
        for place, kind in enumerate(batch.schema.types):
            if pa.types.is_float32(kind):
                columns[place] = list(map(_short, columns[place]))
            elif pa.types.is_list(kind) and pa.types.is_float32(kind.value_type):
                columns[place] = [v and list(map(_short, v)) for v in columns[place]]
        yield from zip(*columns, strict=True)


def _short(value: float | None) -> float | None:
    return value and float(f"{value:.7g}")


def _table(
    names: Sequence[str], numbers: Sequence[bool], rows: Iterator[tuple[Any, ...]], screen: Terminal, most: int
) -> None:
    from rich import box
    from rich.measure import Measurement
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD if screen.out.is_terminal else None, pad_edge=False)
    for name, number in zip(names, numbers, strict=True):
        # Text gives way where the terminal is narrow, line by line: nothing of it is lost.
        table.add_column(plain(name), justify="right" if number else "left", no_wrap=number, overflow="fold")
    if names[0] == "explain_key":  # a plan is drawn over several lines
        for _, plan in rows:
            screen.say("\n".join(map(plain, plan.splitlines())))
        return
    count = 0
    for row in rows:
        count += 1
        if not most or count <= most:
            table.add_row(*(plain(told(value)) for value in row))
    if not screen.out.is_terminal:
        unbound = screen.out.options.update(max_width=1_000_000)
        screen.out.width = max(screen.out.width, Measurement.get(screen.out, unbound, table).maximum)
    screen.table(table)
    if most and count > most:
        screen.note(
            f"… {count - most:,} more of {count:,} rows: --rows 0 shows all of them, --format csv writes them.",
            style="yellow",
        )
    elif count == 0:
        screen.note("No rows.")


def _csv(names: Sequence[str], rows: Iterable[tuple[Any, ...]], screen: Terminal) -> None:
    for row in ([*names], *_exact(rows)):
        line = io.StringIO()
        cells = [guarded(v) if isinstance(v, str) else v for v in row]
        if screen.out.is_terminal:
            cells = [plain(v) if isinstance(v, str) else v for v in cells]
        csv.writer(line, lineterminator="\n").writerow(cells)
        screen.out.file.write(line.getvalue())


def _exact(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
    for row in rows:
        simple = map(_simple, row)
        yield [
            json.dumps(v, ensure_ascii=False)
            if isinstance(v, (list, dict))
            else told(v)
            if v is True or v is False
            else v
            for v in simple
        ]


def _json(names: Sequence[str], rows: Iterable[tuple[Any, ...]], screen: Terminal) -> None:
    """An array, a line a row; what can't be printed is escaped, so that a terminal stays as it is."""
    before = "[\n"
    for row in rows:
        text = json.dumps(dict(zip(names, map(_simple, row), strict=True)), ensure_ascii=False)
        screen.out.file.write(before + escape_unprintable_json(text))
        before = ",\n"
    screen.out.file.write("[]\n" if before == "[\n" else "\n]\n")


def _simple(value: Any) -> Any:
    """A value as JSON knows it: times as ISO 8601, bytes as hexadecimal, what is not a number as nothing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(k): _simple(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_simple(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
