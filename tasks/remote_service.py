"""Ask an OpenAI-compatible service by HTTP: retries, rate limits, keys, and errors in one line.

The key is read from the environment, goes into the header `Authorization` and nowhere else: no message, log line or
cache key has it.
"""

from __future__ import annotations

import ipaddress
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from tasks.errors import MachineFault, PermanentError, TransientError, UsageError

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""HTTP statuses that pass."""
REFUSED_FIELD = frozenset({400, 422})
"""HTTP statuses of services that lack a field of the request, or a value of it."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
LONGEST_RETRY_AFTER_S = 600.0
"""Seconds that a service may ask to be left alone for; one that asks for more is given up."""


class Silence(TransientError):
    """A service took a request and gave no answer in time."""


class RemoteService:
    """A service at `base_url` (up to and with `/v1`). Safe to share between threads.

    `retries_silence`: a request without an answer in `timeout_s` is sent again, as others that fail for passing
    reasons are; else `Silence` is raised at once, for the caller to ask for less.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        timeout_s: float = 300.0,
        attempts: int = 6,
        sleep: Callable[[float], object] = time.sleep,
        *,
        retries_silence: bool = True,
    ) -> None:
        import httpx

        self._httpx = httpx
        self.base_url = base_url.rstrip("/")
        self._key = key
        self._attempts = attempts
        self._sleep = sleep
        self._retries_silence = retries_silence
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # Redirections are not followed, and none of this machine's services is asked by a proxy.
        self._client = httpx.Client(
            headers=headers, timeout=timeout_s, follow_redirects=False, trust_env=not is_loopback(base_url)
        )

    def close(self) -> None:
        self._client.close()

    @property
    def host(self) -> str:
        return find_host(self.base_url)

    def request(self, method: str, path: str, **content: Any) -> Any:
        """The service's answer (httpx.Response), whatever its status is, but for those that pass.

        `content`: as httpx takes it. Raises TransientError where the service is away, or stays busy.
        """
        url = self.base_url + path
        for attempt in range(1, self._attempts + 1):
            wait: float | None
            try:
                answer = self._client.request(method, url, **content)
            except self._httpx.TransportError as error:
                if isinstance(error, self._httpx.ReadTimeout) and not self._retries_silence:
                    raise Silence(f"{url}: no answer in time. Is the model too large for the machine?") from None
                problem, wait = f"{type(error).__name__}: {error}", None
            else:
                if answer.status_code not in RETRIED:
                    return answer
                problem, wait = f"status {answer.status_code}", read_retry_after(answer.headers.get("Retry-After"))
            if attempt == self._attempts or (wait or 0.0) > LONGEST_RETRY_AFTER_S:
                break
            self._sleep(choose_wait(attempt, wait))
        raise TransientError(self.hide(f"{url}: {problem}, {attempt} times. Is the service there?"))

    def read_json(self, answer: Any, model: str) -> Any:
        """The JSON of an answer; None where it has none. Raises MachineFault and PermanentError for statuses that say
        that there is none."""
        url, status = answer.request.url, answer.status_code
        if status in (401, 403):
            raise MachineFault(f"{url}: the service refuses the key (status {status})")
        if status == 404:
            raise MachineFault(f"{url}: there is no such address or no model {model} (status 404)")
        if status >= 300:
            raise PermanentError(self.hide(f"{url}: status {status}, {_find_message(answer)}"))
        try:
            return answer.json()
        except ValueError:
            return None

    def hide(self, message: str) -> str:
        """The message without the key."""
        return message.replace(self._key, "…") if self._key else message


def check_address(url: str, setting: str) -> str:
    """A service's address without a slash at its end. Raises ValueError where it is none, or holds a key.

    >>> check_address("http://127.0.0.1:8000/v1/", "transcription.base_url")
    'http://127.0.0.1:8000/v1'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{setting}: no address. Write it as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        group = setting.rpartition(".")[0]
        raise ValueError(
            f"{setting}: leave out keys and what follows ? or #. The key belongs in the environment variable that "
            f"{group}.api_key_variable names"
        )
    return url.rstrip("/")


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
    host = find_host(url)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_host(url: str) -> str:
    """The host of a URL, lower case; empty without."""
    return (urlsplit(url).hostname or "").lower()


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


def _find_message(answer: Any) -> str:
    """What an error's body says, short."""
    try:
        found = answer.json()
        error = found.get("error", found) if isinstance(found, dict) else found
        said = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    except ValueError:
        said = answer.text
    return " ".join(str(said or "without a reason").split())[:200]
