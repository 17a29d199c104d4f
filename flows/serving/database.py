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
from urllib.parse import quote

from flows.environment import find_folder

FILE = "prefect.db"
NAMING = ("CONNECTION_URL", "DRIVER", "HOST", "NAME", "PORT", "USER", "PASSWORD")
"""Ends of the variables that name another database."""
REVISION = re.compile(r"""^revision\b[^=\n]*=\s*["'](\w+)["']""", re.MULTILINE)
ADVICE = "Put it aside; a new one is made at the next start. It holds Prefect's record of runs, and no transcript"
PREFIXES = ("PREFECT_SERVER_DATABASE_", "PREFECT_API_DATABASE_")


def locate_database(environment: Mapping[str, str]) -> Path | None:
    """The file of the database in Prefect's folder; None if the environment names a database of its own.

    >>> locate_database({"PREFECT_HOME": "/d"})
    PosixPath('/d/prefect.db')
    >>> locate_database({"PREFECT_HOME": "/d", "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://host/name"})
    """
    if any(environment.get(f"{prefix}{end}") for prefix in PREFIXES for end in NAMING):
        return None
    return find_folder(environment) / FILE


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
        return f"{file}: made by another version of Prefect than the one installed, a newer one perhaps. {ADVICE}"
    return None


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open a database without the right to change it."""
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=5.0)


@cache
def list_known_revisions() -> frozenset[str]:
    """The revisions of the database that the installed Prefect knows, read from its migrations."""
    spec = find_spec("prefect")
    assert spec is not None
    assert spec.origin is not None
    versions = Path(spec.origin).parent / "server" / "database" / "_migrations" / "versions" / "sqlite"
    found = (REVISION.search(file.read_text(encoding="utf-8")) for file in versions.glob("*.py"))
    return frozenset(match[1] for match in found if match)
