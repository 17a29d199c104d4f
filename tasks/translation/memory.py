"""Translated sentences of a recording, kept on disk as they come: a run that ended goes on where it was.

    data/cache/translations/<recording_id>.jsonl     {"key": digest, "text": translation} a line

A key is the digest of the sentence, its neighbours, the languages, the model and the terms that occur in it.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from tasks.storage.artifacts import compute_json_digest

log = logging.getLogger("daylong.translation")


class SentenceMemory:
    """The file of a recording, read once; `path` None: nothing is kept."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._texts: dict[str, str] = {}
        self._torn = False
        try:
            content = path.read_bytes() if path else b""
        except FileNotFoundError:
            content = b""
        for line in content.splitlines():
            try:
                row = json.loads(line)
                self._texts[str(row["key"])] = str(row["text"])
            except (ValueError, KeyError, TypeError):  # the process died while it wrote the last line
                continue
        self._torn = bool(content) and not content.endswith(b"\n")

    def find(self, key: str) -> str | None:
        return self._texts.get(key)

    def keep(self, found: dict[str, str]) -> None:
        """Keep texts by key. A disk that is full costs the memory, not the translation."""
        self._texts |= found
        if self._path is None or not found:
            return
        lines = [json.dumps({"key": key, "text": text}, ensure_ascii=False) for key, text in found.items()]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(("\n" * self._torn + "\n".join(lines) + "\n").encode())
            self._torn = False
        except OSError as error:
            log.warning("%s: translated sentences can't be kept (%s)", self._path, error)
            self._path = None


def compute_key(**facts: Any) -> str:
    """The key of a sentence by whatever changes its translation."""
    return compute_json_digest(facts)
