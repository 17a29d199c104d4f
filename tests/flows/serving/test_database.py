"""Prefect's database: what this version of Prefect cannot use is told before a server starts on it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flows.serving.database import find_database_problem, list_known_revisions, locate_database
from flows.serving.own_server import check_place
from tasks.errors import MachineFault


def make_database(file: Path, revision: str) -> Path:
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("create table alembic_version (version_num varchar(32))")
        opened.execute("insert into alembic_version values (?)", (revision,))
    return file


def test_absent_and_known_databases_can_be_used(tmp_path: Path) -> None:
    assert find_database_problem(tmp_path / "prefect.db") is None
    for number, revision in enumerate(sorted(list_known_revisions())[:3]):
        assert find_database_problem(make_database(tmp_path / f"{number}.db", revision)) is None
    (tmp_path / "new.db").touch()
    assert find_database_problem(tmp_path / "new.db") is None


def test_the_known_revisions_are_those_of_prefects_own_migrations() -> None:
    from alembic.script import ScriptDirectory
    from prefect.server import database

    assert database.__file__ is not None
    migrations = Path(database.__file__).parent / "_migrations"
    scripts = ScriptDirectory(str(migrations), version_locations=[str(migrations / "versions" / "sqlite")])
    assert {script.revision for script in scripts.walk_revisions()} == list_known_revisions()


def test_a_database_of_a_newer_prefect_is_told_with_a_remedy_and_left_alone(tmp_path: Path) -> None:
    file = make_database(tmp_path / "prefect.db", "ffffffffffff")
    before = file.read_bytes()
    problem = find_database_problem(file)
    assert problem is not None
    assert problem.startswith(f"{file}: made by another version of Prefect")
    assert "Put it aside" in problem
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (before, [file])


@pytest.mark.parametrize("content", [b"no database " * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_database_is_told_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "prefect.db"
    file.write_bytes(content)
    problem = find_database_problem(file)
    assert problem is not None
    assert problem.startswith(f"{file}: ")
    assert "Put it aside" in problem


def test_a_folder_in_the_databases_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").mkdir()
    assert "cannot be opened" in str(find_database_problem(tmp_path / "prefect.db"))


@pytest.mark.parametrize("name", ["CONNECTION_URL", "HOST", "NAME"])
@pytest.mark.parametrize("prefix", ["PREFECT_SERVER_DATABASE_", "PREFECT_API_DATABASE_"])
def test_a_database_that_the_environment_names_is_not_looked_for_in_the_folder(prefix: str, name: str) -> None:
    assert locate_database({"PREFECT_HOME": "/d", f"{prefix}{name}": "x"}) is None
    assert locate_database({"PREFECT_HOME": "/d", f"{prefix}{name}": ""}) == Path("/d/prefect.db")


def test_an_sqlite_file_that_the_environment_names_is_looked_at(tmp_path: Path) -> None:
    file = make_database(tmp_path / "runs of today.db", "ffffffffffff")
    for prefix in ("PREFECT_SERVER_DATABASE_", "PREFECT_API_DATABASE_"):
        for named in (
            {"CONNECTION_URL": f"sqlite+aiosqlite:///{str(file).replace(' ', '%20')}"},
            {"CONNECTION_URL": f"sqlite+aiosqlite:///{file}?timeout=9"},
            {"CONNECTION_URL": f"sqlite+aiosqlite:///{file.name}"},
            {"DRIVER": "sqlite+aiosqlite", "NAME": str(file)},
        ):
            environment = {"PREFECT_HOME": str(tmp_path)} | {f"{prefix}{end}": text for end, text in named.items()}
            assert locate_database(environment) == file
            with pytest.raises(MachineFault, match="made by another version of Prefect"):
                check_place(environment)
    in_memory = {"PREFECT_API_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///file::memory:?cache=shared&uri=true"}
    assert locate_database(in_memory) is None


def test_the_revisions_of_postgresql_are_known_as_well() -> None:
    assert len(list_known_revisions("postgresql")) > 50
    assert list_known_revisions("postgresql") != list_known_revisions()
