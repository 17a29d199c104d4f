"""Ask a language model by an OpenAI-compatible service's chat completions, for JSON where the service can."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from tasks.errors import UsageError
from tasks.remote_service import REFUSED_FIELD, RemoteService
from tasks.translation.prompt import SCHEMA

log = logging.getLogger("daylong.translation")

PATH = "/chat/completions"
MODES: tuple[dict[str, Any], ...] = (
    {
        "temperature": 0,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "translations", "strict": True, "schema": SCHEMA},
        },
    },
    {"temperature": 0, "response_format": {"type": "json_object"}},
    {"temperature": 0},
    {},
)
"""What is asked for, strictest first: the next one where a service refuses."""
MAX_NAMED = 5
AUTO = "auto"


class ChatClient:
    """A service at `base_url` (up to and with `/v1`). `model` auto: the only one that the service has."""

    def __init__(
        self,
        base_url: str,
        model: str = AUTO,
        key: str | None = None,
        timeout_s: float = 120.0,
        attempts: int = 4,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._service = RemoteService(base_url, key, timeout_s, attempts, sleep, retries_silence=False)
        self.base_url = self._service.base_url
        self._model = model
        self._mode = 0

    def close(self) -> None:
        self._service.close()

    @property
    def model(self) -> str:
        """The model that is asked. Raises UsageError where the service has several, or none, and none is named."""
        if self._model == AUTO:
            found = self._service.read_json(self._service.request("GET", "/models"), AUTO)
            rows = found.get("data") if isinstance(found, dict) else None
            names = [str(r["id"]) for r in rows or () if isinstance(r, dict) and r.get("id")]
            if len(names) != 1:
                shown = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
                has = f"the service has several models: {shown}" if names else "the service names no model"
                raise UsageError(
                    f"translation.model = auto: {has} ({self.base_url}). Name one: translation.model=NAME"
                )
            self._model = names[0]
        return self._model

    def complete(self, messages: Sequence[dict[str, str]]) -> Any:
        """The service's answer as JSON; None where it is none. Raises as `RemoteService` does."""
        while True:
            mode = self._mode
            content = {"model": self.model, "messages": list(messages), "stream": False, **MODES[mode]}
            answer = self._service.request("POST", PATH, json=content)
            if answer.status_code in REFUSED_FIELD and mode + 1 < len(MODES):
                log.info("%s refuses JSON by a schema, or a temperature: asked for less", self._service.host)
                self._mode = max(self._mode, mode + 1)
                continue
            return self._service.read_json(answer, self.model)
