"""Prefect's SQLite database: where it lies, and whether this version of Prefect can use it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote

from flows.environment import find_folder

FILE = "prefect.db"
NAMING = ("CONNECTION_URL", "DRIVER", "HOST", "NAME", "PORT", "USER", "PASSWORD")
"""Ends of the variables that name another database."""
REVISION = re.compile(r"""^revision\b[^=\n]*=\s*["'](\w+)["']""", re.MULTILINE)
ADVICE = "Put it aside; a new one is made at the next start. It holds Prefect's record of runs, and no transcript"
OTHER_VERSION = "made by another version of Prefect than the one installed, a newer one perhaps"
PREFIXES = ("PREFECT_SERVER_DATABASE_", "PREFECT_API_DATABASE_")


def locate_database(environment: Mapping[str, str]) -> Path | None:
    """The SQLite file of the database: in Prefect's folder, or the one that the environment names; None if it names
    a database that is no file.

    >>> locate_database({"PREFECT_HOME": "/d"})
    PosixPath('/d/prefect.db')
    >>> locate_database({"PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////var/runs.db?timeout=9"})
    PosixPath('/var/runs.db')
    >>> locate_database({"PREFECT_HOME": "/d", "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://host/name"})
    """
    folder, url = find_folder(environment), find_connection_url(environment)
    if url:
        scheme, _, rest = url.partition(":///")
        name = unquote(rest.partition("?")[0])
        is_file = scheme.startswith("sqlite") and name and ":memory:" not in name and not name.startswith("file:")
        return folder / name if is_file else None  # relative to where servers are started
    named = {end: _read_variable(environment, end) for end in NAMING}
    if named["DRIVER"].startswith("sqlite"):
        return folder / (named["NAME"] or FILE)
    return None if any(named.values()) else folder / FILE


def find_connection_url(environment: Mapping[str, str]) -> str:
    """The URL of the database that the environment names; empty if it names none."""
    return _read_variable(environment, "CONNECTION_URL")


def _read_variable(environment: Mapping[str, str], end: str) -> str:
    return next((found for prefix in PREFIXES if (found := environment.get(f"{prefix}{end}"))), "")


def find_database_problem(file: Path) -> str | None:
    """Explain in one line why the installed Prefect cannot use this database; None if it can, or if there is none."""
    if not file.exists():
        return None
    if not os.access(file, os.R_OK | os.W_OK):
        return f"{file}: may not be read and written; it is Prefect's database"
    try:
        with closing(open_read_only(file)) as opened:
            tables = {name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")}
            revision = (
                opened.execute("select version_num from alembic_version").fetchone()
                if "alembic_version" in tables
                else None
            )
    except sqlite3.OperationalError as error:
        if "locked" in str(error):  # another run is writing
            return None
        return f"{file}: cannot be opened ({error}). {ADVICE}"
    except sqlite3.DatabaseError as error:
        return f"{file}: damaged ({error}). {ADVICE}"
    if revision is not None and revision[0] not in list_known_revisions():
        return f"{file}: {OTHER_VERSION}. {ADVICE}"
    return None


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open a database without the right to change it."""
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=5.0)


@cache
def list_known_revisions(backend: str = "sqlite") -> frozenset[str]:
    """The revisions of a database that the installed Prefect knows, read from its migrations; `backend`: sqlite or
    postgresql."""
    spec = find_spec("prefect")
    assert spec is not None
    assert spec.origin is not None
    versions = Path(spec.origin).parent / "server" / "database" / "_migrations" / "versions" / backend
    found = (REVISION.search(file.read_text(encoding="utf-8")) for file in versions.glob("*.py"))
    return frozenset(match[1] for match in found if match)
