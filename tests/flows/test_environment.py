"""Which folder and which server are Prefect's: the environment says, profiles and other projects' files do not."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.environment import choose_environment, find_named_server, import_prefect
from tasks.errors import UsageError

OURS = Path("/daylong/data/prefect")
ROOT = Path(__file__).resolve().parents[2]

PROFILES = """\
active = "elsewhere"
[profiles.elsewhere]
PREFECT_API_URL = "http://127.0.0.1:9/api"
PREFECT_API_KEY = "secret"
PREFECT_SERVER_DATABASE_CONNECTION_URL = "postgresql+asyncpg://127.0.0.1:9/elsewhere"
"""
READ_SETTINGS = """
import flows
from prefect.settings import get_current_settings
settings = get_current_settings()
database = settings.server.database.connection_url.get_secret_value()
print(settings.home, settings.api.url, settings.api.key, database, sep="\\n")
"""

PRINT_VARIABLES = """
import flows, os
print(os.environ["PREFECT_API_URL"], os.environ["PREFECT_SERVER_API_PORT"])
"""


def test_the_folder_is_daylongs_unless_the_environment_names_one() -> None:
    assert choose_environment({}, {}, OURS)["PREFECT_HOME"] == str(OURS)
    assert choose_environment({"PREFECT_HOME": ""}, {}, OURS)["PREFECT_HOME"] == str(OURS)
    assert choose_environment({"PREFECT_HOME": "/other"}, {}, OURS)["PREFECT_HOME"] == "/other"
    assert choose_environment({"PREFECT_HOME": "~/p"}, {}, OURS)["PREFECT_HOME"] == os.path.expanduser("~/p")
    assert choose_environment({}, {"PREFECT_HOME": "/other"}, OURS)["PREFECT_HOME"] == "/other"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"PREFECT_PROFILE": "cloud"},
        {"PREFECT_PROFILES_PATH": "/home/me/.prefect/profiles.toml", "PREFECT_PROFILE": "cloud"},
        {"PREFECT_HOME": "/home/me/.prefect"},
        {"PREFECT_API_KEY": "secret", "PREFECT_CLOUD_API_URL": "https://api.example/api"},
        {"PREFECT_API_URL": " "},
    ],
)
def test_no_profile_names_a_server(given: dict[str, str]) -> None:
    chosen = given | choose_environment(given, {}, OURS)
    assert find_named_server(chosen) is None
    assert chosen["PREFECT_PROFILE"] == "ephemeral"
    assert chosen["PREFECT_PROFILES_PATH"] == f"{chosen['PREFECT_HOME']}/no-profiles.toml"


def test_the_environment_and_the_dotenv_of_the_home_name_a_server() -> None:
    there, here = "http://there:4200/api", "http://here:4200/api"
    assert find_named_server({"PREFECT_API_URL": there}) == there
    dotenv = {"PREFECT_API_URL": here, "DAYLONG_PROFILE": "demo"}
    assert find_named_server(choose_environment({}, dotenv, OURS)) == here
    assert "PREFECT_API_URL" not in choose_environment({"PREFECT_API_URL": there}, dotenv, OURS)
    assert "DAYLONG_PROFILE" not in choose_environment({}, dotenv, OURS)


def test_prefect_itself_obeys_no_profile_and_leaves_its_users_folder_alone(tmp_path: Path) -> None:
    theirs = tmp_path / ".prefect"
    theirs.mkdir()
    (theirs / "profiles.toml").write_text(PROFILES)
    (theirs / "prefect.db").write_bytes(b"no database " * 100)
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in theirs.iterdir()}
    ours = tmp_path / "daylong" / "data" / "prefect"
    ours.parent.mkdir(parents=True)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_"))}
    done = subprocess.run(
        [sys.executable, "-c", READ_SETTINGS],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=clean
        | {"HOME": str(tmp_path), "DAYLONG_HOME": str(tmp_path / "daylong"), "PYTHONPATH": str(ROOT)}
        | {"PREFECT_PROFILE": "elsewhere", "PREFECT_PROFILES_PATH": str(theirs / "profiles.toml")},
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str(ours), "None", "None", f"sqlite+aiosqlite:///{ours}/prefect.db"]
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in theirs.iterdir()} == before


def test_variables_of_prefect_count_in_any_letter_case_and_from_a_dotenv_of_windows(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("\ufeffprefect_server_api_port=4321\r\n".encode("utf-16-le"))
    clean = {k: v for k, v in os.environ.items() if not k.upper().startswith(("DAYLONG_", "PREFECT_"))}
    done = subprocess.run(
        [sys.executable, "-c", PRINT_VARIABLES],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean | {"daylong_home": str(tmp_path), "prefect_api_url": "http://here:4200/api"},
    )
    assert done.stdout == "http://here:4200/api 4321\n", done.stderr


def test_a_dotenv_of_the_working_directory_that_prefect_cannot_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, *more: Any, **named: Any) -> Any:
        if name == "prefect.context":
            raise UnicodeDecodeError("utf-8", b"\xff\xfe", 0, 1, "invalid start byte")
        return importing(name, *more, **named)

    importing = builtins.__import__
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UsageError, match=rf"{tmp_path}/\.env: Prefect reads it, too, and only as UTF-8"):
        import_prefect()
