"""Make arbitrary text safe for the place where it is shown or stored.

| function | for | what it changes |
| --- | --- | --- |
| `to_one_line` | exported files | single blanks for white space; control and bidi characters removed |
| `replace_surrogates` | UTF-8 files | lone surrogates become U+FFFD |
| `escape_unprintable` | terminals, messages | unprintable characters become Python escapes, `\\n` |
| `escape_unprintable_json` | JSON, Markdown | unprintable characters become JSON escapes, `\\u001b` |
| `replace_unprintable` | logs, run names, pages | unprintable characters become U+FFFD, each one |
| `decode_file_name` | stored file names | bytes that are not UTF-8 become U+FFFD |
| `read_first_line` | error messages | only the first line that is left after stripping |

Not here: rules that refuse names instead of changing them, `tasks.storage.files.is_plain_name` (files) and
`tasks.voices.lookup.normalize_name` (people).
"""

from __future__ import annotations

import json
import os
import unicodedata

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates, which reverse the text after them; not the marks that Arabic and Hebrew need
(U+200E, U+200F)."""


def to_one_line(text: str) -> str:
    """Join `text` into one line: white space of any kind becomes one blank, control characters are removed.

    >>> to_one_line(" so\\x00\\n\\n1\\u2028then ")
    'so 1 then'
    """
    text = " ".join(replace_surrogates(text).split())
    if text.isprintable():  # false for controls, and for some characters that are kept below
        return text
    return " ".join("".join(c for c in text if not is_control(c) and c not in BIDI_CONTROLS).split())


def replace_surrogates(text: str) -> str:
    """Return `text` itself, or a copy in which lone surrogates, which UTF-8 cannot encode, are U+FFFD.

    >>> replace_surrogates("caf\\ud800")
    'caf\ufffd'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def escape_unprintable(text: str) -> str:
    """Escape control characters, line breaks and other unprintable characters as Python does.

    >>> escape_unprintable("a\\nb\\x1b[2Jc")
    'a\\\\nb\\\\x1b[2Jc'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escape_unprintable_json(text: str) -> str:
    """Escape unprintable characters as JSON does; quotes and backslashes stay.

    >>> escape_unprintable_json("a\\nb\\x1b")
    'a\\\\nb\\\\u001b'
    """
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def replace_unprintable(text: str) -> str:
    """Replace each unprintable character by U+FFFD.

    >>> replace_unprintable("a\\nb\\udce9")
    'a\ufffdb\ufffd'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def decode_file_name(name: str) -> str:
    """Decode a file's name for storing: bytes that are not UTF-8, surrogates in `name`, become U+FFFD.

    >>> decode_file_name("caf\\udce9.wav")
    'caf\ufffd.wav'
    """
    return os.fsencode(name).decode("utf-8", "replace")


def read_first_line(message: object) -> str:
    """Return the first line of a message after stripping it; empty if there is none.

    >>> read_first_line(ValueError("\\n bad value\\nfor x"))
    'bad value'
    """
    return next(iter(str(message).strip().splitlines()), "")


def is_control(char: str) -> bool:
    """Check for a control character (category Cc)."""
    return unicodedata.category(char) == "Cc"
