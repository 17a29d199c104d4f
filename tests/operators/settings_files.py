"""Settings files as Windows editors save them, and while somebody edits them."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from tasks.settings.files import hold_files, list_changed
from tasks.settings.load import load
from tests.operators.case import Case

TOML = "# café\r\n[inbox]\r\nattempts = 7\r\n"
READ = "inbox.attempts = 7"


def read(folder: Path, **environment: str) -> str:
    return f"inbox.attempts = {load(environment=environment, folder=folder).inbox.attempts}"


def saved(name: str, content: bytes) -> Callable[[Path], str]:
    """Save a file, then read the settings."""

    def act(folder: Path) -> str:
        (folder / name).write_bytes(content)
        return read(folder)

    return act


def changed(content: bytes) -> Callable[[Path], str]:
    """Save a file while its settings are in use."""

    def act(folder: Path) -> str:
        (folder / "daylong.toml").write_bytes(TOML.encode())
        with hold_files(folder):
            (folder / "daylong.toml").write_bytes(content)
            return f"{read(folder)}; changed: {[path.name for path in list_changed()]}"

    return act


CASES = (
    Case(
        "settings",
        "daylong.toml with a byte order mark",
        READ,
        saved("daylong.toml", b"\xef\xbb\xbf" + TOML.encode()),
    ),
    Case(
        "settings",
        "daylong.toml as UTF-16",
        READ,
        saved("daylong.toml", codecs.BOM_UTF16_LE + TOML.encode("utf-16-le")),
    ),
    Case(
        "settings",
        "daylong.toml as Windows-1252",
        "line 1 is not UTF-8",
        saved("daylong.toml", TOML.encode("cp1252")),
    ),
    Case("settings", "daylong.toml cut off in line 2", "line 2", saved("daylong.toml", b"[inbox]\nattempts =")),
    Case("settings", "daylong.toml.txt", "Rename it to daylong.toml", saved("daylong.toml.txt", TOML.encode())),
    Case(
        "settings", ".env with a byte order mark", READ, saved(".env", b"\xef\xbb\xbfDAYLONG_INBOX__ATTEMPTS=7\r\n")
    ),
    Case(
        "settings",
        ".env with a line without =",
        "line 2 can't be read",
        saved(".env", b"A=1\nDAYLONG_PROFILE demo\n"),
    ),
    Case("settings", "a variable in lower case", READ, lambda folder: read(folder, daylong_inbox__attempts="7")),
    Case("settings", "half saved during a watch", f"{READ}; changed: ['daylong.toml']", changed(b"[inbox]\nattem")),
    Case(
        "settings", "changed during a watch", f"{READ}; changed: ['daylong.toml']", changed(b"[inbox]\nattempts = 9")
    ),
)
