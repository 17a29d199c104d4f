"""Ask an OpenAI-compatible service for transcriptions by HTTP: retries, rate limits, and errors in one line.

The key is read from the environment, goes into the header `Authorization` and nowhere else: no message, log line or
cache key has it.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from tasks.errors import MachineFault, PermanentError, TransientError, UsageError

log = logging.getLogger("daylong.openai")

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""HTTP statuses that pass."""
REFUSED_FIELD = frozenset({400, 422})
"""HTTP statuses of services that lack a field of the request, or a value of it."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
LONGEST_RETRY_AFTER_S = 600.0
"""Seconds that a service may ask to be left alone for; one that asks for more is given up."""

MODES: tuple[dict[str, Any], ...] = (
    {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
    {"response_format": "verbose_json"},
    {"response_format": "json"},
)
"""What is asked for, richest first: the next one where a service refuses."""


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
        import httpx

        self._httpx = httpx
        self.url = f"{base_url.rstrip('/')}/audio/transcriptions"
        self.model = model
        self._key = key
        self._attempts = attempts
        self._sleep = sleep
        self._mode = 0
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # Redirections are not followed, and none of this machine's services is asked by a proxy.
        self._client = httpx.Client(
            headers=headers, timeout=timeout_s, follow_redirects=False, trust_env=not is_loopback(base_url)
        )

    def close(self) -> None:
        self._client.close()

    def transcribe(self, flac: bytes, language: str | None = None, prompt: str | None = None) -> dict[str, Any]:
        """The service's answer about a FLAC file, as JSON, in the richest format that it offers."""
        while True:
            mode = self._mode
            fields: dict[str, Any] = {"model": self.model, "temperature": "0", **MODES[mode]}
            if language:
                fields["language"] = language
            if prompt:
                fields["prompt"] = prompt
            answer = self._post(fields, flac)
            if answer.status_code in REFUSED_FIELD and mode + 1 < len(MODES):
                self._mode = max(self._mode, mode + 1)
                log.info("%s refuses %s, asked for less", _host(self.url), MODES[mode]["response_format"])
                continue
            return self._read(answer)

    def _post(self, fields: Mapping[str, Any], flac: bytes) -> Any:
        for attempt in range(1, self._attempts + 1):
            wait: float | None
            try:
                answer = self._client.post(self.url, data=fields, files={"file": ("audio.flac", flac, "audio/flac")})
            except self._httpx.TransportError as error:
                problem, wait = f"{type(error).__name__}: {error}", None
            else:
                if answer.status_code not in RETRIED:
                    return answer
                problem, wait = f"status {answer.status_code}", read_retry_after(answer.headers.get("Retry-After"))
            if attempt == self._attempts or (wait or 0.0) > LONGEST_RETRY_AFTER_S:
                break
            self._sleep(choose_wait(attempt, wait))
        raise TransientError(self._hide(f"{self.url}: {problem}, {attempt} times. Is the service there?"))

    def _read(self, answer: Any) -> dict[str, Any]:
        status = answer.status_code
        if status in (401, 403):
            raise MachineFault(f"{self.url}: the service refuses the key (status {status})")
        if status == 404:
            raise MachineFault(f"{self.url}: there is no such address or no model {self.model} (status 404)")
        if status >= 300:
            raise PermanentError(self._hide(f"{self.url}: status {status}, {_find_message(answer)}"))
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("text", found.get("segments")), (str, list)):
            raise PermanentError(f"{self.url}: its answer is no transcription in JSON")
        return found

    def _hide(self, message: str) -> str:
        return message.replace(self._key, "…") if self._key else message


def read_key(variable: str) -> str | None:
    """The key in this environment variable; None without. Raises UsageError for one that no header can have."""
    key = os.environ.get(variable, "").strip()
    if not key:
        return None
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"{variable}: the key has characters that HTTP can't send")
    return key


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine itself.

    >>> [is_loopback(f"http://{host}:8000/v1") for host in ("localhost", "127.0.0.2", "[::1]", "127.0.0.1.example")]
    [True, True, True, False]
    """
    host = _host(url)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def choose_wait(attempt: int, asked_s: float | None, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait before the next attempt: what the service asked for, else twice as long every time, with up
    to a quarter more, so that requests in flight don't come back at once."""
    if asked_s is not None:
        return asked_s
    return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1)) * (1 + 0.25 * jitter()))


def read_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that the header Retry-After names, as a number or as a date; None where it names none.

    >>> read_retry_after("2.5"), read_retry_after("soon"), read_retry_after(None)
    (2.5, None, None)
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        seconds = (when - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if seconds == seconds else None


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _find_message(answer: Any) -> str:
    """What an error's body says, short."""
    try:
        found = answer.json()
        error = found.get("error", found) if isinstance(found, dict) else found
        said = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    except ValueError:
        said = answer.text
    return " ".join(str(said or "without a reason").split())[:200]
