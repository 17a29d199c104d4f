"""When recordings began, by sources that are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tasks.audio.start_time import find_start_time
from tests.operators.case import Case

NOW = datetime(2026, 3, 3, tzinfo=UTC)
WRITTEN = datetime(2026, 3, 1, 9, 15, tzinfo=UTC)
BY_MTIME = "2026-03-01T09:15:00+00:00 (mtime)"


def begun(name: str, sidecar: str | None = None, written: datetime = WRITTEN, **tags: str) -> Callable[[Path], str]:
    """When a file of this name began."""

    def act(folder: Path) -> str:
        path = folder / name
        if sidecar is not None:
            path.with_suffix(".json").write_text(json.dumps({"recorded_at": sidecar}))
        at, source = find_start_time(tags, path, written.timestamp(), 0.0, "UTC", now=NOW)
        return f"{at} ({source})"

    return act


CASES = (
    *(
        Case("copies", f"a{stamp}.wav", BY_MTIME, begun(f"a{stamp}.wav"))
        for stamp in (
            ".sync-conflict-20260302-101500-ABCDEFG", " (conflicted copy 2026-03-02 101500)", "~20260302-101500",
            "_conflict-20260302-101500", " (SFConflict a@b.c 2026-03-02-10-15-00)", " - 2026-03-02T101500.123",
        )
    ),
    Case("clocks", "a file's time in 2037", "None (None)", begun("a.wav", written=datetime(2037, 1, 1, tzinfo=UTC))),
    Case("clocks", "a file's time in 1980", "None (None)", begun("a.wav", written=datetime(1980, 1, 1, tzinfo=UTC))),
    Case("clocks", "a sidecar of 2206", BY_MTIME, begun("a.wav", "2206-03-01T09:15:00")),
    Case("clocks", "a name of 2087", BY_MTIME, begun("2087-03-01_09-15-00.wav")),
    Case("clocks", "metadata of 1904", BY_MTIME, begun("a.wav", creation_time="1904-01-01T00:00:00Z")),
)  # fmt: skip
