"""Ask an OpenAI-compatible service for transcriptions, in the richest format that it offers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from tasks.errors import PermanentError
from tasks.remote_service import REFUSED_FIELD, RemoteService

log = logging.getLogger("daylong.openai")

PATH = "/audio/transcriptions"
INTO_ENGLISH = "/audio/translations"
MODES: tuple[dict[str, Any], ...] = (
    {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
    {"response_format": "verbose_json"},
    {"response_format": "json"},
)
"""What is asked for, richest first: the next one where a service refuses. Translations know no granularities."""


class TranscriptionClient:
    """A service at `base_url` (up to and with `/v1`). Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        model: str,
        key: str | None = None,
        timeout_s: float = 300.0,
        attempts: int = 6,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._service = RemoteService(base_url, key, timeout_s, attempts, sleep)
        self.model = model
        self._modes = {PATH: 0, INTO_ENGLISH: 1}

    def close(self) -> None:
        self._service.close()

    def transcribe(self, flac: bytes, language: str | None = None, prompt: str | None = None) -> dict[str, Any]:
        """The service's answer about a FLAC file, as JSON, in the richest format that it offers."""
        return self._ask(PATH, flac, {"language": language, "prompt": prompt})

    def translate(self, flac: bytes, _language: str | None = None, prompt: str | None = None) -> dict[str, Any]:
        """The same in English, whatever is spoken; the contract has no field for the spoken language."""
        return self._ask(INTO_ENGLISH, flac, {"prompt": prompt})

    def _ask(self, path: str, flac: bytes, given: dict[str, str | None]) -> dict[str, Any]:
        while True:
            mode = self._modes[path]
            fields: dict[str, Any] = {"model": self.model, "temperature": "0", **MODES[mode]}
            fields |= {name: value for name, value in given.items() if value}
            file = {"file": ("audio.flac", flac, "audio/flac")}
            answer = self._service.request("POST", path, data=fields, files=file)
            if answer.status_code in REFUSED_FIELD and mode + 1 < len(MODES):
                self._modes[path] = max(self._modes[path], mode + 1)
                log.info("%s refuses %s, asked for less", self._service.host, MODES[mode]["response_format"])
                continue
            found = self._service.read_json(answer, self.model)
            if not isinstance(found, dict) or not isinstance(found.get("text", found.get("segments")), (str, list)):
                raise PermanentError(f"{self._service.base_url}{path}: its answer is no transcription in JSON")
            return found
