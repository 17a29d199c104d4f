"""Read `daylong.toml` and `.env` as editors save them, and refuse what can't be read, with file and line.

Read are UTF-8 with and without a byte order mark, and UTF-16 with one (PowerShell's `>`, "Unicode" of Notepad), with
any ends of lines. Explorer hides endings: `daylong.toml.txt` in the place of `daylong.toml` is refused, not ignored.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.errors import UsageError
from tasks.paths import format_path

TOML, DOTENV = "daylong.toml", ".env"
NAMES = (TOML, DOTENV)
"""The files of settings in `DAYLONG_HOME`."""
OURS = ("DAYLONG_", "PREFECT_")
"""Beginnings of the names of variables that count, in capitals."""

_held: dict[Path, bytes | None] = {}
"""Contents of settings files as this process holds them, by path."""
_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_HIDDEN_ENDING = ".txt"


def read_bytes(path: Path) -> bytes | None:
    """The content of a settings file; None where there is none.

    The content that is held (`hold_files`), if any. Raises UsageError where it can't be read, is no file, or lies
    there under a name that is not read.
    """
    return _held[path] if path in _held else _read_now(path)


@contextmanager
def hold_files(folder: Path) -> Iterator[None]:
    """During the `with` block the settings files in `folder` are what they are now, whoever writes to them.

    One snapshot serves all that happens in it; an inner block keeps the outer one's. Raises as `read_bytes` does.
    """
    new = {path: _read_now(path) for name in NAMES if (path := folder / name) not in _held}
    _held.update(new)
    try:
        yield
    finally:
        for path in new:
            _held.pop(path, None)


def list_changed() -> list[Path]:
    """The settings files that are held and are no longer what they were."""
    return [path for path, content in _held.items() if _has_changed(path, content)]


def _has_changed(path: Path, content: bytes | None) -> bool:
    try:
        return _read_now(path) != content
    except UsageError:
        return True


def _read_now(path: Path) -> bytes | None:
    try:
        if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISCHR(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise UsageError(f"{format_path(path)}: {what}, where a file of settings is read. Move it away.")
        return path.read_bytes() if stat.S_ISREG(mode) else b""
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise UsageError(f"{format_path(path)}: a link to a file that is not there. Mend or remove it.") from None
        _refuse_misnamed(path)
        return None
    except OSError as error:
        raise UsageError(f"{format_path(path)}: can't be read ({error.strerror}).") from None


def read_toml(path: Path, content: bytes | None) -> dict[str, Any]:
    """Parse the content of `daylong.toml`. Raises UsageError where it is not valid TOML, with the line."""
    text = _decode(path, content or b"")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = str(error).replace("at end of document", f"at line {text.rstrip().count(chr(10)) + 1}")
        raise UsageError(f"{format_path(path)}: not valid TOML: {at}") from None


def read_dotenv(path: Path, content: bytes | None) -> dict[str, str]:
    """Parse the content of `.env`: names in capitals where they begin as one of `OURS` does. Raises UsageError where
    a line is no `NAME=value`, with its number."""
    if not content:
        return {}
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    text = _decode(path, content)
    for binding in parse_stream(io.StringIO(text)):
        written = binding.original.string
        valueless = binding.value is None and (binding.key or "").upper().startswith(OURS)
        if binding.error or valueless:
            line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
            raise UsageError(f"{format_path(path)}: line {line} can't be read. Write NAME=value, or remove it.")
    values = dotenv_values(stream=io.StringIO(text))
    return capitalise({name: value for name, value in values.items() if value is not None})


def capitalise(variables: dict[str, str]) -> dict[str, str]:
    """Variables with the names that begin as one of `OURS` does in capitals; one that is written so wins.

    >>> capitalise({"DAYLONG_OUT": "a", "daylong_out": "b", "daylong_inbox__attempts": "5", "path": "c"})
    {'DAYLONG_INBOX__ATTEMPTS': '5', 'path': 'c', 'DAYLONG_OUT': 'a'}
    """
    folded = {name.upper() if name.upper().startswith(OURS) else name: value for name, value in variables.items()}
    exact = {name: value for name, value in variables.items() if name == name.upper()}
    return {name: value for name, value in folded.items() if name not in exact} | exact


def _decode(path: Path, content: bytes) -> str:
    """Decode a file of settings, with LF alone at the ends of lines. Raises UsageError where it is no text."""
    encoding = _WIDE.get(content[:2], "utf-8")
    try:
        text = content.decode(encoding).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "ignore")
        raise _not_text(path, before) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:  # UTF-16 or UTF-32 without a mark, or no text at all
        raise _not_text(path, text.partition("\0")[0])
    return text


def _not_text(path: Path, before: str) -> UsageError:
    line = len(re.findall(r"\r\n|\r|\n", before)) + 1
    return UsageError(f"{format_path(path)}: line {line} is not UTF-8. Save the file anew with the encoding UTF-8.")


def _refuse_misnamed(path: Path) -> None:
    """Raise UsageError where the file is there in another letter case, or with the ending that Explorer hides."""
    wanted = {path.name, path.name + _HIDDEN_ENDING}
    try:
        beside = sorted(name for name in os.listdir(path.parent) if name.casefold() in wanted)
    except OSError:
        return
    if beside:
        raise UsageError(f"{format_path(path.parent / beside[0])}: is not read. Rename it to {path.name}.")
