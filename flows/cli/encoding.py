"""Python's UTF-8 mode, whatever the locale: the engines' libraries read their text files in the locale's encoding."""

from __future__ import annotations

import codecs
import locale
import os
import sys
from collections.abc import Mapping


def choose_encodings(utf8_mode: bool, of_locale: str, of_stdout: str, given: Mapping[str, str]) -> dict[str, str]:
    """Choose the variables with which Python starts in UTF-8 mode; none if text files are read as UTF-8 already.

    What is printed stays in the terminal's own encoding.

    >>> choose_encodings(False, "ANSI_X3.4-1968", "ascii", {})
    {'PYTHONUTF8': '1', 'PYTHONIOENCODING': 'ascii'}
    >>> choose_encodings(False, "UTF-8", "utf-8", {}), choose_encodings(True, "utf-8", "ascii", {})
    ({}, {})
    """
    if utf8_mode or _is_utf8(of_locale) or given.get("PYTHONUTF8") == "1":
        return {}
    return {"PYTHONUTF8": "1", "PYTHONIOENCODING": given.get("PYTHONIOENCODING") or of_stdout}


def ensure_utf8() -> None:
    """Start this command again in UTF-8 mode if its locale has another encoding; its child processes inherit it."""
    chosen = choose_encodings(
        bool(sys.flags.utf8_mode), locale.getencoding(), sys.stdout.encoding if sys.stdout else "utf-8", os.environ
    )
    if chosen and not sys.flags.ignore_environment:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | chosen)


def _is_utf8(name: str) -> bool:
    try:
        return codecs.lookup(name).name == "utf-8"
    except LookupError:
        return False
