"""Read the fields of a form, in each of the ways in which clients write them.

Arrays come as `name[]=a&name[]=b` (openai-python, curl), as `name=a&name=b`, as `name[1]=b&name[0]=a`, or as one JSON
array; objects as `name[key]=value` (openai-python), as JSON, or as a bare word (`chunking_strategy=auto`). A value
that is empty, or says in JavaScript's or Python's words that there is none, is that of a field left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from flows.http.errors import ApiError, refuse
from tasks.text import replace_surrogates

Fields = Sequence[tuple[str, str]]
"""Names and values of a form, as they came."""

ABSENT = ("", "null", "none", "undefined")
"""What programs write for a value that there is not, in lower case."""
TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
MAX_PLACES = 1000
"""Places of an array that are counted from the numbers in its fields' names."""


def read_one(fields: Fields, name: str) -> str | None:
    """Read a field; of several, the last one. None where it is absent."""
    return next((value for key, value in reversed(fields) if key == name), None)


def read_value(fields: Fields, name: str) -> str | None:
    """Read a field whose value is a word or a number; None where it is absent or has none.

    >>> read_value([("model", ' "base" ')], "model"), read_value([("model", "null")], "model")
    ('base', None)
    """
    text = (read_one(fields, name) or "").strip()
    parsed = _parse(text) if text.startswith('"') else text
    text = parsed.strip() if isinstance(parsed, str) else text
    return None if text.lower() in ABSENT else text


def read_flag(fields: Fields, name: str) -> bool:
    """Read a field that is true or false; false where it is absent.

    >>> read_flag([("stream", "True")], "stream"), read_flag([], "stream")
    (True, False)
    """
    text = (read_value(fields, name) or "false").lower()
    if text not in TRUE + FALSE:
        raise refuse(f"{name}: {show(text)} is neither true nor false.", name)
    return text in TRUE


def read_list(fields: Fields, name: str) -> list[str]:
    """Read an array, however it is written; without its empty items.

    >>> read_list([("a[]", "x"), ("a[]", "y")], "a"), read_list([("a", '["x", "y"]')], "a")
    (['x', 'y'], ['x', 'y'])
    """
    return [item for item in read_places(fields, name) if item.strip()]


def read_places(fields: Fields, name: str) -> list[str]:
    """Read an array with its empty items in their places: those of another array belong to them.

    >>> read_places([("a[1]", "y"), ("a[0]", "x")], "a"), read_places([("a[1]", "y")], "a")
    (['x', 'y'], ['', 'y'])
    >>> read_places([("a", '[null, "y"]')], "a")
    ['', 'y']
    """
    of_name = re.compile(rf"{re.escape(name)}(?:\[(\d{{0,9}})\])?")
    found = [(match[1], value) for key, value in fields if (match := of_name.fullmatch(key))]
    if found and all(place for place, _ in found):
        placed = {int(place): value for place, value in found}
        if max(placed) < MAX_PLACES:
            return [placed.get(i, "") for i in range(max(placed) + 1)]
        return [placed[i] for i in sorted(placed)]
    return [item for _, value in found for item in _split_array(value)]


def read_words(fields: Fields, name: str) -> list[str]:
    """Read an array of words, which have no commas: they may stand between them.

    >>> read_words([("a", "x, y"), ("a[]", '"z"'), ("a[]", "null")], "a")
    ['x', 'y', 'z']
    """
    words = [word.strip().strip('"') for item in read_list(fields, name) for word in item.split(",")]
    return [word for word in words if word.lower() not in ABSENT]


def read_object(fields: Fields, name: str) -> Any:
    """Read an object, however it is written: a mapping, or a word; None where it is absent.

    >>> read_object([("c[type]", "server_vad")], "c"), read_object([("c", '{"type": "auto"}')], "c")
    ({'type': 'server_vad'}, {'type': 'auto'})
    >>> read_object([("c", "auto")], "c"), read_object([("c", '"auto"')], "c")
    ('auto', 'auto')
    """
    of_name = re.compile(rf"{re.escape(name)}\[(\w{{1,40}})\]")
    parts = {match[1]: value for key, value in fields if (match := of_name.fullmatch(key))}
    if parts:
        return parts
    text = read_value(fields, name)
    parsed = _parse(text) if text and text.startswith("{") else text
    return text if parsed is None else parsed


def fields_of_json(body: bytes) -> list[tuple[str, str]]:
    """Turn a JSON object into a form's fields. Raises ApiError (400) for anything else."""
    given = _parse(body.decode(json.detect_encoding(body), "replace"))
    if not isinstance(given, dict):
        raise ApiError(400, "The body is no JSON object; a form (multipart/form-data) may have a file, too.")
    return [
        (replace_surrogates(name), replace_surrogates(value if isinstance(value, str) else json.dumps(value)))
        for name, value in given.items()
        if value is not None
    ]


def fields_of_urlencoded(body: bytes) -> list[tuple[str, str]]:
    """Read the fields of a form without a file, as curl's `-d` sends it. Raises ApiError (400)."""
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_PLACES)
    except ValueError:
        raise ApiError(400, f"The form has more than {MAX_PLACES} fields.") from None


def show(value: Any) -> str:
    """Show a value in a message, as JSON, not at length."""
    return json.dumps(value, ensure_ascii=False, default=str)[:80]


def _split_array(value: str) -> list[str]:
    """The items of one field of an array: of JSON those in it, else the value itself."""
    items = _parse(value) if value.lstrip().startswith("[") else value
    if not isinstance(items, list):
        return [value]
    return ["" if item is None else item if isinstance(item, str) else json.dumps(item) for item in items]


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
