"""Translated sentences of a recording, kept on disk as they come: a run that ended goes on where it was.

    data/cache/translations/<recording_id>.jsonl     {"key": digest, "said": digest, "text": translation} a line

A key is the digest of the sentence, its neighbours, the languages, the model and the terms that occur in it; `said`
that of the sentence, the languages and the model alone, by which a sentence is found whose neighbours have changed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.storage.artifacts import compute_json_digest

log = logging.getLogger("daylong.translation")


class SentenceMemory:
    """The file of a recording, read once; `path` None: nothing is kept."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._texts: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._torn = False
        try:
            content = path.read_bytes() if path else b""
        except FileNotFoundError:
            content = b""
        for line in content.splitlines():
            try:
                row = json.loads(line)
                key, text = str(row["key"]), str(row["text"])
            except (ValueError, KeyError, TypeError):  # the process died while it wrote the last line
                continue
            self._texts[key] = text
            if "said" in row:
                self._said[str(row["said"])] = text
        self._torn = bool(content) and not content.endswith(b"\n")

    def find(self, key: str) -> str | None:
        return self._texts.get(key)

    def find_said(self, said: str) -> str | None:
        """The latest translation of a sentence, whatever its neighbours were."""
        return self._said.get(said)

    def keep(self, found: Mapping[str, tuple[str, str]]) -> None:
        """Keep (said, text) by key. A disk that is full costs the memory, not the translation."""
        self._texts |= {key: text for key, (_, text) in found.items()}
        self._said |= dict(found.values())
        if self._path is None or not found:
            return
        rows = [{"key": key, "said": said, "text": text} for key, (said, text) in found.items()]
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
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


def compute_said(text: str, source: str | None, to: str, engine: str) -> str:
    """The digest of a sentence by itself, in the language `source`, translated by `engine`."""
    return compute_json_digest({"text": text, "source": source, "to": to, "engine": engine})
