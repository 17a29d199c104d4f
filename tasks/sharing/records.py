"""The steps' records in shared storage: what a step found for a key, on whichever machine.

    records/<step>/v<version>/<sha256>.json     the step's manifest, canonical JSON, with a digest of what it found

A record is written once the values that it names are there, and believed after these were found whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from tasks.sharing.connect import open_objects
from tasks.storage.artifacts import canonical_json

FOLDER = "records"
RENEW_AFTER_S = 300.0
"""A record older than this is written again where it is used: pruning goes by when a record was last written, and
keeps those written since ten minutes before the oldest run under way began."""


def name_record(key: str) -> str:
    return f"{FOLDER}/{key}.json"


def read_record(url: str, key: str) -> Any:
    """Read a step's record as JSON, to be checked by the reader; None where there is none, or none that is JSON."""
    objects = open_objects(url)
    held = objects.get(name_record(key))
    if held is None:
        return None
    try:
        found = json.loads(held.data)
    except (ValueError, RecursionError):
        return None
    if time.time() - held.modified_at > RENEW_AFTER_S:
        objects.put(name_record(key), held.data)
    return found


def write_record(url: str, key: str, manifest: Mapping[str, Any]) -> None:
    """Write what a step found, for all machines."""
    open_objects(url).put(name_record(key), canonical_json(manifest))


def discard_record(url: str, key: str) -> None:
    open_objects(url).delete(name_record(key))
