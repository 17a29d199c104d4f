"""Choose the folder of Prefect and which of its configuration counts, from the environment, before it is imported.

Prefect's own configuration is for its own users: the profile that is active in `~/.prefect`, or a `prefect.toml` of
the working directory, may name a server to which nobody wants recordings reported, and the database in `~/.prefect`
may be of another version. What is meant for Daylong is in the environment, or in the `.env` of `DAYLONG_HOME`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tasks.errors import UsageError
from tasks.settings.files import DOTENV, capitalise, read_bytes, read_dotenv
from tasks.settings.home import home, prefect_home

API_URL = "PREFECT_API_URL"
DEFAULT_PROFILE = "ephemeral"
"""The profile of Prefect's own that names no server."""
NO_PROFILES = "no-profiles.toml"
"""A file that does not exist, in the folder of Prefect: the profiles of its users are not read."""


def choose_environment(given: Mapping[str, str], dotenv: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Choose the variables of Prefect that a process of ours sets over `given`, its environment.

    `dotenv`: the variables in the `.env` of `DAYLONG_HOME`, under the environment; `folder`: where Prefect lives
    unless `PREFECT_HOME` names another. Profiles never count: only `PREFECT_API_URL` names a server.
    """
    named = {name: value for name, value in dotenv.items() if name.startswith("PREFECT_") and not given.get(name)}
    place = given.get("PREFECT_HOME") or named.get("PREFECT_HOME")
    root = os.path.abspath(os.path.expanduser(place)) if place else str(folder)
    return named | {
        "PREFECT_HOME": root,
        "PREFECT_PROFILES_PATH": os.path.join(root, NO_PROFILES),
        "PREFECT_PROFILE": DEFAULT_PROFILE,
    }


def find_named_server(environment: Mapping[str, str]) -> str | None:
    """The API of the server that the environment names; None if it names none."""
    return environment.get(API_URL, "").strip() or None


def find_folder(environment: Mapping[str, str]) -> Path:
    """The folder of Prefect in a process with this environment."""
    return Path(environment.get("PREFECT_HOME") or prefect_home())


def set_environment() -> None:
    """Set this process's environment as chosen, unless Prefect has read it already, as in a worker's process."""
    if "prefect" not in sys.modules:
        given = capitalise(dict(os.environ))
        chosen = choose_environment(given, read_what_is_valid(home() / DOTENV), prefect_home())
        os.environ.update({name: value for name, value in given.items() if name.startswith("PREFECT_")} | chosen)


def import_prefect() -> None:
    """Import Prefect's settings. Raises UsageError where it refuses what the environment or a file says."""
    try:
        import prefect.context  # noqa: F401
    except UnicodeDecodeError as error:
        place = os.path.abspath(DOTENV)
        raise UsageError(f"{place}: Prefect reads it, too, and only as UTF-8. Save it with that encoding.") from error
    except ValueError as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines()[:3])
        raise UsageError(
            f"Prefect refuses its settings ({reason}): look at the variables PREFECT_…, and at .env, prefect.toml "
            "and pyproject.toml in the working directory"
        ) from error


def read_what_is_valid(path: Path) -> dict[str, str]:
    """The variables of a `.env`; none where it can't be read, which is refused when the settings are read."""
    try:
        return read_dotenv(path, read_bytes(path))
    except UsageError:
        return {}
