"""Where things are kept: everything under `data/` of `DAYLONG_HOME`, by default the clone this code runs from."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder that holds `data/`."""
    spellings = (value for name, value in os.environ.items() if name.upper() == "DAYLONG_HOME")
    given = os.environ.get("DAYLONG_HOME") or next(spellings, "")
    return Path(given).expanduser().resolve() if given else clone()


def clone() -> Path:
    """The folder this code was installed from; the bundled weights and the sample are under it."""
    return Path(__file__).resolve().parents[2]


def transcripts() -> Path:
    return home() / "data" / "transcripts"


def inbox() -> Path:
    """The folder that is watched."""
    return home() / "data" / "inbox"


def inbox_places() -> Path:
    """The file that keeps on which other file systems inboxes were when they were last watched. Not in `data/`, which
    may be a mount point itself."""
    return home() / ".inboxes.json"


def done() -> Path:
    """Where the folder-watch puts what it has processed."""
    return home() / "data" / "done"


def quarantine() -> Path:
    """Where the folder-watch puts what can't be processed, and why."""
    return home() / "data" / "quarantine"


def voices() -> Path:
    """Where people's voices are remembered across recordings."""
    return home() / "data" / "voices"


def corrections() -> Path:
    """Where people's corrections of words and turns are kept."""
    return home() / "data" / "corrections"


def cache() -> Path:
    return home() / "data" / "cache"


def translations() -> Path:
    """Where translated sentences are kept, a file for each recording."""
    return cache() / "translations"


def serve() -> Path:
    """Where `daylong serve` keeps uploads, jobs and its secrets."""
    return home() / "data" / "serve"


def results() -> Path:
    """Where Prefect keeps the records of the steps."""
    return Path(os.environ.get("PREFECT_LOCAL_STORAGE_PATH") or cache() / "results")


def prefect_home() -> Path:
    """Where Prefect keeps its database of runs, unless PREFECT_HOME names another folder."""
    return home() / "data" / "prefect"


def demo_models() -> Path:
    return clone() / "data" / "models" / "demo"


def fetched_models() -> Path:
    """Where weights are kept that came out of a package index or a folder; those of the hub are in its own cache."""
    return home() / "data" / "models" / "fetched"


def sample() -> Path:
    """The bundled meeting of a few hundred words, in voices that the bundled weights know."""
    return clone() / "data" / "samples" / "roundtable.opus"


def natural_sample() -> Path:
    """The bundled meeting in natural voices, for public weights; `sample` where it is not there."""
    path = clone() / "data" / "samples" / "museum-meeting.opus"
    return path if path.is_file() else sample()


def keep_private() -> None:
    """From now on this process makes files that nobody but their owner and the owner's group can read: voices are
    people's own."""
    os.umask(os.umask(0o077) | 0o007)
