"""The rows of a query's answer on stdout: a table for people, CSV or JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flows.cli.terminal import Terminal, escape
from tasks.text import escape_unprintable_json

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "csv", "json")

MAX_LIST_VALUES = 8
"""Of a longer list (an embedding's 256 values) a table shows the first three and their number."""


def write_answer(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], form: str, screen: Terminal, most: int = 0
) -> None:
    """Write an answer in one of FORMATS. `most`: most rows of a table, 0 for all; a note counts the rows left out."""
    import pyarrow as pa

    names, rows = schema.names, _iterate_rows(batches)
    if form == "table":
        numbers = [
            pa.types.is_integer(f.type) or pa.types.is_floating(f.type) or pa.types.is_decimal(f.type) for f in schema
        ]
        _write_table(names, numbers, rows, screen, most)
    elif form == "csv":
        _write_csv(names, rows, screen)
    else:
        _write_json(names, rows, screen)


def escape_formula(text: str) -> str:
    """Escape text that a spreadsheet would take for a formula with an apostrophe before it.

    >>> escape_formula("=1+1"), escape_formula(" @a"), escape_formula("so")
    ("'=1+1", "' @a", 'so')
    """
    return f"'{text}" if text.lstrip(" \t\r\n\"'").startswith(("=", "+", "-", "@")) else text


def format_cell(value: Any) -> str:
    """Format a value for a cell of a table.

    >>> format_cell(0.1 + 0.2), format_cell(None), format_cell([1, 2]), format_cell(True)
    ('0.3', '', '[1, 2]', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list) and len(value) > MAX_LIST_VALUES:
        return f"[{', '.join(map(format_cell, value[:3]))}, … {len(value)} values]"
    if isinstance(value, (list, dict)):
        return json.dumps(_to_json_value(value), ensure_ascii=False)
    return str(_to_json_value(value))


def _iterate_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    """Iterate over the rows as batches arrive; float32 values, also in lists, are rounded to their digits."""
    import pyarrow as pa

    for batch in batches:
        columns = [column.to_pylist() for column in batch.columns]
        for place, kind in enumerate(batch.schema.types):
            if pa.types.is_float32(kind):
                columns[place] = list(map(_round_float32, columns[place]))
            elif pa.types.is_list(kind) and pa.types.is_float32(kind.value_type):
                columns[place] = [v and list(map(_round_float32, v)) for v in columns[place]]
        yield from zip(*columns, strict=True)


def _round_float32(value: float | None) -> float | None:
    return value and float(f"{value:.7g}")


def _write_table(
    names: Sequence[str], numbers: Sequence[bool], rows: Iterator[tuple[Any, ...]], screen: Terminal, most: int
) -> None:
    from rich import box
    from rich.measure import Measurement
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD if screen.out.is_terminal else None, pad_edge=False)
    for name, number in zip(names, numbers, strict=True):
        # On a narrow terminal, text is folded over several lines; nothing is cut.
        table.add_column(escape(name), justify="right" if number else "left", no_wrap=number, overflow="fold")
    if names[0] == "explain_key":  # a plan is drawn over several lines
        for _, plan in rows:
            screen.say("\n".join(map(escape, plan.splitlines())))
        return
    count = 0
    for row in rows:
        count += 1
        if not most or count <= most:
            table.add_row(*(escape(format_cell(value)) for value in row))
    if not screen.out.is_terminal:
        unlimited = screen.out.options.update(max_width=1_000_000)
        screen.out.width = max(screen.out.width, Measurement.get(screen.out, unlimited, table).maximum)
    screen.print_table(table)
    if most and count > most:
        screen.note(
            f"… {count - most:,} more of {count:,} rows: --rows 0 shows all of them, --format csv writes them.",
            style="yellow",
        )
    elif count == 0:
        screen.note("No rows.")


def _write_csv(names: Sequence[str], rows: Iterable[tuple[Any, ...]], screen: Terminal) -> None:
    for row in ([*names], *_format_csv_cells(rows)):
        line = io.StringIO()
        cells = [escape_formula(v) if isinstance(v, str) else v for v in row]
        if screen.out.is_terminal:
            cells = [escape(v) if isinstance(v, str) else v for v in cells]
        csv.writer(line, lineterminator="\n").writerow(cells)
        screen.out.file.write(line.getvalue())


def _format_csv_cells(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
    for row in rows:
        simple = map(_to_json_value, row)
        yield [
            json.dumps(v, ensure_ascii=False)
            if isinstance(v, (list, dict))
            else format_cell(v)
            if v is True or v is False
            else v
            for v in simple
        ]


def _write_json(names: Sequence[str], rows: Iterable[tuple[Any, ...]], screen: Terminal) -> None:
    """Write an array, one line a row; unprintable characters are escaped, so that no terminal obeys them."""
    before = "[\n"
    for row in rows:
        text = json.dumps(dict(zip(names, map(_to_json_value, row), strict=True)), ensure_ascii=False)
        screen.out.file.write(before + escape_unprintable_json(text))
        before = ",\n"
    screen.out.file.write("[]\n" if before == "[\n" else "\n]\n")


def _to_json_value(value: Any) -> Any:
    """Convert a value to one of JSON: times as ISO 8601, bytes as hexadecimal, NaN and infinity as null."""
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
        return {str(k): _to_json_value(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_to_json_value(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
