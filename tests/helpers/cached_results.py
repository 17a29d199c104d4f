"""Results of steps in a cache, as Prefect and the steps store them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tasks.storage.artifacts import ArtifactStore


def make_result_key(step: str, letter: str) -> str:
    """The key of a step's result; `letter` is a hexadecimal digit, another for each result."""
    return f"{step}/v1/{letter * 64}"


def store_result(store: ArtifactStore, home: Path, key: str, value: bytes, days_ago: float) -> str:
    """Store a step's result with one artifact; returns the artifact's name."""
    name = store.put(key.partition("/")[0], value, ".bin")
    file = home / "data" / "cache" / "results" / key
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"metadata": {}, "result": json.dumps({"artifacts": {"it": name}, "cost": {}})}))
    os.utime(file, (time.time() - days_ago * 86_400,) * 2)
    return name
