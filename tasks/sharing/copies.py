"""Folders of this machine that are copies of shared storage: what reads a folder of results reads them.

    <cache>/shared/<12 hexadecimal digits of the URL>/transcripts/     tables and exports
                                                      /voices/          the registry of voices
                                                      /artifacts/       values that were used last

A copy has a file `.shared.json` that names the storage. What a recording's tables are is asked for in the storage's
ledger before they are read; what has changed since is fetched and put in place as one, as a publication is.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from tasks.errors import TransientError
from tasks.settings.home import cache
from tasks.sharing import publication
from tasks.sharing.connect import open_objects
from tasks.sharing.objects import Objects
from tasks.sharing.publication import LEDGER, TRANSCRIPTS, Entry
from tasks.storage import journal
from tasks.storage.atomic import write_atomically
from tasks.storage.files import make_folder

MARKER = ".shared.json"
STAMPS = ".copied"
SETTLED_S = 5.0
"""A storage tells the time of a change in whole seconds: two changes within one look alike."""
ATTEMPTS = 5


def locate_copy(url: str, part: str) -> Path:
    """The folder of this machine for a part of a storage: transcripts, voices or artifacts."""
    return cache() / "shared" / hashlib.sha256(url.encode()).hexdigest()[:12] / part


def mark_copy(url: str, part: str) -> Path:
    """Make the folder of a part of a storage, marked as its copy."""
    folder = locate_copy(url, part)
    marker = folder / MARKER
    if not marker.is_file():
        make_folder(folder)
        write_atomically(marker, json.dumps({"url": url}))
    return folder


def find_url(folder: Path) -> str | None:
    """Find the storage that a folder is a copy of; None for a folder of its own."""
    try:
        found = json.loads((folder / MARKER).read_bytes())["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and locate_copy(found, folder.name) == folder.absolute() else None


def name_place(folder: Path) -> str:
    """Name a folder of results as other processes, here or on other machines, know it: a path, or a URL.

    >>> name_place(Path("/srv/results"))
    '/srv/results'
    """
    url = find_url(folder)
    return f"{url}/{TRANSCRIPTS}" if url else str(folder.resolve())


def locate_place(place: str) -> Path:
    """The folder on this machine for what `name_place` returned here or on another machine.

    >>> locate_place("/srv/results")
    PosixPath('/srv/results')
    """
    if "://" in place:
        return mark_copy(place.removesuffix(f"/{TRANSCRIPTS}"), TRANSCRIPTS)
    return Path(place)


def refresh(out: Path, recording_id: str | None = None) -> None:
    """Make a copy of results what the storage has now: of one recording, or of all. Does nothing for a folder that is
    no copy."""
    url = find_url(out)
    if url is None:
        return
    objects = open_objects(url)
    if recording_id is not None:
        _refresh_one(objects, out, recording_id)
        return
    for facts in objects.list(f"{LEDGER}/"):
        name = facts.name.removeprefix(f"{LEDGER}/").removesuffix(".json")
        stamp = f"{facts.size} {facts.modified_at}"
        if time.time() - facts.modified_at < SETTLED_S or _read_stamp(out, name).get("seen") != stamp:
            _refresh_one(objects, out, name, stamp)


def _refresh_one(objects: Objects, out: Path, recording_id: str, stamp: str = "") -> None:
    for _ in range(ATTEMPTS):
        entry = publication.find_published(objects, recording_id) or Entry(recording_id)
        if _read_stamp(out, recording_id).get("publication", "") == entry.publication:
            break
        contents = {}
        for path, (digest, _) in entry.files.items():
            held = objects.get(f"{TRANSCRIPTS}/{path}")
            if held is None or hashlib.sha256(held.data).hexdigest() != digest:
                break  # replaced meanwhile
            contents[Path(path)] = held.data
        else:
            _replace_copy(out, recording_id, contents)
            break
    else:
        raise TransientError(f"{recording_id}: its tables in {objects.url} are being replaced; try again.")
    _write_stamp(out, recording_id, entry.publication, stamp)


def _replace_copy(out: Path, recording_id: str, contents: dict[Path, bytes]) -> None:
    with journal.lock_journal(out) as folder:
        journal.recover(folder)
        leaving = [path for path in list_copied(out, recording_id) if path not in contents]
        if contents or leaving:
            journal.commit_publication(folder, recording_id, contents, leaving)


def list_copied(out: Path, recording_id: str) -> list[Path]:
    """List a recording's files in the copy, relative to it."""
    found = [p for p in out.glob("*/recorded_date=*/*.parquet") if p.stem == recording_id]
    exports = out / "exports" / recording_id
    found += [p for p in exports.iterdir() if p.is_file()] if exports.is_dir() else []
    return sorted(p.relative_to(out) for p in found if not p.name.startswith("."))


def note_copied(out: Path, recording_id: str, publication_id: str) -> None:
    """Note that the copy of a recording is of this publication: this process has written both."""
    _write_stamp(out, recording_id, publication_id, "")


def _read_stamp(out: Path, recording_id: str) -> dict[str, str]:
    try:
        found = json.loads((out / STAMPS / f"{recording_id}.json").read_bytes())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _write_stamp(out: Path, recording_id: str, publication_id: str, seen: str) -> None:
    make_folder(out / STAMPS)
    content = json.dumps({"publication": publication_id, "seen": seen})
    write_atomically(out / STAMPS / f"{recording_id}.json", content, durable=False)
